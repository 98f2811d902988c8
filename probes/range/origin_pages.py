"""Pages of the origin and of the filter: neutral text, with marks that prove delivery.

A page of the origin shows the token and delivery words of the attempt that requested it
(``harness.model.marker``); a category page also shows the agreed content marker. A header proves
that the origin received the request. No page contains anything that needs filtering.
"""

from __future__ import annotations

import html
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle

from harness.model.marker import path_words_for, receipt_for, token_for, words_for
from probes.range.zone import PageKind, code_of, kind_of, normalise, original_host

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
            *_piece(marks),
            f'<script>var shelf = "{next(word)}";</script>',
            *(f"<p>{html.escape(paragraph)}</p>" for paragraph in more),
            f"<p>The last mixture in the hall is {next(word)}, before {next(host_word)}.</p>",
            f'<p data-shelf="{next(word)}" title="{next(path_word)}">{html.escape(footer)}</p>',
            f"<p>Ask for {next(path_word)} at the till.</p>",
            f"<!-- {next(word)} -->\n</body>\n</html>\n",
        )
    ).encode()


def _piece(marks: Marks) -> tuple[str, ...]:
    """Return the part of the page with the category marker and the token."""
    first, second, third, fourth = marks.piece
    shown = "".join(f"<p>{html.escape(mark)}</p>" for mark in (marks.marker, marks.token) if mark)
    return (
        f'<div class="{first}"><!-- {second} -->{shown}<p>Lot {third}</p>',
        f'<p title="{fourth}"></p></div>',
    )


MARKER_PREFIX = "ACCREDIT-MARKER-"
"""Prefix of the agreed content marker; the category and four characters follow."""

_WORDS = (
    "The garden centre opens at nine. Seeds, pots and tools are in the first hall; "
    "the plants that like shade stand by the north wall. "
)
_MORE = (
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
    """An HTTP response of the origin or of the filter."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Creates the page of a host. ``texts`` maps hosts to texts of their own.

    ``contents`` maps hosts that are not category pages to a category whose marker they show.
    """

    key: bytes = field(repr=False)
    texts: Mapping[str, str] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)

    def page(self, host: str, path: str, scheme: str, nonce: str) -> Page:
        """Return the origin's response to a request for ``path`` at ``host``."""
        host, kind = normalise(host), kind_of(host)
        if kind is PageKind.BLOCK:
            return block_page(host, "")
        marks = marks_for(self.key, host, nonce, _marker(self._code(host), nonce), path)
        receipt = self._receipt(host, nonce)
        if kind is PageKind.REDIRECT:
            # The token distinguishes the origin's redirect from one by a filter.
            location = _next_hop(host, path, scheme)
            return _redirect(location, receipt, marks)
        title = TITLES[zlib.crc32(host.encode()) % len(TITLES)]
        text = self.texts.get(original_host(host), _WORDS)
        body = marked_page(title, text, marks, "Open daily but Sundays", (_MORE,))
        return Page(status=200, body=body, headers=receipt)

    def _receipt(self, host: str, nonce: str) -> tuple[tuple[str, str], ...]:
        """Return the header that proves that the origin was asked, for requests with a nonce."""
        return (("ETag", f'"{receipt_for(self.key, host, nonce)}"'),) if nonce else ()

    def _code(self, host: str) -> str:
        """Return the category whose marker a host's page shows, or an empty string."""
        return self.contents.get(original_host(host)) or code_of(host)


def block_page(host: str, category: str, status: int = 403) -> Page:
    """Return the reference filter's block page with host and category; it has no token."""
    reason = f"Category: {category}" if category else "Your school's policy does not allow it"
    text = (
        f"Access to {host} has been denied by the internet filter. {reason}. "
        "If you think this is wrong, please speak to your teacher or network manager."
    )
    return Page(status=status, body=document("Access to this page is blocked", text))


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


def _marker(code: str, nonce: str) -> str:
    tail = nonce[:4].upper() or "0000"
    return f"{MARKER_PREFIX}{code.replace('.', '-')}-{tail}" if code else ""


def document(title: str, text: str) -> bytes:
    """Return a small HTML page without any mark, as a filter or another server would show it."""
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title></head>\n<body>\n<h1>{html.escape(title)}</h1>\n"
        f"<p>{html.escape(text)}</p>\n</body>\n</html>\n"
    ).encode()
