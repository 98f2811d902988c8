"""The reference filter as an explicit proxy: plain requests and CONNECT (RFC 9110, 9.3.6).

It resolves names itself: the hosts of the zone lead to the origin's ports, and no other
name can be resolved.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

from probes.range.connection import Connection
from probes.range.faults import FaultKind
from probes.range.filter import Decision, ReferenceFilter
from probes.range.names import Names
from probes.range.pages import Page, block_page, portal_page, redirect_page, trouble_page
from probes.range.request import Request
from probes.range.zone import ADDRESS, BLOCK_HOST

TUNNEL_MADE = b"HTTP/1.1 200 Connection established\r\n\r\n"

_PAGE_STATUS = {FaultKind.PAGE_200: 200, FaultKind.PAGE_403: 403, FaultKind.PAGE_451: 451}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where the proxy finds the origin. ``ports`` maps the ports of URLs to the real ones."""

    names: Names
    ports: dict[int, int]


class ProxyConnection(Connection):
    """One client of the proxy, with the rights of one profile."""

    server = "accredit-reference-filter"

    def __init__(self, filter_: ReferenceFilter, profile: str, upstream: Upstream) -> None:
        super().__init__()
        self._filter = filter_
        self._profile = profile
        self._upstream = upstream
        self._far: _Far | None = None
        self._connecting: asyncio.Task[None] | None = None

    def on_request(self, request: Request) -> None:
        """Decide, and carry the decision out after the delay that it asks for."""
        if request.method != "CONNECT" and not request.is_absolute:
            self.answer(Page(status=400, body=b"This is a proxy; ask it for a whole URL.\n"))
            return
        decision = self._filter.decide(request.host, self._profile, "proxy")
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
            case None:
                # A tunnel of unread bytes would be lost to a cancelled task: keep the task.
                self._connecting = asyncio.get_running_loop().create_task(self._forward(request))
            case FaultKind.SILENT:
                return
            case FaultKind.RESET:
                self.reset()
            case FaultKind.EOF:
                self.close()
            case _:
                self.answer(_page(decision, request), bodiless=request.method == "HEAD")

    async def _forward(self, request: Request) -> None:
        port = self._upstream.ports.get(request.port)
        if port is None or not self._upstream.names.has(request.host):
            self.answer(trouble_page(request.host, 503))
            return
        loop = asyncio.get_running_loop()
        try:
            _, far = await loop.create_connection(lambda: _Far(self), ADDRESS, port)
        except OSError:
            self.answer(trouble_page(request.host, 503))
            return
        if not self.is_open:
            far.abort()
            return
        self._far = far
        if request.method == "CONNECT":
            far.has_spoken = True
            self.send(TUNNEL_MADE)
        else:
            far.host = request.host
            far.send(request.passed_on())

    def pause(self) -> None:
        """Stop reading from the client."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read from the client again."""
        if self._transport is not None:
            self._transport.resume_reading()


class _Far(asyncio.Protocol):
    """The proxy's connection to the origin; what comes from it goes to the near side."""

    def __init__(self, near: ProxyConnection) -> None:
        self._near = near
        self._transport: asyncio.Transport | None = None
        self.has_spoken = False
        self.host = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.has_spoken = True
        self._near.send(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self.has_spoken:
            self._near.close()
        else:
            self._near.answer(trouble_page(self.host, 502))

    def pause_writing(self) -> None:
        self._near.pause()

    def resume_writing(self) -> None:
        self._near.resume()

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()


def _page(decision: Decision, request: Request) -> Page:
    """The answer of a block, in its style."""
    if decision.style is FaultKind.CAPTIVE:
        return portal_page()
    if decision.style is FaultKind.REFUSE:
        return trouble_page(decision.host, 503)
    if decision.style is FaultKind.REDIRECT:
        return redirect_page(f"http://{BLOCK_HOST}/?host={decision.host}&to={decision.category}")
    status = _PAGE_STATUS[decision.style] if decision.style else 403
    if request.method == "CONNECT" and status == 200:  # noqa: PLR2004 - HTTP's own number
        status = 403  # a 200 here would say that the tunnel is made
    return block_page(decision.host, decision.category, status)
