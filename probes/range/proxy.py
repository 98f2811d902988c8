"""The reference filter as an explicit HTTP proxy with CONNECT (RFC 9110 section 9.3.6).

It resolves names itself: zone hosts to the origin's ports, other names not at all. It connects to
IPv6 addresses by which transition mechanisms lead to the origin.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from probes.range.access_entry import ResultCode
from probes.range.connection import Connection, MalformedRequestError, Request
from probes.range.faults import Fault, FaultKind
from probes.range.filter import PASSING_STYLES, Decision, ReferenceFilter, Service
from probes.range.filter_pages import block_answer
from probes.range.lenient_http1 import needs_leniency
from probes.range.malware_check import awaits_message, without_ranges
from probes.range.origin_pages import Page, redirect_page, trouble_page
from probes.range.origin_side import OriginSide
from probes.range.pending_entry import Asked, Asker, PendingEntry
from probes.range.resolver import ZoneServer
from probes.range.tampering import TAMPERED, Ending, tamper, without_nonce
from probes.range.zone import ADDRESS, literal_in

HTTPS_PORT = 443
_PLAIN_HOST = re.compile(r"[a-z0-9._-]*|\[[0-9a-f:.]+\]")
"""Hosts that the filter can read; it decides about no other spelling."""

NO_HOST = Page(status=400, body=b"This is no host name.\n")
NO_PROXY_REQUEST = Page(status=400, body=b"This is a proxy; ask it for a whole URL.\n")


TUNNEL_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """How the proxy reaches the origin. ``ports`` maps ports of URLs to real ones."""

    zone_server: ZoneServer
    ports: dict[int, int]


class ProxyConnection(Connection):
    """A client connection of the proxy, under one profile.

    With ``context_for``, which gives a TLS context for a host, it opens TLS in tunnels whose
    content the filter examines.
    """

    server = "accredit-reference-filter"
    service: ClassVar[Service] = "proxy"

    def __init__(
        self,
        filter_: ReferenceFilter,
        profile: str,
        upstream: Upstream,
        context_for: Callable[[str], ssl.SSLContext] | None = None,
    ) -> None:
        super().__init__()
        self._context_for = context_for
        self._filter = filter_
        self._profile = profile
        self._upstream = upstream
        self._origin_side: OriginSide | None = None
        self._tampering: Fault | None = None
        self._inspected: tuple[Decision, Request] | None = None
        self._has_to_read = False
        self._collected = bytearray()
        self._connecting: asyncio.Task[None] | None = None
        self._user = ""
        self._entry: PendingEntry | None = None
        self._shaped_by: tuple[Fault, ...] = ()
        self._sending_until = 0.0

    def on_request(self, request: Request) -> None:
        """Decide about the request; 400 if it is not in absolute form."""
        if request.method != "CONNECT" and not request.is_absolute and not self.is_secure:
            self._reject(request, ResultCode.INVALID, NO_PROXY_REQUEST)
            return
        self._decide(request)

    def read_request(self) -> Request | None:
        """Read the request that has come, as a strict reader; see ``Connection``."""
        if needs_leniency(self._received):
            raise MalformedRequestError(400, "the request has no version, or its lines no ends")
        return super().read_request()

    def _decide(self, request: Request) -> None:
        if not _PLAIN_HOST.fullmatch(request.host):
            self._reject(request, ResultCode.INVALID, NO_HOST)
            return
        self._begin_request(request)
        decision = self._filter.decide(request.host, self._profile, self.service)
        decision = self._filter.examine(decision, self._profile, self.service, request)
        decision = self._filter.shape(decision, self._profile, self.service, request)
        self._note(decision)
        self._shaped_by = decision.shaped_by
        delay = decision.delay + self._filter.shaping.wait_up(self._shaped_by, len(request.body))
        if delay:
            asyncio.get_running_loop().call_later(delay, self._apply, decision, request)
        else:
            self._apply(decision, request)

    def _begin_request(self, request: Request) -> None:
        """Begin the entry of a request, and let the filter's monitoring look, if it has one."""
        asked, asker = Asked.of_request(request, is_secure=self.is_secure), self._asker
        self._begin_entry(asked, asker)
        if self._filter.monitor is not None:
            self._filter.monitor.examine(request, asker, asked.url)

    def _reject(self, request: Request, code: ResultCode, page: Page) -> None:
        """Answer a request that is not decided about."""
        asked = Asked.of_request(request, is_secure=self.is_secure)
        entry = self._begin_entry(asked, self._asker)
        if entry is not None:
            entry.reject(code)
        self.answer(page)

    def _begin_entry(self, asked: Asked, asker: Asker) -> PendingEntry | None:
        """Begin the entry of a request in the filter's record, if it keeps one."""
        if self._filter.log is not None:
            self._entry = PendingEntry(self._filter.log, asker, asked)
        return self._entry

    @property
    def _asker(self) -> Asker:
        return Asker(
            client=self.client,
            user=self._user or self._profile,
            profile=self._profile,
            service=self.service,
        )

    def _note(self, decision: Decision) -> None:
        if self._entry is not None:
            self._entry.decide(decision)

    def _end_entry(self, *, is_lost: bool = False) -> None:
        if self._entry is not None:
            self._entry.end(is_lost=is_lost)

    def send(self, data: bytes) -> None:
        """Send bytes, if the client is still connected; the record is written before the last."""
        if self._entry is not None and self.is_open:
            self._entry.send(data)
        wait = self._filter.shaping.wait_down(self._shaped_by, len(data))
        if wait:
            loop = asyncio.get_running_loop()
            self._sending_until = loop.time() + wait
            loop.call_later(wait, super().send, data)
        else:
            super().send(data)

    def close_socket(self) -> None:
        """Close the socket after all data was sent (FIN)."""
        self._end_entry()
        loop = asyncio.get_running_loop()
        if loop.time() < self._sending_until:  # a moment later, so that it follows what is sent
            loop.call_later(self._sending_until + 0.001 - loop.time(), super().close_socket)
        else:
            super().close_socket()

    def reset(self) -> None:
        """Close with a TCP reset."""
        self._end_entry()
        super().reset()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport, and count the connection."""
        self._filter.shaping.connections += 1
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the origin's side as well."""
        self._filter.shaping.connections -= 1
        self._end_entry(is_lost=True)
        super().connection_lost(exc)
        if self._connecting is not None:
            self._connecting.cancel()
        if self._origin_side is not None:
            self._origin_side.abort()

    def on_bytes(self, data: bytes) -> None:
        """Collect the request; afterwards pass data to the origin."""
        if self._origin_side is not None:
            if self._entry is not None:
                self._entry.receive(data)
            wait = self._filter.shaping.wait_up(self._shaped_by, len(data))
            if wait:
                asyncio.get_running_loop().call_later(wait, self._origin_side.send, data)
            else:
                self._origin_side.send(data)
        else:
            super().on_bytes(data)

    def pause_writing(self) -> None:
        """Stop reading from the origin: the client's buffer is full."""
        if self._origin_side is not None:
            self._origin_side.pause()

    def resume_writing(self) -> None:
        """Read from the origin again."""
        if self._origin_side is not None:
            self._origin_side.resume()

    def _apply(self, decision: Decision, request: Request) -> None:
        if not self.is_open:
            return
        match decision.style:
            case FaultKind.SILENT:
                self._end_entry()
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
                request = self._filter.change(decision, self._profile, request)
                if style is FaultKind.STALE:
                    request = replace(request, lines=without_nonce(request.lines))
                self._has_to_read = decision.reads
                if style is not FaultKind.STALE and request.method != "CONNECT":
                    request = self._collecting(decision, request)
                # Keep a reference, or the task may be garbage-collected before it ends.
                self._connecting = asyncio.get_running_loop().create_task(self._forward(request))
            case _:
                self.answer(block_answer(decision, request), bodiless=request.method == "HEAD")

    def _collecting(self, decision: Decision, request: Request) -> Request:
        """Note what to do with the response; return the request to send for it."""
        self._tampering = decision.fault if decision.style in TAMPERED else None
        if not decision.reads:
            self._inspected = None
            return request
        self._inspected = decision, request
        return replace(request, lines=without_ranges(request.lines))

    async def _forward(self, request: Request) -> None:
        if request.method == "CONNECT" and self._opens_tls(request):
            return
        port = self._upstream.ports.get(request.port, 0)
        if not self._has_host(request):
            self.answer(trouble_page(request.host, 503))
            return
        await self._connect_origin(literal_in(request.host) or ADDRESS, port, request.host)
        if self._origin_side is None:
            return
        if request.method == "CONNECT":
            self._origin_side.has_answered = True
            self.send(TUNNEL_ESTABLISHED)
        else:
            self._origin_side.send(request.to_origin_form())

    def _opens_tls(self, request: Request) -> bool:
        """Answer CONNECT and end TLS here, if the filter examines what the tunnel would carry."""
        if self._context_for is None or request.port != HTTPS_PORT:
            return False
        if not self._has_to_read or not self._has_host(request):
            return False
        self.send(TUNNEL_ESTABLISHED)
        self.start_tls(self._context_for(request.host))
        return True

    def _has_host(self, request: Request) -> bool:
        is_known = literal_in(request.host) or self._upstream.zone_server.has(request.host)
        return request.port in self._upstream.ports and bool(is_known)

    async def _connect_origin(self, address: str, port: int, host: str) -> None:
        """Connect to the origin, or answer 503."""
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
            if self._entry is not None:
                self._entry.peer = address
        else:
            origin_side.abort()

    def send_to_client(self, data: bytes) -> None:
        """Send data to the client, or collect it if the response is to be analysed or changed."""
        if self._tampering is None and self._inspected is None:
            self.send(data)
            return
        self._collected += data
        if self._inspected is not None and awaits_message(self._collected):
            self._inspected = None
            self.send(bytes(self._collected))

    def origin_side_closed(self, origin_side: OriginSide) -> None:
        """Finish the response and close: the origin's side has closed."""
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
        """Send the complete response, or block it because of its content."""
        self._inspected, self._origin_side, answer = None, None, bytes(self._collected)
        final = self._filter.read(decision, self._profile, self.service, answer)
        if final.is_blocked:
            self._note(final)
            self._apply(final, request)
        else:
            self.send(answer)
            self.close()

    def _send_on(self, pieces: Iterator[bytes], pace: float, ending: Ending) -> None:
        """Send the pieces, ``pace`` seconds apart, then end the connection as ``ending`` says."""
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
