"""The two ends of a tunnel: a client and a far end, each in a private network of its own.

Behind the far end is nothing but the origin's pages, at port 80 of that network. The client's only
way out leads to the far end: ports of its loopback device whose bytes the attempt's line carries.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK, PrivateNetwork

PAGE_PORT = 80
"""The port of the origin's pages in the network of a far end, at each of its addresses."""

LOCAL_PORT = 1080
"""The port at which a client program takes what it carries, in its own network."""

Over = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end. Keys and passwords of both are made from the origin's ``key``, so both know them."""

    network: PrivateNetwork
    key: bytes

    def secret(self, purpose: str) -> bytes:
        """Return 32 secret bytes for one purpose."""
        return hmac.digest(self.key, f"tunnel {purpose}".encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEnd(End):
    """The client's end: the tunnel's ports on its loopback device lead to those of the far end.

    ``host`` is a harmless host of the origin, ``authorities`` are the files of those that certify
    it, ``zone`` is the origin's. ``number`` is one of the attempt's own, for far ends that must
    know their clients.
    """

    host: str
    zone: str
    authorities: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd(End):
    """The far end at the origin; its program listens at the tunnel's own ports on loopback."""

    zone: str


OpenTunnel = Callable[[ClientEnd], Awaitable[ByteStream]]
"""Opens the tunnel, and returns a stream to the origin's pages through it."""

ServeStream = Callable[[FarEnd, ByteStream], Awaitable[None]]
"""Serves one connection of a client to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """A protocol: ``ports`` are its usual ones, ``programs`` of the ends with their packages.

    ``open`` raises PrivateNetworkError, and what a stream raises; so does ``start``, which starts
    the far end. Connections over TCP are passed to its first port, unless ``serve`` serves them.
    ``inside_web``: it is spoken at the port of the origin's web servers, inside TLS or beside it.
    ``in_tls``: its own port speaks TLS, with a certificate that nobody knows.
    """

    name: str
    over: Over
    ports: tuple[int, ...]
    open: OpenTunnel
    start: Callable[[FarEnd], Awaitable[None]]
    client_programs: tuple[tuple[str, str], ...] = ()
    server_programs: tuple[tuple[str, str], ...] = ()
    serve: ServeStream | None = None
    inside_web: bool = False
    in_tls: bool = False


async def nothing_to_start(end: FarEnd) -> None:
    """Start nothing: the far end is this program."""
    del end


async def pass_on(first: ByteStream, second: ByteStream) -> None:
    """Pass bytes between two streams until one of them ends; close both."""
    try:
        tasks = [asyncio.ensure_future(_pump(*pair)) for pair in ((first, second), (second, first))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        first.close()
        second.close()


async def _pump(source: ByteStream, target: ByteStream) -> None:
    while data := await source.read():
        await target.write(data)


async def pass_to_program(tunnel: Tunnel, end: FarEnd, stream: ByteStream) -> None:
    """Pass a connection to the program of a far end."""
    await pass_on(stream, await end.network.connect(LOOPBACK, tunnel.ports[0]))
