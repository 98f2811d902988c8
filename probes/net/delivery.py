"""Detect whether the origin's page was delivered, even if it was modified on the way.

The token proves delivery. Where the token is missing, the delivery words
(``harness.model.marker``) are searched for in several readings of the body.

Holds ``find_words`` and ``ExpectedMarks``, which knows the marks of one attempt and evaluates its
redirect chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase

from harness.model.facts import CanarySighting
from harness.ports.network import Attempt, Exchange, Line
from probes.net.browser_profiles import Headers
from probes.net.readings import readings
from probes.net.redirects import RedirectChain

_NOT_LETTERS = bytes(set(range(256)) - set(ascii_lowercase.encode()))


def find_words(body: bytes, content_type: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return the words (lower case) that occur in any reading of a body, in the order given.

    In a reading only the letters count, so that invisible characters do not hide a word.
    """
    wanted = tuple(words)
    missing = list(wanted)
    for reading in readings(body, content_type):
        text = reading.casefold()
        missing = [word for word in missing if word not in text]
        if missing:
            letters = text.encode("ascii", "ignore").translate(None, _NOT_LETTERS)
            missing = [word for word in missing if word.encode() not in letters]
        if not missing:
            break
    return tuple(word for word in wanted if word not in missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMarks:
    """What carries the nonce in a request: a cookie, or additional headers."""

    cookie: str = ""
    headers: Headers = ()


NO_MARKS = RequestMarks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a redirect chain delivered; see ``WebFacts`` for each field."""

    canary: CanarySighting = "not_applicable"
    words: tuple[str, ...] = ()
    page_words: int = 0
    locked: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMarks:
    """The marks of one host's page that one response shows."""

    token: bool = False
    words: tuple[str, ...] = ()
    page_words: int = 0
    locked: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether the response shows the page: its token or one of its words."""
        return self.token or bool(self.words)


class ExpectedMarks:
    """The token, words and receipt that the origin sends for one attempt, by host.

    For an item that is filtered by its content, only the part of the page that carries the
    category marker counts.
    """

    def __init__(self, attempt: Attempt, line: Line, home: str) -> None:
        self._marker = attempt.marker
        self._origin = line.origin
        self._own_host = attempt.item.host
        self._home = home
        self._by_content = attempt.item.applies_to == "content"

    def request_marks(self, host: str) -> RequestMarks:
        """Return what carries the nonce to a host; nothing outside the canary zone."""
        if self._marker is None or not self._marker.nonce or not self._is_ours(host):
            return NO_MARKS
        carrier, value = self._marker.carrier, self._marker.carrier.value(self._marker.nonce)
        if carrier.is_cookie:
            return RequestMarks(cookie=value)
        return RequestMarks(headers=((carrier.name, value),))

    def delivered(self, chain: RedirectChain) -> Delivery:
        """Return what a redirect chain delivered of the item's own page.

        The last response decides: it must show the page of the item's host, or that of its own
        host if every earlier response came from the origin as well.
        """
        if self._marker is None:
            return Delivery()
        last = self.marks_in(self._home, chain.last)
        asked = self._was_asked(chain)
        if last.is_shown or chain.hosts[-1] == self._home:
            return self._result("seen" if last.is_shown else "absent", last, asked=asked)
        there = self.marks_in(chain.hosts[-1], chain.last)
        if not there.is_shown:
            return self._result("absent", last, asked=asked)
        pairs = zip(chain.hosts[:-1], chain.exchanges[:-1], strict=True)
        all_from_origin = all(self.marks_in(host, exchange).is_shown for host, exchange in pairs)
        return self._result("seen" if all_from_origin else "elsewhere", there, asked=asked)

    def _result(self, canary: CanarySighting, marks: PageMarks, *, asked: bool) -> Delivery:
        return Delivery(
            canary=canary,
            words=marks.words,
            page_words=marks.page_words,
            locked=marks.locked,
            asked=asked,
        )

    def _is_ours(self, host: str) -> bool:
        return self._origin.covers(host) if self._origin else host == self._own_host

    def _was_asked(self, chain: RedirectChain) -> bool:
        assert self._marker is not None
        if self._origin is None or not self._marker.nonce:
            return False
        receipt = self._origin.receipt(chain.hosts[-1], self._marker.nonce)
        tags = (value for name, value in chain.last.headers if name == "etag")
        return any(receipt in tag for tag in tags)

    def marks_in(self, host: str, exchange: Exchange) -> PageMarks:
        """Return the marks of the page at ``host`` in a response, with the nonce or without."""
        if not exchange.body or not self._is_ours(host):
            return PageMarks()
        assert self._marker is not None
        if self._marker.nonce and self._token(host).encode() in exchange.body:
            return PageMarks(token=True)
        if self._origin is None:
            return PageMarks()
        nonces = dict.fromkeys((self._marker.nonce, ""))
        piece = [word for nonce in nonces for word in self._origin.words(host, nonce, "piece")]
        page = [word for nonce in nonces for word in self._origin.words(host, nonce, "attempt")]
        page += self._origin.words(host, "", "host")
        kind = next((value for name, value in exchange.headers if name == "content-type"), "")
        if not self._by_content:
            return PageMarks(words=find_words(exchange.body, kind, page + piece))
        found = find_words(exchange.body, kind, piece)
        if found:
            return PageMarks(words=found)
        # Only words of this very attempt: a page from a cache says nothing about its request.
        locked = (
            self._origin.words(host, self._marker.nonce, "locked") if self._marker.nonce else ()
        )
        return PageMarks(
            page_words=len(find_words(exchange.body, kind, page)),
            locked=bool(find_words(exchange.body, kind, locked)),
        )

    def _token(self, host: str) -> str:
        assert self._marker is not None
        if self._origin is None or host == self._own_host:
            return self._marker.token
        return self._origin.token(host, self._marker.nonce)
