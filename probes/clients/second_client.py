"""The second client: httpx with HTTP/2, which goes on where a pupil's browser would.

It keeps cookies, follows redirects and refreshes, fetches what the page needs, follows links and
submits forms as they are, from page to page, and loads the page again at the end. So a page that
asks to *continue*, or that is shown only once, does not stop it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from harness.model.observation import Failure
from probes.net.local_binding import open_socket
from probes.net.url_target import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from probes.net.backend import ClientSettings
from collections import deque
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urldefrag, urlsplit

from harness.model.marker import plain_path
from harness.model.observation import CanarySighting, Hop, Stage, Timings, WebFacts
from harness.model.sketch import sketch_of, title_mark
from harness.ports.network import Attempt, Exchange, Line, Sighting
from probes.clients.page_links import Step, read_links, url_host
from probes.net.backend import client_settings_of
from probes.net.delivery import ExpectedMarks, find_words
from probes.net.html_text import read_page
from probes.net.redirects import RedirectChain

PATIENCE = 60.0
"""Seconds for one step, where httpx names none."""


class LineTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, with connections made as a line makes them."""

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(verify=settings.trust)
        self._settings = settings
        backend = _NetworkBackend(settings)
        if settings.proxy:
            self._pool = httpcore.AsyncHTTPProxy(
                proxy_url=settings.proxy,
                proxy_auth=settings.credentials,
                ssl_context=settings.trust,
                proxy_ssl_context=settings.proxy_trust,
                http2=True,
                network_backend=backend,
            )
        else:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=settings.trust, http2=True, network_backend=backend
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless the line refuses where it leads. Raises httpx.ConnectError."""
        if self._settings.refusal is not None:
            url = request.url
            port = url.port or DEFAULT_PORTS.get(url.scheme, 0)
            refusal = await self._settings.refusal(url.host, port, PATIENCE)
            if refusal is not None:
                raise httpx.ConnectError(f"{refusal.name}: {refusal.detail}")
        return await super().handle_async_request(request)


class _NetworkBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Find the host as the line does, and connect."""
        del local_address, socket_options
        patience = timeout or PATIENCE
        found = await self._settings.find(host, port, patience)
        if isinstance(found, Failure):
            raise httpcore.ConnectError(found.name)
        async with _mapped_errors(patience, httpcore.ConnectTimeout, httpcore.ConnectError):
            sock = open_socket(found.host, socket.SOCK_STREAM, self._settings.binding)
            try:
                await asyncio.get_running_loop().sock_connect(sock, (found.host, found.port))
                reader, writer = await asyncio.open_connection(sock=sock)
            except BaseException:
                sock.close()
                raise
        return _Stream(reader, writer)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's own signature
        async with _mapped_errors(timeout, httpcore.ReadTimeout, httpcore.ReadError):
            return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's own signature
        async with _mapped_errors(timeout, httpcore.WriteTimeout, httpcore.WriteError):
            self._writer.write(buffer)
            await self._writer.drain()

    async def aclose(self) -> None:
        self._writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
    ) -> httpcore.AsyncNetworkStream:
        async with _mapped_errors(timeout, httpcore.ConnectTimeout, httpcore.ConnectError):
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        name = {"ssl_object": "ssl_object", "server_addr": "peername", "socket": "socket"}
        return self._writer.get_extra_info(name[info]) if info in name else None


@asynccontextmanager
async def _mapped_errors(
    patience: float | None, late: type[Exception], broken: type[Exception]
) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(patience):
            yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, ssl.SSLError, EOFError) as error:
        raise broken(f"{type(error).__name__}: {error}") from error


MAX_REQUESTS = 40
"""After so many requests of a visit, redirects among them, no further step is begun."""

MAX_DEPTH = 3
"""How many steps, one after the other, are followed from the first page."""

MAX_SUBRESOURCES = 12
"""How many pictures, scripts and styles of the first page are fetched."""

HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
}


FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True, kw_only=True)
class _Visit:
    """What one visit has seen. ``url`` is the item's.

    ``asked`` is what was fetched, each with the pages that led to it, if any; ``sent`` counts the
    requests. After ``until``, a reading of ``perf_counter``, no further step is begun.
    """

    attempt: Attempt
    url: str
    line: Line
    client: httpx.AsyncClient
    until: float
    sent: int = 0
    asked: dict[Step, set[str]] = field(default_factory=dict)
    hops: list[Hop] = field(default_factory=list)
    delivered: bool = False

    def came(self) -> bool:
        """Whether the item's own page came."""
        return self.delivered

    def is_over(self) -> bool:
        """Whether no further step is begun."""
        return self.delivered or self.sent >= MAX_REQUESTS or perf_counter() >= self.until

    def may_try(self, step: Step, page: httpx.Response, depth: int) -> bool:
        """Whether a step from a page is new; other hosts are asked for our own items alone."""
        is_own = step.host == url_host(str(page.url))
        before = self.asked.get(step, set())
        is_new = str(page.url) not in before if depth == 0 else not before
        return is_new and (is_own or self.attempt.marker is not None)

    def marks(self, host: str) -> dict[str, str]:
        """The headers that carry the nonce to our own hosts; a cookie is put beside the others."""
        request_marks = ExpectedMarks(self.attempt, self.line, host).request_marks(host)
        if request_marks.cookie:
            name, _, value = request_marks.cookie.partition("=")
            self.client.cookies.set(name, value, domain=host)
        return dict(request_marks.headers)


class SecondClient:
    """Visits a URL over a line; never raises for network trouble."""

    def can_use(self, line: Line) -> bool:
        """Whether httpx can go over a line."""
        return client_settings_of(line) is not None

    async def visit(self, attempt: Attempt, url: str, line: Line) -> Sighting:
        """What came of a visit. Where the line is of no use to httpx, that is the failure."""
        settings = client_settings_of(line)
        if settings is None:
            detail = f"the second client cannot use line {line.name!r} ({type(line).__name__})"
            return _failed("instrument_error", "instrument", detail)
        started = perf_counter()
        async with httpx.AsyncClient(
            transport=LineTransport(settings),
            headers=HEADERS,
            timeout=attempt.timeout,
            trust_env=False,
        ) as client:
            until = started + attempt.limits.visit_patience / 2  # the rest is for the reload
            visit = _Visit(attempt=attempt, url=url, line=line, client=client, until=until)
            try:
                async with asyncio.timeout(attempt.limits.visit_patience):
                    facts = await _load(visit, url)
            except TimeoutError:
                return _failed("generic_timeout_error", "response", "", perf_counter() - started)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
                name = "generic_timeout_error" if isinstance(error, httpx.TimeoutException) else ""
                detail = f"{type(error).__name__}: {error}"[:200]
                took = perf_counter() - started
                return _failed(name or "connection_aborted", "response", detail, took)
        return Sighting(timings=Timings(total=perf_counter() - started), facts=facts)


async def _load(visit: _Visit, url: str) -> WebFacts:
    """The page, what it needs, where it leads to, and the page once more."""
    page = first = await _fetch(visit, Step(url))
    if not visit.came():
        page = await _follow(visit, first)
    if not visit.came():
        page = await _try(visit, Step(url)) or first
    return _facts(visit, page)


async def _follow(visit: _Visit, first: httpx.Response) -> httpx.Response:
    """Fetch what the first page needs, then follow it page by page; gives the last page.

    Pages nearer to the first one are followed before those farther from it.
    """
    last = first
    for subresources in read_links(first).subresources[:MAX_SUBRESOURCES]:
        last = await _try(visit, Step(subresources), str(first.url)) or last
        if visit.is_over():
            return last
    pages = deque([(first, 0)])
    while pages:
        page, depth = pages.popleft()
        for step in read_links(page).steps:
            if visit.is_over():
                return last
            if not visit.may_try(step, page, depth):
                continue
            found = await _try(visit, step, str(page.url))
            last = found or last
            if found and depth + 1 < MAX_DEPTH:
                pages.append((found, depth + 1))
    return last


async def _try(visit: _Visit, step: Step, page: str = "") -> httpx.Response | None:
    """Fetch what a page led to, or without one the first page again; its trouble ends nothing."""
    try:
        return await _fetch(visit, step, page)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError):
        return None


