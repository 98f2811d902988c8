"""The reference filter as an explicit proxy: plain requests and CONNECT (RFC 9110, 9.3.6).

It resolves names itself: the hosts of the zone lead to the origin's ports, and no other
name can be resolved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from probes.range.block_page import notice
from probes.range.connection import Connection
from probes.range.faults import Fault, FaultKind
from probes.range.filter import PASSING, Decision, ReferenceFilter, Service
from probes.range.origin_pages import Page, redirect_page, trouble_page
from probes.range.request import Request
from probes.range.tampering import TAMPERED, Ending, tamper, unmarked
from probes.range.upstream import Far
from probes.range.zone import ADDRESS
from probes.range.zone_server import Names

TUNNEL_MADE = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where the proxy finds the origin. ``ports`` maps the ports of URLs to the real ones."""

    names: Names
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
        self._far: Far | None = None
        self._tampering: Fault | None = None
        self._reading: tuple[Decision, Request] | None = None
        self._said = bytearray()
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
        if self._far is not None:
            self._far.abort()

    def on_bytes(self, data: bytes) -> None:
        """Pass a tunnel's bytes on; collect the request before that."""
        if self._far is not None:
            self._far.send(data)
        else:
            super().on_bytes(data)

    def pause_writing(self) -> None:
        """Let the far side wait until the client has read."""
        if self._far is not None:
            self._far.pause()

    def resume_writing(self) -> None:
        """Let the far side go on."""
        if self._far is not None:
            self._far.resume()

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
            case style if style is None or style in PASSING:
                if style is FaultKind.STALE:
                    request = replace(request, lines=unmarked(request.lines))
                elif request.method != "CONNECT":
                    self._tampering = decision.fault if style in TAMPERED else None
                    self._reading = (decision, request) if decision.reads else None
                # A tunnel of unread bytes would be lost to a cancelled task: keep the task.
                self._connecting = asyncio.get_running_loop().create_task(self._forward(request))
            case _:
                self.answer(notice(decision, request), bodiless=request.method == "HEAD")

    async def _forward(self, request: Request) -> None:
        port = self._upstream.ports.get(request.port)
        if port is None or not self._upstream.names.has(request.host):
            self.answer(trouble_page(request.host, 503))
            return
        await self._reach(ADDRESS, port, request.host)
        if self._far is None:
            return
        if request.method == "CONNECT":
            self._far.has_spoken = True
            self.send(TUNNEL_MADE)
        else:
            self._far.send(request.passed_on())

    async def _reach(self, address: str, port: int, host: str) -> None:
        """Open the far side, or answer that it cannot be done."""
        loop = asyncio.get_running_loop()
        try:
            _, far = await loop.create_connection(lambda: Far(self, host), address, port)
        except OSError:
            self.answer(trouble_page(host, 503))
            return
        if self.is_open:
            self._far = far
        else:
            far.abort()

    def pass_back(self, data: bytes) -> None:
        """Give the client what came from the far side; what is read or changed is kept back."""
        if self._tampering is None and self._reading is None:
            self.send(data)
        else:
            self._said += data

    def far_ended(self, far: Far) -> None:
        """The far side is done: so is this connection."""
        if not far.has_spoken:
            self.answer(trouble_page(far.host, 502))
        elif self._reading is not None:
            self._pass_on_what_was_read(*self._reading)
        elif self._tampering is None:
            self.close()
        else:
            tampered = tamper(self._tampering, bytes(self._said))
            self._send_on(iter(tampered.pieces), self._tampering.delay, tampered.ending)

    def _pass_on_what_was_read(self, decision: Decision, request: Request) -> None:
        """Give the client the whole answer, or block it for what it says."""
        self._reading, self._far, answer = None, None, bytes(self._said)
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
