"""One connection to port 80 or 443 of a service of the area ``techniques``, and what may become of it.

Such a service stands before a good gateway: it leads a connection there, or past it to the origin,
or does something of its own.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from probes.range.authority import Authority
from probes.range.gateway import read_server_name
from probes.range.zone import ADDRESS, normalise
from test_suites.calibration.hostile.client_hello import ciphers_in
from test_suites.calibration.hostile.http_message import Answer
from test_suites.kit.networks.byte_stream import ByteStream

RECORD_HEADER = 5
"""Bytes of the header of a record of TLS."""

_HOSTS = re.compile(rb"(?im)^host:[ \t]*([^\r\n]*?)[ \t]*\r?$")


@dataclass(frozen=True, kw_only=True)
class Knock:
    """One connection, and what it begins with: a record of TLS, or a piece of a request.

    ``gateway`` and ``origin`` are the ports of the good gateway and of the origin for it; ``memory``
    is its service's own.
    """

    stream: ByteStream
    first: bytes = field(repr=False)
    is_secure: bool
    gateway: int
    origin: int
    authority: Authority = field(repr=False)
    memory: dict[str, Any]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The values of the Host headers, as they are written."""
        return tuple(each.decode("latin-1") for each in _HOSTS.findall(self.head))

    @property
    def host(self) -> str:
        """The host that is named first, in TLS or in a Host header; empty without one."""
        if self.is_secure:
            try:
                return read_server_name(self.first) or ""
            except ValueError:
                return ""
        return next(map(normalise, self.hosts), "")

    @property
    def head(self) -> bytes:
        """What came of the head of a request."""
        return self.first.partition(b"\r\n\r\n")[0]

    @property
    def ciphers(self) -> tuple[int, ...]:
        """The cipher suites that a ClientHello offers."""
        try:
            return ciphers_in(self.first)
        except IndexError:
            return ()

    def has(self, header: str) -> bool:
        """Whether a request has a header."""
        return f"\r\n{header}:".encode().lower() in self.head.lower()

    async def rightly(self) -> None:
        """Lead to the good gateway."""
        await self.stream.relay(ADDRESS, self.gateway, self.first)

    async def pass_on(self) -> None:
        """Lead to the origin, unread."""
        await self.stream.relay(ADDRESS, self.origin, self.first)

    async def rightly_unless(self, is_missed: bool) -> None:
        """Lead to the good gateway, but to the origin if it is missed."""
        await (self.pass_on() if is_missed else self.rightly())

    async def give(self, answer: bytes) -> None:
        """Send an answer, and close."""
        await self.stream.send(answer)
        self.stream.close()

    async def give_page(self, answer: Answer) -> None:
        """Answer the request; of a connection by TLS that inside, whatever it is."""
        if self.is_secure:
            name = self.host
            self.stream.begin_tls(self.authority.context(name), self.first)
            await self.stream.read()
        await self.give(answer.wire)


Lead = Callable[[Knock], Awaitable[None]]
"""What a service does with a connection."""


async def lead_rightly(knock: Knock) -> None:
    """Lead every connection to the good gateway."""
    await knock.rightly()


Admit = Callable[[bytes, dict[str, Any]], bool]
"""Whether a service lets a datagram to UDP port 443 through, given its memory."""


def admit_none(data: bytes, memory: dict[str, Any]) -> bool:
    """Let no datagram through."""
    del data, memory
    return False


async def first_of(stream: ByteStream, *, is_secure: bool) -> bytes:
    """The first record of a connection by TLS, or the first piece of any other."""
    first = await stream.read()
    while is_secure and first and len(first) < RECORD_HEADER + int.from_bytes(first[3:5]):
        more = await stream.read()
        if not more:
            break
        first += more
    return first
