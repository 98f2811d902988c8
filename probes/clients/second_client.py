"""The second client: an independent HTTP client (httpx, HTTP/2) that retries blocked items.

It keeps cookies, follows redirects and refreshes, fetches subresources, follows links and submits
forms with their default values, and finally loads the page again. So it gets past a page that asks
to *continue*, or that is shown only once. ``LineTransport`` makes httpx connect as a line does.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urldefrag, urlsplit

import httpcore
import httpx

from harness.model.corpus import Item
from harness.model.facts import CanarySighting, Hop, WebFacts
from harness.model.marker import plain_path
from harness.model.observation import Failure, Stage, Timings
from harness.model.sketch import title_mark
from harness.ports.network import Attempt, Exchange, Line, ProbeResult
from probes.clients.page_links import Step, read_links
from probes.kinds.download import ExpectedFile, is_file
from probes.net.backend import ClientSettings, client_settings_of
from probes.net.cleaned_facts import Recorded, without_plain_string, without_test_string
from probes.net.content_coding import decode
from probes.net.delivery import ExpectedMarks, find_words
from probes.net.file_contents import holds_test_string
from probes.net.html_text import read_page
from probes.net.local_binding import open_socket
from probes.net.redirects import RedirectChain, url_host
from probes.net.url_target import DEFAULT_PORTS

PATIENCE = 60.0
"""Time limit in seconds for one operation, if httpx sets none."""


class LineTransport(httpx.AsyncHTTPTransport):
    """httpx's transport, with connections made as the line makes them."""

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
        """Send a request. Raises httpx.ConnectError if the line refuses its endpoint."""
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
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve the host as the line does, and connect."""
        del local_address, socket_options
        patience = timeout or PATIENCE
        endpoint = await self._settings.find(host, port, patience)
        if isinstance(endpoint, Failure):
            raise httpcore.ConnectError(endpoint.name)
        async with _mapped_errors(patience, httpcore.ConnectTimeout, httpcore.ConnectError):
            sock = open_socket(endpoint.host, socket.SOCK_STREAM, self._settings.binding)
            try:
                await asyncio.get_running_loop().sock_connect(sock, (endpoint.host, endpoint.port))
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

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        async with _mapped_errors(timeout, httpcore.ReadTimeout, httpcore.ReadError):
            return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        async with _mapped_errors(timeout, httpcore.WriteTimeout, httpcore.WriteError):
            self._writer.write(buffer)
            await self._writer.drain()

    async def aclose(self) -> None:
        self._writer.transport.abort()  # an orderly end of TLS would wait for the peer
        with suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
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
"""Maximum number of requests in a visit, redirects included; then no further step is started."""

MAX_DEPTH = 3
"""Maximum number of consecutive steps from the first page."""

MAX_SUBRESOURCES = 12
"""Maximum number of subresources of the first page that are fetched."""

HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
}


FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True, kw_only=True)
class _Visit:
    """The state of one visit. ``url`` is the item's.

    ``asked`` maps each fetched step to the pages that led to it; ``sent`` counts the requests.
    After ``until`` (a ``perf_counter`` time) no further step is started.
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

    def is_over(self) -> bool:
        """Whether no further step may be started."""
        return self.delivered or self.sent >= MAX_REQUESTS or perf_counter() >= self.until

    def may_try(self, step: Step, page: httpx.Response, depth: int) -> bool:
        """Whether a step is new; other hosts are contacted only for items on our own origin."""
        is_own = step.host == url_host(str(page.url))
        before = self.asked.get(step, set())
        is_new = str(page.url) not in before if depth == 0 else not before
        return is_new and (is_own or self.attempt.marker is not None)

    def marks(self, host: str) -> dict[str, str]:
        """Return the headers that carry the nonce to our own hosts, or set its cookie."""
        request_marks = ExpectedMarks(self.attempt, self.line, host).request_marks(host)
        if request_marks.cookie:
            name, _, value = request_marks.cookie.partition("=")
            self.client.cookies.set(name, value, domain=host)
        return dict(request_marks.headers)


class SecondClient:
    """Visits a URL over a line; network failures are returned, never raised."""

    def can_use(self, line: Line) -> bool:
        """Whether httpx can use a line."""
        return client_settings_of(line) is not None

    async def visit(self, attempt: Attempt, url: str, line: Line) -> ProbeResult:
        """Visit a URL; if httpx cannot use the line, that is the failure."""
        item, settings = attempt.item, client_settings_of(line)
        if settings is None:
            detail = f"the second client cannot use line {line.name!r} ({type(line).__name__})"
            return _failed(item, "instrument_error", "instrument", detail)
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
                    facts = _without_test_string(await _load(visit, url), item)
            except TimeoutError:
                took = perf_counter() - started
                return _failed(item, "generic_timeout_error", "response", "", took)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
                name = "generic_timeout_error" if isinstance(error, httpx.TimeoutException) else ""
                detail = f"{type(error).__name__}: {error}"[:200]
                took = perf_counter() - started
                return _failed(item, name or "connection_aborted", "response", detail, took)
        return ProbeResult(timings=Timings(total=perf_counter() - started), facts=facts)