async def _fetch(visit: _Visit, step: Step, page: str = "") -> httpx.Response:
    """Fetch a URL with its redirects, and see whether the item's own page came."""
    limits = visit.attempt.limits
    for _ in range(limits.redirects + 1):
        visit.asked.setdefault(step, set()).add(page)
        visit.sent += 1
        url, fields = step
        headers = visit.marks(step.host)
        if referer := referer_for(url, page):
            headers["Referer"] = referer
        if fields is not None:
            headers["Content-Type"] = FORM
        body, method = bytearray(), "GET" if fields is None else "POST"
        async with visit.client.stream(method, url, headers=headers, content=fields) as answer:
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) >= limits.body_bytes:
                    break
        answer._content = bytes(body)  # noqa: SLF001 - read as far as the limit goes
        visit.delivered |= is_delivered(visit, answer, bytes(body))
        if answer.next_request is None:
            return answer
        visit.hops.append(
            Hop(url=url, status=answer.status_code, location=answer.headers.get("location", ""))
        )
        is_sent_again = answer.next_request.method == "POST"  # by 307 and 308 (RFC 9110, 15.4)
        step = Step(str(answer.next_request.url), fields if is_sent_again else None)
    return answer


def referer_for(url: str, page: str) -> str:
    """What a browser says of the page that led to a URL; nothing for an empty one.

    That is its address on the same origin, its origin elsewhere, and nothing from https to http
    (Referrer Policy, section 3.7: strict-origin-when-cross-origin, the default of browsers).
    """
    here, there = urlsplit(page), urlsplit(url)
    if not page or (here.scheme, there.scheme) == ("https", "http"):
        return ""
    if (here.scheme, here.netloc) == (there.scheme, there.netloc):
        return urldefrag(page).url
    return f"{here.scheme}://{here.netloc}/"


def is_delivered(visit: _Visit, answer: httpx.Response, body: bytes) -> bool:
    """Whether a body is the item's own page: it shows the origin's marks of the item's host.

    At another host or path it is a copy of that page. But another page of the item's host, which
    the words of its path show to stand where the origin has it, is none.
    """
    host, path = url_host(visit.url), _path_of(httpx.URL(visit.url))
    headers = tuple((name.lower(), value) for name, value in answer.headers.items())
    exchange = Exchange(timings=Timings(), status=answer.status_code, headers=headers, body=body)
    chain = RedirectChain(url=visit.url, exchanges=[exchange], hosts=[host])
    if ExpectedMarks(visit.attempt, visit.line, host).delivered(chain).canary != "seen":
        return False
    here = _path_of(answer.url)
    if url_host(str(answer.url)) != host or here == path:
        return True
    origin = visit.line.origin
    kind = answer.headers.get("content-type", "")
    return origin is not None and not find_words(body, kind, origin.path_words(host, here))


def _path_of(url: httpx.URL) -> str:
    """The path of a URL as it is sent, without its query."""
    return plain_path(url.raw_path.decode("ascii"))


def _facts(visit: _Visit, page: httpx.Response) -> WebFacts:
    """The last page, in the terms of the web probe."""
    is_sensitive, key = visit.attempt.item.sensitivity in ("S3", "S4"), visit.attempt.sketch_key
    read = read_page(page.content, page.headers.get("content-type", ""))
    delivered: CanarySighting = "seen" if visit.came() else "absent"
    return WebFacts(
        url=str(page.url),
        status=page.status_code,
        hops=tuple(visit.hops),
        title="" if is_sensitive else read.title,
        text="" if is_sensitive else read.text,
        body_length=len(page.content),
        embedded=read.embedded,
        text_length=read.length,
        title_mark=title_mark(read.title, page.url.host, key),
        sketch=sketch_of(read.words, key),
        canary="not_applicable" if visit.attempt.marker is None else delivered,
    )


def _failed(name: str, stage: Stage, detail: str, took: float | None = None) -> Sighting:
    failure = Failure(name=name, stage=stage, detail=detail)
    return Sighting(timings=Timings(total=took), failure=failure)
