"""The origin server: answers HTTP and HTTPS for all hosts of the zone and logs each arrival."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal, Self

import msgspec

from harness.model.marker import find_nonce
from harness.model.transition_address import host_in
from harness.model.upload_case import MESSAGE
from harness.untrusted.visible_text import visible_json
from probes.net.websocket import BINARY, CLOSE, TEXT, Messages, closing, frame
from probes.range.authority import Certificates, server_context
from probes.range.connection import Connection, Listener, Request
from probes.range.dns_over_web import DnsOverWeb
from probes.range.faults import FaultKind, Faults
from probes.range.file_services import RECEIVED_HEADER
from probes.range.filter_pages import REFUSALS, refusal_page
from probes.range.line_file import LineFile
from probes.range.origin_pages import Page, Pages
from probes.range.origin_services import SERVICES, ServiceRequest, service_at
from probes.range.transfer_service import seconds_to_wait, transfer_page
from probes.range.visitor_limits import VisitorLimits
from probes.range.zone import ADDRESS, PageKind

Over = Literal["http", "https", "h3", "dns", "tcp", "udp", "icmp"]
"""How something arrived; *tcp*, *udp*: by a protocol beside the web, which ``method`` names."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that reached the origin, or a question to its name server; ``at`` is aware UTC."""

    at: datetime
    over: Over
    host: str
    method: str = ""
    path: str = ""
    nonce: str = ""
    answer: str = ""


class ArrivalLog:
    """Arrivals in order, also written to ``path``; thread-safe. Keeps ``max_kept`` in memory.

    The path ``-`` is standard output. Of texts the first ``longest`` characters are kept. Without
    ``report`` an error of the file is raised; with it, arrivals that cannot be written are dropped,
    and ``report`` gets one sentence for each time that the file was opened.
    """

    def __init__(
        self,
        path: Path | None = None,
        max_kept: int = 100_000,
        longest: int | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=max_kept)
        self._lock = Lock()
        self._longest = longest
        self._file = LineFile(path, report, "arrivals") if path else None

    def record(
        self,
        over: Over,
        host: str,
        *,
        method: str = "",
        path: str = "",
        nonce: str = "",
        answer: str = "",
    ) -> None:
        """Record one arrival, before it is answered."""
        arrival = Arrival(
            at=datetime.now(UTC),
            over=over,
            host=host[: self._longest],
            method=method[: self._longest],
            path=path[: self._longest],
            nonce=nonce,
            answer=answer,
        )
        with self._lock:
            self._arrivals.append(arrival)
            if self._file is not None:
                self._file.write(visible_json(msgspec.json.encode(arrival).decode()))

    @property
    def is_failing(self) -> bool:
        """Whether the latest line could not be written."""
        return self._file is not None and self._file.is_failing

    def reopen(self) -> None:
        """Open the file at the path again, after a log rotation; if that fails, keep the old."""
        with self._lock:
            if self._file is not None:
                self._file.reopen()

    def arrivals(self, host: str | None = None) -> tuple[Arrival, ...]:
        """Return the arrivals in memory, oldest first; of one host if given."""
        with self._lock:
            return tuple(entry for entry in self._arrivals if host in (None, entry.host))

    def saw(self, nonce: str) -> bool:
        """Whether a request with that nonce arrived."""
        with self._lock:
            return any(entry.nonce == nonce for entry in self._arrivals)

    def close(self) -> None:
        """Close the file; arrivals in memory stay readable."""
        with self._lock:
            if self._file is not None:
                self._file.close()


SLOW_DELAY = 1.0
"""Seconds that a slow host waits before it answers."""

HEALTH_PATH = "/health"
"""The path of the health page, on each zone itself but that of the plain twins."""


@dataclass(slots=True, kw_only=True)
class OriginServer:
    """Listeners for http and https that share pages, faults and log; a context manager.

    They listen on each of ``addresses``; a port of 0 is chosen by the system at the first address.
    ``health`` gives the health page of a zone, which is not logged. With ``limits`` visitors are
    limited. ``dns`` answers questions over HTTPS.
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
    dns: DnsOverWeb | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        context = server_context(self.certificates, self.pages.names)
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


class _OriginConnection(Connection):
    """A client connection of the origin."""

    server = "nginx"

    def __init__(
        self,
        origin: OriginServer,
        context: ssl.SSLContext | None = None,
        over: Over | None = None,
    ) -> None:
        super().__init__(context, origin.limits)
        self._origin = origin
        self._over: Over = over or ("http" if context is None else "https")
        self._messages: Messages | None = None
        self._on_message: Callable[[bytes], None] = lambda _: None

    def on_request(self, request: Request) -> None:
        """Log the request, then answer it according to its host."""
        request = _named(request)
        origin, names = self._origin, self._origin.pages.names
        is_bodiless = request.method == "HEAD"
        is_health = request.path == HEALTH_PATH and request.host in names.apexes
        if origin.health is not None and is_health and request.host != names.twin_zone:
            self.answer(origin.health(request.host), bodiless=is_bodiless)
            return
        nonce = find_nonce(origin.pages.key, request.headers.values())
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

    def _log(self, request: Request, nonce: str, page: Page | None) -> None:
        """Log a request, or a message of a WebSocket; ``page`` is the answer of a service."""
        self._origin.log.record(
            self._over,
            request.host,
            method=request.method,
            path=request.path,
            nonce=nonce,
            answer=_summary(page) if page is not None else "",
        )

    def _serve(self, page: Page, request: Request, nonce: str) -> None:
        """Answer by a service; then read another request, or messages, if the page says so."""
        wants_close = "close" in request.headers.get("connection", "").lower()
        keeps = page.keeps and not wants_close
        self.answer(replace(page, keeps=keeps), bodiless=request.method == "HEAD")
        if keeps:
            self.read_next(request.rest)
        elif page.reply is not None:
            self._messages = Messages(self.rules.body_bytes)
            self._on_message = partial(self._reply, page.reply, request, nonce)

    def _reply(
        self, reply: Callable[[bytes], Page], request: Request, nonce: str, sent: bytes
    ) -> None:
        """Answer a message of a WebSocket, and close it."""
        page = reply(sent)
        self._log(replace(request, method=MESSAGE), nonce, page)
        self.send(frame(TEXT, page.body) + closing())

    def on_bytes(self, data: bytes) -> None:
        """Collect a request, or the first message of a WebSocket."""
        if self._messages is None:
            super().on_bytes(data)
            return
        try:
            messages = self._messages.feed(data)
        except ValueError:
            self.abort()
            return
        for opcode, payload in messages:
            if opcode in (TEXT, BINARY):
                self._on_message(payload)
            if opcode in (TEXT, BINARY, CLOSE):
                self.close()
                return

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
        page = pages.page(request.host, request.path, self._scheme, nonce, accepts)
        self.answer(page, bodiless=request.method == "HEAD")

    @property
    def _scheme(self) -> Literal["http", "https"]:
        return "http" if self._over == "http" else "https"


def _named(request: Request) -> Request:
    """Return a request by an IPv6 address as one for the host that its path tells, if any."""
    host = host_in(request.path) if request.host.startswith("[") else ""
    return replace(request, headers=request.headers | {"host": host}) if host else request


def _summary(page: Page) -> str:
    """What the log says of an answer of a service: status, size and digest, and what arrived."""
    digest = hashlib.sha256(page.body).hexdigest()
    received = dict(page.headers).get(RECEIVED_HEADER)
    arrived = f"; received {received}" if received else ""
    return f"{page.status}, {len(page.body)} bytes, sha256 {digest}{arrived}"
