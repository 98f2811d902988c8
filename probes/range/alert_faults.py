"""Faults of the reference filter's alerts: for which requests alerts are sent, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit

from harness.model.marker import MARKER_PREFIX, SHAPE
from probes.range.faults import Fault, FaultKind
from probes.range.pending_entry import Asker

if TYPE_CHECKING:
    from probes.range.connection import Request

MOST_BODY = 256 * 1024
"""Bytes of a request's body that are looked at."""
FALSE_CATEGORY = "HARM"
"""The category of an alert about a benign request."""

_MARKER = re.compile(
    re.escape(MARKER_PREFIX) + r"([A-Z][A-Z0-9]*(?:[.-][A-Z][A-Z0-9]*)*)-[0-9A-Z]{4}(?![0-9A-Z-])",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A request as the filter's monitoring sees it.

    ``words`` are what was typed: the query and the body, decoded. ``markers`` are the agreed
    markers in it as they stand there, ``categories`` theirs, each once, in their order. ``device``
    is the User-Agent. ``has_nonce`` says whether a test can be recognised by a nonce.
    """

    at: datetime
    asker: Asker
    method: str
    url: str
    words: str
    markers: tuple[str, ...]
    categories: tuple[str, ...]
    device: str
    has_nonce: bool

    @classmethod
    def of_request(cls, request: Request, asker: Asker, url: str, at: datetime) -> Sighting:
        """Look at a complete request."""
        words = words_of(request)
        found = list(_MARKER.finditer(words))
        texts = (request.target, *(line.decode("latin-1") for line in request.lines))
        return cls(
            at=at,
            asker=asker,
            method=request.method,
            url=url,
            words=words,
            markers=tuple(dict.fromkeys(match[0] for match in found)),
            categories=tuple(dict.fromkeys(match[1].upper().replace("-", ".") for match in found)),
            device=request.headers.get("user-agent", ""),
            has_nonce=any(SHAPE.search(text) for text in texts),
        )

    @property
    def request(self) -> tuple[str, ...]:
        """Who asked for what: equal for equal requests."""
        asker = self.asker
        return (
            asker.service,
            asker.profile,
            asker.client,
            asker.user,
            self.method,
            self.url,
            self.words,
        )


def words_of(request: Request) -> str:
    """Return what a request says: its query and its body, each percent-decoded once (UTF-8)."""
    try:
        query = urlsplit(request.target).query if request.method != "CONNECT" else ""
    except ValueError:
        query = request.target.partition("?")[2]
    body = request.body[:MOST_BODY].decode("utf-8", "replace")
    return "\n".join(unquote_plus(text) for text in (query, body) if text)


def alerted_categories(sighting: Sighting, faults: Iterable[Fault], repeat: int) -> tuple[str, ...]:
    """Return the categories that an alert names; none if there is no alert.

    ``repeat`` is how many equal requests there were before.
    """
    active = tuple(faults)
    found = sighting.categories
    if not found and sighting.words and any(_invents(each, sighting, repeat) for each in active):
        found = (FALSE_CATEGORY,)
    for fault in active:
        if _loses(fault, sighting, repeat):
            return ()
        if fault.kind is FaultKind.ALERT_NO_CATEGORIES:
            found = tuple(code for code in found if not is_below(code, fault.categories))
    return found


def _invents(fault: Fault, sighting: Sighting, repeat: int) -> bool:
    is_benign = fault.kind is FaultKind.ALERT_BENIGN
    return is_benign and fault.chooses(*sighting.request, str(repeat))


def _loses(fault: Fault, sighting: Sighting, repeat: int) -> bool:
    match fault.kind:
        case FaultKind.ALERT_NO_WORDS:
            return _holds(sighting.words, fault.words)
        case FaultKind.ALERT_NO_DEVICES:
            return _holds(sighting.device, fault.words)
        case FaultKind.ALERT_DROPPED:
            return fault.chooses(*sighting.request, str(repeat))
        case FaultKind.ALERT_ONLY_MARKED:
            return not sighting.has_nonce
    return False


def _holds(text: str, words: Iterable[str]) -> bool:
    plain = text.casefold()
    return any(word.casefold() in plain for word in words)


def is_below(code: str, codes: Iterable[str]) -> bool:
    """Whether a category is one of some, or below one of them (HARM.SELF is below HARM)."""
    return any(code == each or code.startswith(f"{each}.") for each in codes)


def recipient_of(usual: str, faults: Iterable[Fault]) -> str:
    """Return to whom an alert goes, instead of the usual recipient if a fault says so."""
    wrong = (each for each in faults if each.kind is FaultKind.ALERT_WRONG_RECIPIENT)
    return next((fault.recipient for fault in wrong), usual)


def delay_of(faults: Iterable[Fault]) -> float:
    """Return how many seconds late an alert is sent."""
    late = (fault.seconds for fault in faults if fault.kind is FaultKind.ALERT_LATE)
    return max(late, default=0.0)
