"""Pages of the origin and of the filter: neutral text, with marks that prove delivery.

A page of the origin shows the token and delivery words of the attempt that requested it
(``harness.model.marker``); a category page also shows the agreed content marker. A header proves
that the origin received the request. No page contains anything that needs filtering.
``block_answer`` is the response of a block in its style, ``refusal_page`` that of an origin (or a
guard in front of it) that rejects clients.
"""

from __future__ import annotations

import html
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import cycle
from urllib.parse import parse_qsl

import msgspec

from harness.model.content_form import IMAGE, VIEWERS, PageContent
from harness.model.marker import MARKER_PREFIX, path_words_for, receipt_for, token_for, words_for
from harness.model.technique_host import code_of_technique
from probes.net.websocket import BINARY, SWITCHING, accept_of, closing, frame
from probes.range.block_page_text import REUSE, block_document
from probes.range.image_card import AGREED, image_card
from probes.range.page_forms import (
    HTML_TYPE,
    INNER_PATH,
    OUTER_PAGES,
    hosts_in,
    is_acceptable,
    shaped,
)
from probes.range.zone import RANGE, PageKind, ZoneNames, normalise

Headers = tuple[tuple[str, str], ...]

_DESCRIPTION = "What grows here, what is sold, and when to come: halls, greenhouse, pond, tea room"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The marks in one response of the origin; ``marker`` is the category's, if any."""

    token: str
    marker: str
    attempt: tuple[str, ...]
    host: tuple[str, ...]
    piece: tuple[str, ...]
    path: tuple[str, ...]


def marks_for(key: bytes, host: str, nonce: str, marker: str = "", path: str = "/") -> Marks:
    """Return the marks of the response to one request; without a nonce there is no token."""
    return Marks(
        token=token_for(key, host, nonce) if nonce else "",
        marker=marker,
        attempt=words_for(key, host, nonce, "attempt"),
        host=words_for(key, host, nonce, "host"),
        piece=words_for(key, host, nonce, "piece"),
        path=path_words_for(key, host, path),
    )


def marked_page(
    title: str, text: str, marks: Marks, footer: str = "", more: tuple[str, ...] = ()
) -> bytes:
    """Return a small HTML page with all marks. ``text``, ``title`` and ``more`` are plain text."""
    word, host_word, path_word = cycle(marks.attempt), cycle(marks.host), cycle(marks.path)
    heading = html.escape(title)
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en-GB">',
            f'<head><meta charset="utf-8"><title>{heading}</title>',
            f'<meta name="description" content="{_DESCRIPTION}">',
            f'<meta name="keywords" content="garden, {next(word)}, {next(host_word)}">',
            f"<!-- {next(word)} {next(path_word)} --></head>",
            f'<body id="{next(word)}">\n<h1 title="{next(host_word)}">{heading}</h1>',
            f"<p>{html.escape(text)}</p>",
            f"<p>Today's seed mixture is {next(word)}, next to {next(host_word)}.</p>",
            f"<p>It is sold as {next(path_word)}.</p>",
            marked_piece(marks),
            f'<script>var shelf = "{next(word)}";</script>',
            *(f"<p>{html.escape(paragraph)}</p>" for paragraph in more),
            f"<p>The last mixture in the hall is {next(word)}, before {next(host_word)}.</p>",
            f'<p data-shelf="{next(word)}" title="{next(path_word)}">{html.escape(footer)}</p>',
            f"<p>Ask for {next(path_word)} at the till.</p>",
            f"<!-- {next(word)} -->\n</body>\n</html>\n",
        )
    ).encode()


def marked_piece(marks: Marks) -> str:
    """Return the part of the page with the category marker and the token."""
    first, second, third, fourth = marks.piece
    shown = "".join(f"<p>{html.escape(mark)}</p>" for mark in (marks.marker, marks.token) if mark)
    return (
        f'<div class="{first}"><!-- {second} -->{shown}<p>Lot {third}</p>\n'
        f'<p title="{fourth}"></p></div>'
    )


_WORDS = (
    "The garden centre opens at nine. Seeds, pots and tools are in the first hall; "
    "the plants that like shade stand by the north wall. "
)
ORDINARY_TEXT = (
    "The second hall has what grows in pots: herbs for the window, small roses, and trees that "
    "stay low for many years. Whoever looks for a hedge finds box, beech and hornbeam behind the "
    "greenhouse, sorted by height. Soil is sold by the sack, and in spring by the cart as well. "
    "On Saturdays a gardener shows how to prune, how to graft and how to move a shrub that has "
    "become too large for its place; nobody needs to book. Tools may be borrowed for a day, if "
    "they come back clean. The pond beside the car park is home to newts and dragonflies, so "
    "please keep to the path. In the tea room there is soup at noon, cake from three, and bread "
    "that was baked next door. Children may sow a sunflower in the long bed by the gate, and come "
    "back in August to see whose has grown tallest. What is not sold by the end of the season goes "
    "to the school gardens of the town. Letters about plants are answered on Mondays; a leaf in an "
    "envelope says more than a long description. The bus from the station stops at the gate."
)
"""Ordinary text on every page, so that a delivered page is longer than a block page."""


