"""A served origin with its parent and a resolver, for tests of ``accredit origin check``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset
import pytest

from harness.campaign.origin_file import read_origin
from harness.model.campaign import Limits
from harness.ports.network import Origin
from probes.lines.direct import Control, ControlOptions
from probes.net.route import Address, parse_address
from probes.range.arrival_log import ArrivalLog
from probes.range.delegation import Checked
from probes.range.name_server import NameServer, Reply
from probes.range.origin_check import CheckOptions, check_origin
from probes.range.resolver import ZoneServer
from probes.range.zone import ZoneNames
from test_suites.kit.networks.public_origin import TWINS, ZONE, origin_in, write_folder
from test_suites.kit.processes.product import (
    BIND_IS_READY,
    LOOPBACK,
    Folder,
    Process,
    free_port,
    which,
)

SECOND, APART = "meadow.example", "127.0.0.9"
PASSES = f"amber-lantern.{ZONE}"
DELEGATION = {
    ZONE: [f"{ZONE}. NS ns1.{ZONE}.", f"ns1.{ZONE}. A {LOOPBACK}"],
    SECOND: [f"{SECOND}. NS ns1.{SECOND}.", f"ns1.{SECOND}. A {LOOPBACK}"],
    TWINS: [f"{TWINS}. NS ns1.{TWINS}.", f"ns1.{TWINS}. A {APART}"],
}


@dataclass
class World:
    """A served origin, its parent, and a resolver that answers as it is told."""

    origin: Origin
    folder: Path
    resolver: Address
    found: ZoneNames
    parent: Address

    async def check(self, **changes: Any) -> list[Checked]:
        """All checks, over the control line unless there are ``lines``."""
        lines = changes.pop("lines", None)
        origin = changes.pop("origin", self.origin)
        if lines is None:
            lines = {"control": Control("control", ControlOptions(), origin, Limits())}
        given: dict[str, Any] = {"resolver": self.resolver, "parents": (self.parent,)}
        options = CheckOptions(**given | {"patience": 10.0} | changes)
        return await check_origin(origin, lines, PASSES, options)


StartWorld = Callable[..., Any]


def referral(query: dns.message.Message) -> Reply:
    """The answer of a parent that refers rightly, for tests of other things."""
    response = dns.message.make_response(query)
    zone = query.question[0].name.to_text(omit_final_dot=True)
    for line, section in zip(
        DELEGATION[zone], (response.authority, response.additional), strict=True
    ):
        name, kind, content = line.split()
        section.append(dns.rrset.from_text(name, 60, "IN", kind, content))
    return Reply(message=response)


@pytest.fixture
async def start_origin(tmp_path: Path) -> AsyncIterator[StartWorld]:
    async with AsyncExitStack() as stack:

        async def begin(
            now: Callable[[], datetime] | None = None, log: str = "-", **changes: Any
        ) -> World:
            folder = tmp_path / "origin"
            declared = {
                "zones": tuple({"zone": zone, "addresses": (LOOPBACK,)} for zone in (ZONE, SECOND)),
                "twins": {
                    "zone": TWINS, "addresses": (APART,), "authority": "twin-authority-key.pem"
                },
            }  # fmt: skip
            write_folder(folder, **declared | changes)
            path = folder / "origin.yaml"
            path.write_text(path.read_text().replace('log: "-"', f'log: "{log}"'))
            options = {"now": now} if now else {}
            await stack.enter_async_context(origin_in(folder, [], **options))
            origin = read_origin(folder / "origin.json")
            world = World(
                origin=origin,
                folder=folder,
                resolver=Address(host=LOOPBACK, port=9),
                parent=Address(host=LOOPBACK, port=9),
                found=ZoneNames(zones=origin.zones, twins=origin.twins),
            )

            def reply(query: dns.message.Message) -> Reply:
                return Reply(message=ZoneServer(log=ArrivalLog(), names=world.found).answer(query))

            server = await stack.enter_async_context(NameServer(reply))
            world.resolver = parse_address(server.address, "resolver")
            above = await stack.enter_async_context(NameServer(referral))
            world.parent = parse_address(above.address, "parent")
            return world

        yield begin


@pytest.fixture
def start_parent() -> Iterator[Callable[..., Address]]:
    """Start a BIND that is responsible for the zone above, with some records."""
    with ExitStack() as closing:

        def begin(records: dict[str, list[str]], *own: str) -> Address:
            folder, port = Folder("parent"), free_port()
            closing.callback(folder.remove)
            head = ["$TTL 60", "@ SOA ns.example. root.example. 1 60 60 60 60", "@ NS ns.example."]
            lines = [
                *head,
                f"ns.example. A {LOOPBACK}",
                *(one for each in records.values() for one in each),
            ]
            zones = {"example": lines}
            zones |= {
                zone: [*head, f"@ NS ns1.{zone}.", f"ns1.{zone}. A {LOOPBACK}"] for zone in own
            }
            text = "".join(
                f'zone "{zone}" {{ type primary; check-integrity no; file "'
                + str(folder.write(zone, "\n".join(content) + "\n"))
                + '"; };\n'
                for zone, content in zones.items()
            )
            conf = folder.write(
                "named.conf",
                f'options {{ directory "{folder.path}"; pid-file none; recursion no;\n'
                f"listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }}; }};\n"
                f"controls {{ }};\n{text}",
            )
            command = (which("named") or "", "-g", "-n", "1", "-c", str(conf))
            log, answers_at = folder.path / "log", [(LOOPBACK, port)]
            process = Process(command, log=log, answers_at=answers_at, logs=BIND_IS_READY)
            closing.enter_context(process)
            return Address(host=LOOPBACK, port=port)

        yield begin


def problems(results: list[Checked]) -> dict[str, Checked]:
    """The problems, by check and subject."""
    return {f"{each.check} {each.of}": each for each in results if each.state == "problem"}
