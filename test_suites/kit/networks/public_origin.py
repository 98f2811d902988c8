"""Prepares a public origin for a test: on loopback, at high ports, with a zone of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path
from typing import Any

from harness.cli.origin import (
    TWIN_AUTHORITY,
    checked_settings,
    read_settings,
    write_origin_folder,
)
from harness.model.content_form import PageContent
from probes.range.origin_settings import OriginSettings
from probes.range.public_origin import PublicOrigin
from test_suites.kit.processes.product import free_port

ZONE, TWINS = "canary.gardens.example", "fair-orchard.example"
"""Under a reserved domain, where loopback addresses are right (``harness.judge.rules.dns``)."""
ELSEWHERE = "127.0.1.1"
"""An address of another network than 127.0.0.1, on this machine."""


def free_ports() -> dict[str, int]:
    """Three ports that are free on loopback (IPv4, and IPv6 if there is any) for TCP and UDP."""
    ports: set[int] = set()
    while len(ports) < 3:
        if _is_free_by_ipv6(port := free_port()):
            ports.add(port)
    return dict(zip(("http", "https", "dns"), ports, strict=True))


def _is_free_by_ipv6(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET6, kind) as trial:
            try:
                trial.bind(("::1", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


def write_folder(folder: Path, **changes: Any) -> OriginSettings:
    """Write the folder of an origin as ``accredit origin init`` does; gives its settings."""
    declared: dict[str, Any] = {
        "zones": ({"zone": ZONE, "addresses": ("127.0.0.1", "::1")},),
        "twins": {"zone": TWINS, "addresses": ("127.0.0.1", "::1"), "authority": TWIN_AUTHORITY},
        "ports": free_ports(),
        "key": "origin.key",
        "authority": "authority-key.pem",
        "content_seed": "content.seed",
    }
    settings = checked_settings(declared | changes)
    write_origin_folder(folder, settings)
    return settings


def limit(folder: Path, **rules: float) -> None:
    """Change limits in the file of an origin."""
    path = folder / "origin.yaml"
    text = path.read_text(encoding="utf-8")
    declared = "\n".join(f"  {name}: {value}" for name, value in rules.items())
    path.write_text(f"{text[: text.index('limits:')]}limits:\n{declared}\n", encoding="utf-8")


def origin_in(folder: Path, reports: list[str], **options: Any) -> PublicOrigin:
    """The origin of a folder, to be served in a test's own event loop."""
    settings = read_settings(folder / "origin.yaml")
    texts: dict[str, str] = options.pop("texts", {})
    contents: dict[str, PageContent] = options.pop("contents", {})
    return PublicOrigin(
        settings, folder, texts=texts, contents=contents, report=reports.append, **options
    )


async def sent(
    origin: PublicOrigin, data: bytes, *, source: str = "", address: str = "127.0.0.1"
) -> bytes:
    """What comes back for some bytes to the http port, until the connection ends."""
    reader, writer = await asyncio.open_connection(
        address, origin.settings.ports.http, local_addr=(source, 0) if source else None
    )
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def get(host: str, path: str = "/", *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", "")).encode()
