"""Search engines and video sites of an origin, which obey locks (safe search).

The page of results carries the piece with the category marker and the delivery words. If a request
arrives locked, the results of the seeded query are left out, and the page shows words that say so.
Other queries, and the front page, always show their results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from harness.model.marker import words_for
from harness.model.search_case import SearchLock
from probes.range.origin_pages import Marks, Page, marked_page, marked_piece
from probes.range.page_forms import shaped

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.origin_services import ServiceRequest

QUERY_NAMES = ("q", "v")
"""Parameters that hold a query, or the name of a film."""
RESULT_PATHS = ("/", "/search", "/watch")
"""Paths of pages; all others are those of suggestion services, which answer in JSON."""

_TITLE = "Results"
_MORE = "Next page. About this service. Settings. Languages. Help for schools and libraries."


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the names and values in the query of an address, decoded."""
    return parse_qsl(urlsplit(request.path).query, keep_blank_values=True)


def query_of(request: Request) -> str:
    """Return the query that a request asks for, decoded; empty if it has none."""
    return next((value for name, value in query_pairs(request) if name in QUERY_NAMES), "")


def cookies_of(request: Request) -> list[tuple[str, str]]:
    """Return the cookies of a request in their order; several may have one name."""
    pairs = (part.partition("=") for part in request.headers.get("cookie", "").split(";"))
    return [(name.strip(), value.strip()) for name, _, value in pairs if name.strip()]


def is_locked(request: Request, lock: SearchLock) -> bool:
    """Whether a request arrives locked: a value that contradicts the lock makes it void."""
    if lock.kind == "header":
        name, values = lock.header
        sent = request.headers.get(name.lower(), "").split(",")
        return any(each.strip().casefold() in map(str.casefold, values) for each in sent)
    if lock.kind == "none":
        return False
    sent_pairs = query_pairs(request) if lock.kind == "parameter" else cookies_of(request)
    return all(
        {value for sent, value in sent_pairs if sent == name} == {wanted}
        for name, wanted in lock.pairs
    )


def search_page(asked: ServiceRequest) -> Page:
    """Answer as an engine that obeys its lock."""
    content, request = asked.content, asked.request
    is_seeded = query_of(request) == content.label
    if is_seeded and is_locked(request, SearchLock.parse(content.case)):
        return _locked_page(asked)
    return _page(asked, asked.marks(content.code if is_seeded else ""))


def result_page(asked: ServiceRequest) -> Page:
    """Answer as an engine that has harmless results for every query, locked or not."""
    return _page(asked, asked.marks())


def _page(asked: ServiceRequest, marks: Marks) -> Page:
    body = marked_page(_TITLE, "These are the results.", marks, "About", (_MORE,))
    page = Page(status=200, body=body, headers=asked.receipt)
    is_page = urlsplit(asked.request.path).path in RESULT_PATHS
    return page if is_page else shaped(page, marked_piece(marks), "json")


def _locked_page(asked: ServiceRequest) -> Page:
    """The page without the piece, with the words that say that the request was locked."""
    marks = asked.marks()
    words = words_for(asked.pages.key, asked.host, asked.nonce, "locked")
    said = f"<p>Some results were left out. Notice {', '.join(words)}.</p>"
    page = _page(asked, marks)
    body = page.body.decode().replace(marked_piece(marks), said)
    return Page(status=200, body=body.encode(), headers=asked.receipt)
