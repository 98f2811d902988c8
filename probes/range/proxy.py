"""The reference filter as an explicit proxy: plain requests and CONNECT (RFC 9110, 9.3.6).

It resolves names itself: the hosts of the zone lead to the origin's ports, and no other
name can be resolved.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar, Protocol, cast

from harness.model.marker import SHAPE
from probes.range.block_page import block_answer
from probes.range.connection import Connection, Request
from probes.range.faults import Fault, FaultKind
from probes.range.filter import PASSING_STYLES, Decision, ReferenceFilter, Service
from probes.range.origin_pages import Page, redirect_page, trouble_page
from probes.range.resolver import ZoneServer
from probes.range.zone import ADDRESS

BANNER = b"<div>Your connection is protected by the reference filter. Browse with care.</div>"
DRIP_BYTES = 8
"""Bytes of an answer that drips."""

END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)^content-length:.*\r\n", re.MULTILINE)

TAMPERED = frozenset(
    {
        FaultKind.BANNER,
        FaultKind.TRUNCATED,
        FaultKind.TORN,
        FaultKind.STALLED,
        FaultKind.DRIP,
    }
)
"""The kinds of fault that change an answer after the origin gave it."""


class Ending(Enum):
    """How the connection to the client ends."""

    CLOSE = "close"
    RESET = "reset"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered:
    """What is sent in place of the answer, piece by piece, and how it ends.

    The fault's ``delay`` seconds lie between two pieces.
    """

    pieces: tuple[bytes, ...]
    ending: Ending = Ending.CLOSE


def tamper(fault: Fault, answer: bytes) -> Tampered:
    """The origin's whole answer as that fault leaves it; unchanged for kinds not in TAMPERED."""
    head, _, body = answer.partition(END_OF_HEAD)
    kept = answer[: len(head) + len(END_OF_HEAD) + round(len(body) * fault.share)]
    match fault.kind:
        case FaultKind.BANNER:
            changed = body.replace(b"<body>", b"<body>" + BANNER, 1)
            return Tampered(pieces=(_with_length(head, len(changed)) + changed,))
        case FaultKind.TRUNCATED:
            return Tampered(pieces=(kept,))
        case FaultKind.TORN:
            return Tampered(pieces=(kept,), ending=Ending.RESET)
        case FaultKind.STALLED:
            promised = _with_length(head, len(body) + 1)
            return Tampered(pieces=(promised + body,), ending=Ending.NEVER)
        case FaultKind.DRIP:
            return Tampered(pieces=tuple(_drips(answer)))
    return Tampered(pieces=(answer,))


