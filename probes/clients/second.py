"""The second client: httpx with HTTP/2, which goes on where a pupil's browser would.

It keeps cookies, follows redirects and meta refreshes, fetches what the page needs, follows the
page's own links and submits its forms as they are, one level deep on the same host, and loads the
page again at the end. So a page that asks to *continue*, or that is shown only once, does not stop
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

import httpx
from selectolax.lexbor import LexborHTMLParser, LexborNode

from harness.model.observation import CanarySighting, Failure, Hop, Stage, Timings, WebFacts
from harness.model.sketch import sketch_of, title_mark
from harness.plugins import register
from harness.ports.asking import Attempt, Exchange, Line, Sighting
from probes.clients.backend import LineTransport
from probes.net.bounded_markup import bounded
from probes.net.client_way import way_of
from probes.net.expected_marks import ExpectedMarks
from probes.net.page import decode_text, read_page
from probes.net.redirects import RedirectChain

LINKS, NEEDED = 12, 12
"""How many links and forms are gone along, and how many things that a page needs are fetched."""

HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
}


FORM = "application/x-www-form-urlencoded"


class _Step(NamedTuple):
    """What is asked for next: a URL, and the fields of a form where it is sent by POST."""

    url: str
    fields: str | None = None


@dataclass(slots=True, kw_only=True)
class _Visit:
    """What one visit has seen. ``url`` is the item's.

    ``asked`` is what was fetched, each with the page that led to it, if any.
    """

    attempt: Attempt
    url: str
    line: Line
    client: httpx.AsyncClient
    asked: set[tuple[_Step, str]] = field(default_factory=set)
    hops: list[Hop] = field(default_factory=list)
    delivered: bool = False

    def came(self) -> bool:
        """Whether the item's own page came."""
        return self.delivered

    def marks(self, host: str) -> dict[str, str]:
        """The headers that carry the nonce to our own hosts; a cookie is put beside the others."""
        carried = ExpectedMarks(self.attempt, self.line, host).carried(host)
        if carried.cookie:
            name, _, value = carried.cookie.partition("=")
            self.client.cookies.set(name, value, domain=host)
        return dict(carried.headers)


@register("clients", "second")
class SecondClient:
    """Visits a URL over a line; never raises for network trouble."""

    def can_use(self, line: Line) -> bool:
        """Whether httpx can go over a line."""
        return way_of(line) is not None

    async def visit(self, attempt: Attempt, url: str, line: Line) -> Sighting:
        """What came of a visit. Where the line is of no use to httpx, that is the failure."""
        way = way_of(line)
        if way is None:
            detail = f"the second client cannot use line {line.name!r} ({type(line).__name__})"
            return _failed("instrument_error", "instrument", detail)
        started = perf_counter()
        async with httpx.AsyncClient(
            transport=LineTransport(way), headers=HEADERS, timeout=attempt.timeout, trust_env=False
        ) as client:
            visit = _Visit(attempt=attempt, url=url, line=line, client=client)
            try:
                async with asyncio.timeout(attempt.limits.longest_patience):
                    facts = await _see(visit, url)
            except TimeoutError:
                return _failed("generic_timeout_error", "response", "", perf_counter() - started)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
                name = "generic_timeout_error" if isinstance(error, httpx.TimeoutException) else ""
                detail = f"{type(error).__name__}: {error}"[:200]
                took = perf_counter() - started
                return _failed(name or "connection_aborted", "response", detail, took)
        return Sighting(timings=Timings(total=perf_counter() - started), facts=facts)


async def _see(visit: _Visit, url: str) -> WebFacts:
    """The page, what it needs, where it leads to, and the page once more."""
    first = await _fetch(visit, _Step(url))
    last = first
    if not visit.came():
        tree, page = LexborHTMLParser(bounded(_text_of(first))[0]), str(first.url)
        for needed in _needed(tree, first)[:NEEDED]:
            await _try(visit, _Step(needed), page)
        for step in _onward(tree, first)[:LINKS]:
            last = await _try(visit, step, page) or last
            if visit.came():
                break
    if not visit.came():
        last = await _try(visit, _Step(url)) or last
    return _facts(visit, last)