TITLES = ("Garden centre", "The first hall", "Seeds and pots", "Our tools", "By the north wall")
"""Page titles; each host has one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An HTTP response of the origin or of the filter.

    Without ``content_type`` that header is not sent. With ``chunk`` the body is sent in chunks of
    so many bytes. With ``keeps`` the connection stays open for another request. With status 101
    the body is sent as a message of a WebSocket; or ``reply`` gives the answer to a message there.
    ``hints`` are the headers of an interim response 103 that is sent before (RFC 8297).
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = HTML_TYPE
    chunk: int = 0
    keeps: bool = False
    reply: Callable[[bytes], Page] | None = None
    hints: Headers = ()


def websocket_page(
    key: str, receipt: Headers, body: bytes = b"", reply: Callable[[bytes], Page] | None = None
) -> Page:
    """Return the answer to a request for a WebSocket with this key (RFC 6455 section 4.2.2).

    Without a key it is status 426 (RFC 9110 section 15.5.22).
    """
    upgrade = ("Upgrade", "websocket")
    if not key:
        page = document("Upgrade required", "This address is for a WebSocket.")
        return Page(status=426, body=page, headers=(*receipt, upgrade))
    switched = (upgrade, ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_of(key)))
    return Page(status=SWITCHING, body=body, headers=(*switched, *receipt), reply=reply)


def response_head(page: Page, server: str) -> bytes:
    """Return the head of a response as it is sent, after that of an interim response if any."""
    interim = _head(HTTPStatus.EARLY_HINTS, page.hints) if page.hints else b""
    framing = () if page.status == SWITCHING else _framing(page)
    return interim + _head(page.status, (("Server", server), *framing, *page.headers))


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    lines = (first, *(f"{name}: {value}" for name, value in headers))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _framing(page: Page) -> Iterator[tuple[str, str]]:
    """Yield the headers of a response that has a body."""
    if page.content_type:
        yield "Content-Type", page.content_type
    length = "Content-Length", str(len(page.body))
    yield ("Transfer-Encoding", "chunked") if page.chunk else length
    if "Cache-Control" not in dict(page.headers):
        yield "Cache-Control", "no-store"
    yield "Connection", "keep-alive" if page.keeps else "close"


def sent_body(page: Page) -> bytes:
    """Return the body as it is sent: in chunks (RFC 9112 section 7.1), or as a message."""
    if page.status == SWITCHING:
        return frame(BINARY, page.body) + closing() if page.body else b""
    if not page.chunk:
        return page.body
    starts = range(0, len(page.body), page.chunk)
    pieces = (page.body[start : start + page.chunk] for start in starts)
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@dataclass(slots=True)
class ContentChange:
    """When the pages that change their content do so, aware UTC; ``None``: they never do."""

    at: datetime | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def has_happened(self, later: int = 0) -> bool:
        """Whether the time has come, or that of a page which changes so many seconds later."""
        return self.at is not None and self.now() >= self.at + timedelta(seconds=later)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Creates the page of a host of ``names``. ``texts`` maps hosts to texts of their own.

    ``contents`` maps hosts that are not category pages to what else they show.
    """

    key: bytes = field(repr=False)
    texts: Mapping[str, str] = field(default_factory=dict)
    contents: Mapping[str, PageContent] = field(default_factory=dict)
    names: ZoneNames = RANGE
    change: ContentChange = field(default_factory=ContentChange)

    def page(self, host: str, path: str, scheme: str, nonce: str, accepts: str = "") -> Page:
        """Return the origin's response to a request for ``path`` at ``host``.

        ``accepts`` is the request's Accept-Encoding; a page is sent in no other coding.
        """
        host, kind = normalise(host), self.names.kind_of(host)
        if kind is PageKind.BLOCK:
            return _page_of_block_host(host, path)
        content = self.content_at(host)
        code = content.code or self.names.code_of(host)
        code = code or code_of_technique(host, (zone.zone for zone in self.names.zones))
        if content.form in VIEWERS:
            code = next(filter(None, map(self.names.code_of, hosts_in(path))), "")
        marks = marks_for(self.key, host, nonce, category_marker(code, nonce), path)
        receipt = self.receipt(host, nonce)
        if kind is PageKind.REDIRECT:
            # The token distinguishes the origin's redirect from one by a filter.
            location = _next_hop(host, path, scheme)
            return _redirect(location, receipt, marks)
        if not is_acceptable(content.form, accepts):
            content = msgspec.structs.replace(content, form="")
        return self._page_with(content, host, path, marks, receipt)

    def content_at(self, host: str) -> PageContent:
        """Return what a host shows beside its text; a plain twin shows the same as its host."""
        content = self.contents.get(self.names.original_host(normalise(host)), _NO_CONTENT)
        has_changed = self.change.has_happened(content.later)
        if content.becomes and (content.becomes == "harmful") != has_changed:
            return msgspec.structs.replace(content, code="")
        return content

    def _page_with(
        self, content: PageContent, host: str, path: str, marks: Marks, receipt: Headers
    ) -> Page:
        """Return the page with its content, in its form."""
        if content.form == IMAGE.name:
            seed = AGREED if content.label else f"card of {host}"
            body = image_card(seed, (marks.token, *marks.piece))
            return Page(status=200, body=body, headers=receipt, content_type="image/png")
        title = TITLES[zlib.crc32(host.encode()) % len(TITLES)]
        if content.form in OUTER_PAGES and path != INNER_PATH:
            return Page(status=200, body=OUTER_PAGES[content.form](title), headers=receipt)
        text = self.texts.get(self.names.original_host(host), _WORDS)
        body = marked_page(title, text, marks, "Open daily but Sundays", (ORDINARY_TEXT,))
        page = _labelled(Page(status=200, body=body, headers=receipt), content.label)
        form = "" if content.form in OUTER_PAGES else content.form
        return shaped(page, marked_piece(marks), form)

    def receipt(self, host: str, nonce: str) -> Headers:
        """Return the header that proves that the origin was asked, for requests with a nonce."""
        return (("ETag", f'"{receipt_for(self.key, host, nonce)}"'),) if nonce else ()


