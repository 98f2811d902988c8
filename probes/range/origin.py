"""The origin server: answers HTTP and HTTPS for all hosts of the zone and logs each arrival.

It speaks HTTP/1.1, and HTTP/2 to clients that begin it (``http_connection``).
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Self

import msgspec

from harness.model.arrivals import asked_nonces
from harness.model.marker import find_nonce
from harness.model.technique_host import home_of_technique
from harness.model.tls_view import TlsOffer
from harness.model.upload_case import MESSAGE
from probes.net.websocket import TEXT, closing, frame
from probes.range.arrival_log import ArrivalLog, Over
from probes.range.authority import HTTP_2_OR_1, Certificates
from probes.range.connection import Connection, MalformedRequestError, Request, parse_request
from probes.range.dns_over_web import DnsOverWeb
from probes.range.ech_server import OriginEch, TlsWithEch
from probes.range.faults import FaultKind, Faults
from probes.range.file_services import RECEIVED_HEADER
from probes.range.filter_pages import REFUSALS, refusal_page
from probes.range.http2_session import Answers
from probes.range.http_connection import HttpConnection
from probes.range.lenient_http1 import (
    CONTINUE,
    SIMPLE,
    awaits_continue,
    is_readable,
    needs_leniency,
    read_lenient,
)
from probes.range.listener import Listener
from probes.range.named_host import named_request
from probes.range.origin_pages import Page, Pages, sent_body, websocket_page
from probes.range.origin_services import SERVICES, ServiceRequest, service_at
from probes.range.pushed_stream import PushedStream
from probes.range.server_tls import Tls, server_context
from probes.range.technique_pages import is_for_tunnel, technique_page
from probes.range.tls_hosts import TlsByHost, TlsHosts
from probes.range.transfer_service import seconds_to_wait, transfer_page
from probes.range.tunnel_ends import TunnelEnds, tunnel_that_begins
from probes.range.visitor_limits import VisitorLimits
from probes.range.zone import ADDRESS, PageKind

SLOW_DELAY = 1.0
"""Seconds that a slow host waits before it answers."""

TOO_LONG = frozenset({413, 431})
"""The statuses of requests that are too long."""

HEALTH_PATH = "/health"
"""The path of the health page, on each zone itself but that of the plain twins."""


@dataclass(slots=True, kw_only=True)
class OriginServer:
    """Listeners for http and https that share pages, faults and log; a context manager.

    They listen on each of ``addresses``; a port of 0 is chosen by the system at the first address.
    ``health`` gives the health page of a zone, which is not logged. With ``limits`` visitors are
    limited. With ``ech`` encrypted ClientHellos are opened; ``dns`` answers questions over HTTPS.
    What begins one of ``tunnels`` at the port of https is passed to its far end.
    """

    pages: Pages
    certificates: Certificates
    log: ArrivalLog
    faults: Faults = field(default_factory=Faults)
    slow_delay: float = SLOW_DELAY
    addresses: tuple[str, ...] = (ADDRESS,)
    http_port: int = 0
    https_port: int = 0
    limits: VisitorLimits | None = None
    health: Callable[[str], Page] | None = None
    ech: OriginEch | None = None
    dns: DnsOverWeb | None = None
    tunnels: TunnelEnds | None = None
    tls_hosts: TlsHosts = field(init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        self.tls_hosts = TlsHosts(self.certificates, self.pages.names, self.pages.key)

    async def __aenter__(self) -> Self:
        context = server_context(self.certificates, self.pages.names, HTTP_2_OR_1)
        async with AsyncExitStack() as stack:
            for address in self.addresses:
                self.http_port = await self._listen(stack, address, self.http_port, None)
                self.https_port = await self._listen(stack, address, self.https_port, context)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _listen(
        self, stack: AsyncExitStack, address: str, port: int, context: ssl.SSLContext | None
    ) -> int:
        listener = Listener(lambda: _OriginConnection(self, context), address, port)
        return (await stack.enter_async_context(listener)).port

    def connection(self, over: Over) -> Connection:
        """Return a connection for bytes of HTTP/1 that another server carries."""
        return _OriginConnection(self, over=over)

    def rejection_of(self, host: str) -> FaultKind | None:
        """Return how the origin rejects requests for a host, or None."""
        kinds = (fault.kind for fault in self.faults.on(host, service="origin"))
        return next((kind for kind in kinds if kind in REFUSALS), None)

    def is_dead(self, host: str) -> bool:
        """Whether the origin aborts every request for a host."""
        faults = self.faults.on(host, service="origin")
        return self.pages.names.kind_of(host) is PageKind.DEAD or any(
            fault.kind is FaultKind.DEAD for fault in faults
        )


class _OriginConnection(HttpConnection):
    """A client connection of the origin, or a stream of one."""

    server = "nginx"

    def __init__(
        self,
        origin: OriginServer,
        context: ssl.SSLContext | None = None,
        over: Over | None = None,
    ) -> None:
        super().__init__(context, origin.limits)
        self.by_host: TlsByHost | None = None
        if context is not None:
            usual = (
                TlsWithEch(context, origin.ech, origin.certificates, HTTP_2_OR_1)
                if origin.ech is not None
                else Tls(context)
            )
            self._tls = self.by_host = TlsByHost(origin.tls_hosts, usual)
        self._origin = origin
        self._over: Over = over or ("http" if context is None else "https")
        self._version = "1.1"
        self._has_continued = False
        self._far_end: PushedStream | None = None
        self._may_be_tunnel = context is not None

    def data_received(self, data: bytes) -> None:
        """Pass a tunnel beside TLS to its far end, all else on."""
        if self._begins_tunnel(data, inside_tls=False):
            self._tls = None
        super().data_received(data)

    def _begins_tunnel(self, data: bytes, *, inside_tls: bool) -> bool:
        """Whether first bytes begin a tunnel, whose far end then serves the connection."""
        ends = self._origin.tunnels if self._may_be_tunnel and self._far_end is None else None
        name = tunnel_that_begins(data, inside_tls=inside_tls) if ends is not None else ""
        if ends is None or not name:
            self._may_be_tunnel &= not inside_tls
            return False
        self._far_end = PushedStream(self)
        ends.begin(ends.serve(ends.tunnels[name], self._far_end))
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the far end of a tunnel."""
        super().connection_lost(exc)
        if self._far_end is not None:
            self._far_end.feed(b"")

    def read_request(self) -> Request | None:
        """Read a request; of those for hosts of techniques also a malformed one.

        Raises MalformedRequestError for all other malformed requests.
        """
        received = bytes(self._received)
        try:
            request = parse_request(received, self.rules)
        except MalformedRequestError as error:
            if error.status in TOO_LONG or not is_readable(received):
                raise
            request = read_lenient(received, self.rules)
            if request is not None and not self._is_for_technique(request):
                raise
        if request is None and needs_leniency(received):
            request = read_lenient(received, self.rules)
        if request is None and not self._has_continued and awaits_continue(received):
            self._has_continued = True
            self.send(CONTINUE)
        return request

    def _is_for_technique(self, request: Request) -> bool:
        names = self._origin.pages.names
        host = named_request(request, names).host
        return bool(home_of_technique(host, (zone.zone for zone in names.zones)))

    def stream_to(self, to: Answers) -> Self:
        """Return what handles the request of one stream of this connection."""
        stream = type(self)(self._origin, over=self._over)
        stream.answers_to, stream.by_host = to, self.by_host
        return stream

    def opens_tunnel(self, request: Request) -> bool:
        """Whether a request opens a tunnel at a host that answers; it is logged."""
        origin = self._origin
        is_served = not origin.is_dead(request.host) and origin.rejection_of(request.host) is None
        if not is_served or not is_for_tunnel(request, origin.pages.names):
            return False
        self._log(request, "", None)
        return True

    def handle(self, request: Request) -> None:
        """Log the request, then answer it according to its host."""
        self._version, self._has_continued = request.version, False
        origin, names = self._origin, self._origin.pages.names
        request = named_request(request, names)
        is_bodiless = request.method == "HEAD"
        own = self._own_page(request)
        if own is not None:
            self.answer(own, bodiless=is_bodiless)
            return
        path = request.path.partition("?")[0]
        nonce = find_nonce(origin.pages.key, (*request.headers.values(), path))
        answer = origin.dns.page(request) if origin.dns is not None else None
        if answer is not None:
            self._log(request, nonce, answer)
            self.answer(answer)
            return
        transfer = transfer_page(request, origin.pages.key)
        service_page = self._service_page(request, nonce) if transfer is None else None
        self._log(request, nonce, service_page)
        if not names.is_within(request.host):
            self.answer(Page(status=421, body=b"This origin does not serve that host.\n"))
        elif origin.is_dead(request.host):
            self.abort()
        elif (kind := origin.rejection_of(request.host)) is not None:
            self.answer(refusal_page(kind, request.host), bodiless=is_bodiless)
        elif names.kind_of(request.host) is PageKind.SLOW:
            loop = asyncio.get_running_loop()
            loop.call_later(origin.slow_delay, self._answer, request, nonce)
        elif transfer is not None:
            faults = origin.faults.on(request.host, service="origin")
            wait = seconds_to_wait(transfer, request, faults)
            asyncio.get_running_loop().call_later(wait, self.answer, transfer)
        elif service_page is not None:
            self._serve(service_page, request, nonce)
        else:
            self._answer(request, nonce)

    def _own_page(self, request: Request) -> Page | None:
        """Return a page about the origin itself, which is not logged; None for all others."""
        origin, names = self._origin, self._origin.pages.names
        if listed := origin.tls_hosts.revocations(request.host, request.path):
            return Page(status=200, body=listed, content_type="application/pkix-crl")
        if request.host not in names.apexes or request.host == names.twin_zone:
            return None
        if origin.health is not None and request.path == HEALTH_PATH:
            return origin.health(request.host)
        nonces = asked_nonces(origin.pages.key, request.path)
        if not nonces:
            return None
        body = msgspec.json.encode(origin.log.seen(nonces))
        return Page(status=200, body=body, content_type="application/json")

    def _log(self, request: Request, nonce: str, page: Page | None) -> None:
        """Log a request, or a message of a WebSocket; ``page`` is the answer of a service."""
        self._origin.log.record(
            self._over,
            request.host,
            method=request.method,
            path=request.path,
            nonce=nonce,
            answer=_summary(page) if page is not None else "",
            offer=self._offer,
        )

    @property
    def _offer(self) -> TlsOffer | None:
        """What the client offered, at a host for checks of TLS."""
        return self.by_host.offer if self.by_host is not None else None

    def _serve(self, page: Page, request: Request, nonce: str) -> None:
        """Answer by a service; then read another request, or messages, if the page says so."""
        wants_close = "close" in request.headers.get("connection", "").lower()
        keeps = page.keeps and not wants_close
        self.answer(replace(page, keeps=keeps), bodiless=request.method == "HEAD")
        if keeps:
            self._read_on(request.rest)
        elif page.reply is not None:
            self.open_websocket(partial(self._reply, page.reply, request, nonce))

    def _reply(
        self, reply: Callable[[bytes], Page], request: Request, nonce: str, sent: bytes
    ) -> None:
        """Answer the first message of a WebSocket, and close it."""
        self._on_message = lambda _: None
        page = reply(sent)
        self._log(replace(request, method=MESSAGE), nonce, page)
        self.send(frame(TEXT, page.body) + closing())
        self.close()

    def on_bytes(self, data: bytes) -> None:
        """Pass bytes to the far end of a tunnel, or collect a request or messages."""
        if self._far_end is not None or self._begins_tunnel(data, inside_tls=True):
            assert self._far_end is not None, "it has just begun"
            self._far_end.feed(data)
        else:
            super().on_bytes(data)

    def _service_page(self, request: Request, nonce: str) -> Page | None:
        """Return the answer of the service at the requested host; None if it shows a page."""
        pages = self._origin.pages
        content = pages.content_at(request.host)
        service = service_at(content, request.path)
        if not service:
            return None
        asked = ServiceRequest(
            request=request, scheme=self._scheme, nonce=nonce, content=content, pages=pages
        )
        return SERVICES[service](asked)

    def _answer(self, request: Request, nonce: str) -> None:
        accepts = request.headers.get("accept-encoding", "")
        pages = self._origin.pages
        page = technique_page(request, pages, self._scheme, nonce)
        if page is None:
            page = pages.page(request.host, request.path, self._scheme, nonce, accepts)
        if request.websocket_key and self._origin.tls_hosts.case_of(request.host):
            page = websocket_page(request.websocket_key, page.headers, page.body)
        self.answer(page, bodiless=request.method == "HEAD")
        if page.keeps:
            self._read_on(request.rest)

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page; without its head to a request of HTTP/0.9."""
        if self._version == SIMPLE:
            self.send(sent_body(page))
            self.close()
        else:
            super().answer(page, bodiless=bodiless)

    def _read_on(self, rest: bytes) -> None:
        """Read another request later: a client may send very many at once."""
        self._received, self._has_request = bytearray(rest), False
        if rest:
            asyncio.get_running_loop().call_soon(self._read_rest)

    def _read_rest(self) -> None:
        if self.is_open:
            self.on_bytes(b"")

    @property
    def _scheme(self) -> Literal["http", "https"]:
        return "http" if self._over == "http" else "https"


def _summary(page: Page) -> str:
    """What the log says of an answer of a service: status, size and digest, and what arrived."""
    digest = hashlib.sha256(page.body).hexdigest()
    received = dict(page.headers).get(RECEIVED_HEADER)
    arrived = f"; received {received}" if received else ""
    return f"{page.status}, {len(page.body)} bytes, sha256 {digest}{arrived}"