def without_nonce(lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Request lines without the nonce: what is answered then has no token, as from a cache."""
    return tuple(line for line in lines if not SHAPE.search(line.decode("latin-1")))


def _with_length(head: bytes, length: int) -> bytes:
    """A head that states another length of the body."""
    lines = _LENGTH.sub(b"", head + b"\r\n")
    return lines + f"Content-Length: {length}\r\n\r\n".encode()


def _drips(answer: bytes) -> Iterator[bytes]:
    return (answer[place : place + DRIP_BYTES] for place in range(0, len(answer), DRIP_BYTES))


class ClientSide(Protocol):
    """The client's side, which gets what the far side says."""

    def send_to_client(self, data: bytes) -> None: ...  # noqa: D102 - see the implementation
    def origin_side_closed(self, origin_side: OriginSide) -> None: ...  # noqa: D102
    def pause(self) -> None: ...  # noqa: D102
    def resume(self) -> None: ...  # noqa: D102


class OriginSide(asyncio.Protocol):
    """The filter's connection to the origin; what comes from it goes to the near side."""

    def __init__(self, client_side: ClientSide, host: str) -> None:
        self._client_side = client_side
        self._transport: asyncio.Transport | None = None
        self.has_answered = False
        self.host = host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the origin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what the origin says."""
        self.has_answered = True
        self._client_side.send_to_client(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the near side."""
        del exc
        self._transport = None
        self._client_side.origin_side_closed(self)

    def pause_writing(self) -> None:
        """Let the client wait until the origin has read."""
        self._client_side.pause()

    def resume_writing(self) -> None:
        """Let the client go on."""
        self._client_side.resume()

    def send(self, data: bytes) -> None:
        """Send to the origin, if it is still there."""
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Stop reading from the origin."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read from the origin again."""
        if self._transport is not None:
            self._transport.resume_reading()


TUNNEL_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where the proxy finds the origin. ``ports`` maps the ports of URLs to the real ones."""

    zone_server: ZoneServer
    ports: dict[int, int]


class ProxyConnection(Connection):
    """One client of the proxy, with the rights of one profile."""

    server = "accredit-reference-filter"
    service: ClassVar[Service] = "proxy"

    def __init__(self, filter_: ReferenceFilter, profile: str, upstream: Upstream) -> None:
        super().__init__()
        self._filter = filter_
        self._profile = profile
        self._upstream = upstream
        self._origin_side: OriginSide | None = None
        self._tampering: Fault | None = None
        self._inspected: tuple[Decision, Request] | None = None
        self._collected = bytearray()
        self._connecting: asyncio.Task[None] | None = None

    def on_request(self, request: Request) -> None:
        """Decide, and carry the decision out after the delay that it asks for."""
        if request.method != "CONNECT" and not request.is_absolute:
            self.answer(Page(status=400, body=b"This is a proxy; ask it for a whole URL.\n"))
            return
        self._decide(request)

    def _decide(self, request: Request) -> None:
        decision = self._filter.decide(request.host, self._profile, self.service)
        if decision.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(decision.delay, self._carry_out, decision, request)
        else:
            self._carry_out(decision, request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the far side down with the near one."""
        super().connection_lost(exc)
        if self._connecting is not None:
            self._connecting.cancel()
        if self._origin_side is not None:
            self._origin_side.abort()

    def on_bytes(self, data: bytes) -> None:
        """Pass a tunnel's bytes on; collect the request before that."""
        if self._origin_side is not None:
            self._origin_side.send(data)
        else:
            super().on_bytes(data)

    def pause_writing(self) -> None:
        """Let the far side wait until the client has read."""
        if self._origin_side is not None:
            self._origin_side.pause()

    def resume_writing(self) -> None:
        """Let the far side go on."""
        if self._origin_side is not None:
            self._origin_side.resume()

    def _carry_out(self, decision: Decision, request: Request) -> None:
        if not self.is_open:
            return
        match decision.style:
            case FaultKind.SILENT:
                return
            case FaultKind.RESET:
                self.reset()
            case FaultKind.EOF:
                self.close()
            case FaultKind.GARBAGE:
                self.send(b"\x00\x01 this is no HTTP\r\n\r\n")
                self.close()
            case FaultKind.UPGRADE if not self.is_secure:
                self.answer(redirect_page(f"https://{request.host}{request.path}"))
            case style if style is None or style in PASSING_STYLES:
                if style is FaultKind.STALE:
                    request = replace(request, lines=without_nonce(request.lines))
                elif request.method != "CONNECT":
                    self._tampering = decision.fault if style in TAMPERED else None
                    self._inspected = (decision, request) if decision.reads else None
                # A tunnel of unread bytes would be lost to a cancelled task: keep the task.
                self._connecting = asyncio.get_running_loop().create_task(self._forward(request))
            case _:
                self.answer(block_answer(decision, request), bodiless=request.method == "HEAD")

    async def _forward(self, request: Request) -> None:
        port = self._upstream.ports.get(request.port)
        if port is None or not self._upstream.zone_server.has(request.host):
            self.answer(trouble_page(request.host, 503))
            return
        await self._connect_origin(ADDRESS, port, request.host)
        if self._origin_side is None:
            return
        if request.method == "CONNECT":
            self._origin_side.has_answered = True
            self.send(TUNNEL_ESTABLISHED)
        else:
            self._origin_side.send(request.to_origin_form())

    async def _connect_origin(self, address: str, port: int, host: str) -> None:
        """Open the far side, or answer that it cannot be done."""
        loop = asyncio.get_running_loop()
        try:
            _, origin_side = await loop.create_connection(
                lambda: OriginSide(self, host), address, port
            )
        except OSError:
            self.answer(trouble_page(host, 503))
            return
        if self.is_open:
            self._origin_side = origin_side
        else:
            origin_side.abort()

    def send_to_client(self, data: bytes) -> None:
        """Give the client what came from the far side; what is read or changed is kept back."""
        if self._tampering is None and self._inspected is None:
            self.send(data)
        else:
            self._collected += data

    def origin_side_closed(self, origin_side: OriginSide) -> None:
        """The far side is done: so is this connection."""
        if not origin_side.has_answered:
            self.answer(trouble_page(origin_side.host, 502))
        elif self._inspected is not None:
            self._finish_inspection(*self._inspected)
        elif self._tampering is None:
            self.close()
        else:
            tampered = tamper(self._tampering, bytes(self._collected))
            self._send_on(iter(tampered.pieces), self._tampering.delay, tampered.ending)

    def _finish_inspection(self, decision: Decision, request: Request) -> None:
        """Give the client the whole answer, or block it for what it says."""
        self._inspected, self._origin_side, answer = None, None, bytes(self._collected)
        judged = self._filter.read(decision, self._profile, self.service, answer)
        if judged.is_blocked:
            self._carry_out(judged, request)
        else:
            self.send(answer)
            self.close()

    def _send_on(self, pieces: Iterator[bytes], pace: float, ending: Ending) -> None:
        """Send piece after piece, ``pace`` seconds apart, and end as it should."""
        for piece in pieces:
            self.send(piece)
            if pace:
                loop = asyncio.get_running_loop()
                loop.call_later(pace, self._send_on, pieces, pace, ending)
                return
        if ending is Ending.CLOSE:
            self.close()
        elif ending is Ending.RESET:
            self.reset()

    def pause(self) -> None:
        """Stop reading from the client."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read from the client again."""
        if self._transport is not None:
            self._transport.resume_reading()