_NO_CONTENT = PageContent()


def _labelled(page: Page, label: str) -> Page:
    """Return a page with a self-label: an element in its head, or a header."""
    if label.startswith("<"):
        return replace(page, body=page.body.replace(b"</head>", label.encode() + b"</head>", 1))
    name, _, value = label.partition(": ")
    return replace(page, headers=(*page.headers, (name, value))) if label else page


def block_page(
    host: str,
    category: str,
    status: int = 403,
    *,
    policy: str = "",
    path: str = "/",
    flaws: Collection[str] = (),
) -> Page:
    """Return the reference filter's block page with host and category; it has no token."""
    body = block_document(host, category, policy, path, flaws)
    return Page(status=status, body=body, headers=REUSE if "cacheable" in flaws else ())


def _page_of_block_host(host: str, path: str) -> Page:
    """Return the block page that a redirect or a frame leads to; the query says of what."""
    asked = dict(parse_qsl(path.partition("?")[2]))
    return block_page(asked.get("host", host), asked.get("to", ""), policy=asked.get("by", ""))


def redirect_page(location: str) -> Page:
    """Return the reference filter's redirect to its block page."""
    return _redirect(location)


def portal_page() -> Page:
    """Return a captive portal's page, the same for every request."""
    text = "Welcome. Please sign in to use this network."
    return Page(status=200, body=document("Sign in to the network", text))


def trouble_page(host: str, status: int) -> Page:
    """Return a proxy's error page for an origin that does not answer."""
    text = f"The proxy could not retrieve the page from {host}."
    return Page(status=status, body=document("The page could not be retrieved", text))


def _next_hop(host: str, path: str, scheme: str) -> str:
    if path.startswith("/moved"):
        label, _, parent = host.partition(".")
        return f"{scheme}://landed-{label.partition('-')[2] or '000'}.{parent}/"
    return f"{scheme}://{host}/moved"


def _redirect(
    location: str, headers: tuple[tuple[str, str], ...] = (), marks: Marks | None = None
) -> Page:
    text = f"The page is at {location}."
    body = marked_page("Moved", text, marks) if marks else document("Moved", text)
    return Page(status=302, body=body, headers=(("Location", location), *headers))


def category_marker(code: str, nonce: str) -> str:
    """Return the agreed marker of a category, with the first letters of the nonce; or nothing."""
    tail = nonce[:4].upper() or "0000"
    return f"{MARKER_PREFIX}{code.replace('.', '-')}-{tail}" if code else ""


def document(title: str, text: str) -> bytes:
    """Return a small HTML page without any mark, as a filter or another server would show it."""
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title></head>\n<body>\n<h1>{html.escape(title)}</h1>\n"
        f"<p>{html.escape(text)}</p>\n</body>\n</html>\n"
    ).encode()