async def _try(visit: _Visit, step: _Step, page: str = "") -> httpx.Response | None:
    """Fetch what a page led to, or without one the first page again; its trouble ends nothing."""
    if page and (step, page) in visit.asked:
        return None
    try:
        return await _fetch(visit, step, page)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError):
        return None


async def _fetch(visit: _Visit, step: _Step, page: str = "") -> httpx.Response:
    """Fetch a URL with its redirects, and see whether the item's own page came."""
    limits = visit.attempt.limits
    for _ in range(limits.redirects + 1):
        visit.asked.add((step, page))
        url, fields = step
        host = (urlsplit(url).hostname or "").lower()
        headers = visit.marks(host)
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
        visit.delivered |= is_delivered(visit, url, answer, bytes(body))
        if answer.next_request is None:
            return answer
        visit.hops.append(
            Hop(url=url, status=answer.status_code, location=answer.headers.get("location", ""))
        )
        is_sent_again = answer.next_request.method == "POST"  # by 307 and 308 (RFC 9110, 15.4)
        step = _Step(str(answer.next_request.url), fields if is_sent_again else None)
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


def is_delivered(visit: _Visit, url: str, answer: httpx.Response, body: bytes) -> bool:
    """Whether a body is the item's own page: of its host and path, with the origin's marks.

    Another page of the same host, which a block page may lead to, is none.
    """
    if _page_of(url) != _page_of(visit.url):
        return False
    host, _ = _page_of(url)
    headers = tuple((name.lower(), value) for name, value in answer.headers.items())
    exchange = Exchange(timings=Timings(), status=answer.status_code, headers=headers, body=body)
    chain = RedirectChain(url=url, exchanges=[exchange], hosts=[host])
    return ExpectedMarks(visit.attempt, visit.line, host).delivered(chain).canary == "seen"


def _page_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.path or "/"


def _needed(tree: LexborHTMLParser, page: httpx.Response) -> list[str]:
    """What a browser fetches for a page: frames, pictures, scripts, styles."""
    named = [
        *_values(tree.css("iframe[src], frame[src], img[src], script[src]"), "src"),
        *_values(tree.css("link[rel=stylesheet][href], link[rel=icon][href]"), "href"),
    ]
    return _absolute(named, page)


def _onward(tree: LexborHTMLParser, page: httpx.Response) -> list[_Step]:
    """Where a page leads to by refresh, and on its own host by form and link."""
    content = page.headers.get("content-type", "")
    refreshes = read_page(page.content, content).frames
    forms = [step for form in tree.css("form") if (step := _submitted(form, page))]
    links = _absolute(_values(tree.css("a[href], area[href]"), "href"), page)
    home = urlsplit(str(page.url)).hostname
    found = [*forms, *map(_Step, links)]
    here = [step for step in dict.fromkeys(found) if urlsplit(step.url).hostname == home]
    return [*map(_Step, _absolute(refreshes, page)), *here]


def _submitted(form: LexborNode, page: httpx.Response) -> _Step | None:
    """What a form asks for when its fields are sent as they are; a password is never sent."""
    told = {name: value or "" for name, value in form.attributes.items()}
    is_post = told.get("method", "").lower() == "post"
    if is_post and form.css("input[type=password i]"):
        return None
    fields = [
        (name, node.attributes.get("value") or "")
        for node in form.css("input[name], button[name]")
        if (name := node.attributes.get("name"))
    ]
    action = told.get("action", "")
    if not is_post:
        action = action.partition("?")[0]
        action = f"{action}?{urlencode(fields)}" if fields else action
    url = next(iter(_absolute([action], page)), "")
    return _Step(url, urlencode(fields) if is_post else None) if url else None


def _values(nodes: Iterable[LexborNode], name: str) -> list[str]:
    return [value for node in nodes if (value := node.attributes.get(name))]


def _absolute(named: Iterable[str], page: httpx.Response) -> list[str]:
    found = []
    for one in named:
        try:
            url = urldefrag(urljoin(str(page.url), one.strip())).url
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.hostname:
            found.append(url)
    return list(dict.fromkeys(found))


def _text_of(page: httpx.Response) -> str:
    return decode_text(page.content, page.headers.get("content-type", ""))


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
