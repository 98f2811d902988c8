"""Each kind of line, for a test that no line visits a private address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.network import Line, Origin
from test_suites.unit.probes.conftest import AddressBook


@asynccontextmanager
async def name_server(place: str) -> AsyncIterator[str]:
    """A name server by which every name is at an address."""
    transport, book = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: AddressBook({"A": place, "AAAA": f"::ffff:{place}"}), local_addr=("127.0.0.1", 0)
    )
    yield str(book.address)
    transport.close()


def origin() -> Origin:
    """An origin on loopback."""
    return Origin(zone="accredit.test", resolver="", ports={80: 1}, authority="", key=b"k" * 32)


def lines(names: str, proxy: str, folder: Path, lane: str) -> Iterator[Line]:
    """Each kind of line, with an origin on loopback and without one."""
    straight, through = folder / "straight.pac", folder / "through.pac"
    straight.write_text("function FindProxyForURL(u, h) { return 'DIRECT' }", encoding="utf-8")
    through.write_text(
        f"function FindProxyForURL(u, h) {{ return 'PROXY {proxy}' }}", encoding="utf-8"
    )
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("control", {"resolver": names}),
        ("resolver", {"server": names}),
        ("interface", {"resolver": names, "gateway": "127.0.0.66"}),
        ("pac", {"file": str(straight), "resolver": names}),
        ("pac", {"file": str(through), "resolver": names}),
        ("explicit_proxy", {"proxy": f"http://{proxy}"}),
        ("explicit_proxy", {"proxy": f"socks5://{proxy}"}),
    ]
    for around in (None, origin()):
        control = built("control", {"resolver": names, "lane": lane}, around)
        for kind, options in kinds:
            line = built(kind, {**options, "lane": lane}, around)
            if kind != "control":
                line.declare("block.example", control)
            yield Together(line, control)  # type: ignore[misc]  # a line and what it looks up by


def built(kind: str, options: dict[str, Any], around: Origin | None) -> Any:
    plugin = LINES.find(kind)
    return plugin(kind, plugin.Options.model_validate(options), around, Limits())


class Together:
    """A line that opens the control with itself."""

    def __init__(self, line: Any, control: Any) -> None:
        self.line, self.control = line, control

    async def __aenter__(self) -> Any:
        await self.control.__aenter__()
        return await self.line.__aenter__()

    async def __aexit__(self, *exc: object) -> None:
        await self.line.__aexit__(*exc)
        await self.control.__aexit__(*exc)