def _failed(
    item: Item, name: str, stage: Stage, detail: str, took: float | None = None
) -> ProbeResult:
    failure = _without_test_string(Failure(name=name, stage=stage, detail=detail), item)
    return ProbeResult(timings=Timings(total=took), failure=failure)


def _without_test_string(recorded: Recorded, item: Item) -> Recorded:
    """Return facts or a failure without the test string; for files, however it is encoded."""
    return without_test_string(recorded) if is_file(item) else without_plain_string(recorded)


async def _load(visit: _Visit, url: str) -> WebFacts:
    """Fetch the page, its subresources and steps, and the page once more."""
    page = first = await _fetch(visit, Step(url))
    if not visit.delivered:
        page = await _follow(visit, first)
    if not visit.delivered:
        page = await _try(visit, Step(url)) or first
    return _facts(visit, page)


async def _follow(visit: _Visit, first: httpx.Response) -> httpx.Response:
    """Fetch subresources, then follow steps breadth-first; return the last page."""
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
            next_page = await _try(visit, step, str(page.url))
            last = next_page or last
            if next_page and depth + 1 < MAX_DEPTH:
                pages.append((next_page, depth + 1))
    return last


async def _try(visit: _Visit, step: Step, page: str = "") -> httpx.Response | None:
    """Fetch a step from ``page`` (empty: the first page again); None if that fails."""
    try:
        return await _fetch(visit, step, page)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError):
        return None


async def _fetch(visit: _Visit, step: Step, page: str = "") -> httpx.Response:
    """Fetch a step with its redirects, and record whether the item's own page was delivered."""
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
            async for chunk in answer.aiter_raw():  # httpx would decode without a limit
                body += chunk
                if len(body) >= limits.body_bytes:
                    break
        coding = answer.headers.get("content-encoding", "")
        content = decode(bytes(body), coding, limits.body_bytes).body
        answer._content = content  # noqa: SLF001 - read up to the limit
        if answer.next_request is None:  # no browser shows the page of a redirect
            visit.delivered |= is_delivered(visit, answer, content)
            return answer
        visit.hops.append(
            Hop(url=url, status=answer.status_code, location=answer.headers.get("location", ""))
        )
        is_sent_again = answer.next_request.method == "POST"  # 307 and 308 (RFC 9110, 15.4)
        step = Step(str(answer.next_request.url), fields if is_sent_again else None)
    return answer


def referer_for(url: str, page: str) -> str:
    """Return the Referer header for a URL reached from ``page``; empty if there is none.

    The default of browsers (Referrer Policy, section 3.7, strict-origin-when-cross-origin): the
    URL on the same origin, the origin elsewhere, and nothing from https to http.
    """
    here, there = urlsplit(page), urlsplit(url)
    if not page or (here.scheme, there.scheme) == ("https", "http"):
        return ""
    if (here.scheme, here.netloc) == (there.scheme, there.netloc):
        return urldefrag(page).url
    return f"{here.scheme}://{here.netloc}/"


def is_delivered(visit: _Visit, answer: httpx.Response, body: bytes) -> bool:
    """Whether a body is the item's own page: it has the origin's marks of the item's host.

    At another host or path it is a copy of that page. Another page of the item's host does not
    count; it is recognised by the words of its path. A file is known by what it holds; the words of
    a harmless one are on other pages of its host too.
    """
    host, path = url_host(visit.url), _path_of(httpx.URL(visit.url))
    if is_file(visit.attempt.item):
        found = ExpectedFile(visit.attempt, visit.line, host).sighting(body)
        return found in PROOFS or (bool(found) and str(answer.url) == visit.url)
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


PROOFS = ("test string", "agreed file")
"""Finds that prove that the file arrived, whatever address it came from."""


def _path_of(url: httpx.URL) -> str:
    """Return the path of a URL as it is sent, without its query."""
    return plain_path(url.raw_path.decode("ascii"))


def _facts(visit: _Visit, page: httpx.Response) -> WebFacts:
    """Return the facts of the last page, like those of the web probe."""
    key = visit.attempt.sketch_key
    holds = is_file(visit.attempt.item) and holds_test_string(page.content)
    is_sensitive = visit.attempt.item.is_sensitive
    read = read_page(b"" if holds else page.content, page.headers.get("content-type", ""))
    delivered: CanarySighting = "seen" if visit.delivered else "absent"
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
        sketch=read.sketch(key),
        canary="not_applicable" if visit.attempt.marker is None else delivered,
    )
