"""What a log shows of one request, and which of its fields are right.

A request may have several entries, such as one of CONNECT and one of the page inside: together they
name one person, one computer and one outcome, and each has the time of the request. A step before
the page (a name that was resolved, a tunnel that was opened) may be allowed where the page itself
was blocked. A constant error of the log's clock that is tolerated is taken away first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from statistics import median
from typing import Literal
from urllib.parse import unquote_plus, urlsplit

from harness.model.log_case import CASES, NAME_CASES, LogCase, search_words
from harness.model.log_entry import LogEntry
from harness.model.service_log import TIME_LIMIT, LoggedRequest, RecordKeeping

QUARTER = 900.0
"""Seconds of which all offsets from UTC are multiples (IANA time zone database, since 1972)."""

Field = Literal["person", "computer", "outcome", "address", "time", "category"]

CRITICAL: dict[Field, str] = {
    "person": "who",
    "computer": "which computer",
    "outcome": "blocked or allowed",
}
"""Fields in which nothing may be wrong, in words: they point to a person, or hide a block."""

OTHERS: dict[Field, str] = {"address": "what", "time": "when", "category": "category of a block"}
"""The other fields, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongField:
    """A field that is wrong: what the log shows, and what happened."""

    field: Field
    shown: str
    true: str

    def __str__(self) -> str:
        return f"{(CRITICAL | OTHERS)[self.field]}: the log shows {self.shown}, it was {self.true}"


def case_of(request: LoggedRequest) -> LogCase:
    """Return the case of a request."""
    return CASES.get(request.case) or NAME_CASES[request.case]


def is_recorded(request: LoggedRequest, records: RecordKeeping) -> bool:
    """Whether entries say who, what, when and on which computer (LOG-01)."""
    entries = request.entries
    has_person = any(_person(entry, records) for entry in entries)
    has_computer = any(entry.client or entry.device for entry in entries)
    return has_person and has_computer and any(entry.at and entry.url for entry in entries)


def clock_error(request: LoggedRequest) -> float | None:
    """Return by how many seconds the log's time is outside the request; ``None`` without one.

    It is positive if the log's clock is ahead. Of several entries the nearest counts.
    """
    errors = [_outside(request, entry) for entry in request.entries if entry.at is not None]
    return min(errors, key=abs) if errors else None


def constant_error(requests: Iterable[LoggedRequest]) -> float:
    """Return the constant error of a log's clock: the median over requests, 0 without any."""
    errors = [error for one in requests if (error := clock_error(one)) is not None]
    return median(errors) if errors else 0.0


def zone_hint(seconds: float) -> str:
    """Say that a clock error looks like that of a time zone: a multiple of 15 minutes."""
    quarters = round(seconds / QUARTER)
    is_zone = quarters != 0 and abs(seconds - quarters * QUARTER) < TIME_LIMIT
    return ", as if its times were of another time zone (--timezone)" if is_zone else ""


def wrong_fields(
    request: LoggedRequest, records: RecordKeeping, clock: float, other_name: str = ""
) -> tuple[WrongField, ...]:
    """Return the fields of a recorded request that are wrong; ``clock`` is the constant error.

    What is not declared (the name of a profile's user, the computer of a line) is not compared;
    ``other_name`` is a second name of the line's computer, of which nothing is known.
    """
    found: list[WrongField] = []
    true = records.users.get(request.profile, "")
    shown = _shown(_person(entry, records) for entry in request.entries)
    if true and shown != [true]:
        found.append(WrongField(field="person", shown=_list(shown), true=true))
    names = records.names_of(request.line)
    shown = computers(request)
    others = set(shown) - names - {other_name}
    if names and (others or not names & set(shown)):
        found.append(WrongField(field="computer", shown=_list(shown), true=_list(sorted(names))))
    shown = _outcomes(request)
    if shown != [request.state] and not is_unsure(request):
        found.append(WrongField(field="outcome", shown=_list(shown), true=request.state))
    if not shows_address(request) or _other_addresses(request):
        shown = _shown(entry.url for entry in request.entries)
        found.append(WrongField(field="address", shown=_list(shown), true=request.url))
    error = max(_errors(request, clock), key=abs, default=0.0)
    if abs(error) > TIME_LIMIT:
        away = f"{error:+.1f} s" + (" beside the others" if clock else "")
        found.append(WrongField(field="time", shown=away, true=request.started.isoformat()))
    if request.state == "blocked" and not any(entry.category for entry in request.entries):
        found.append(WrongField(field="category", shown="none", true="a block"))
    return tuple(found)


def computers(request: LoggedRequest) -> list[str]:
    """Return the addresses and names of computers that the entries of a request show."""
    return _shown(chain.from_iterable((one.client, one.device) for one in request.entries))


def is_unsure(request: LoggedRequest) -> bool:
    """Whether the entries do not tell what a log says of the request alone.

    A request that was tried several times may have had several outcomes, and of some requests not
    all entries are kept.
    """
    shown = _outcomes(request)
    is_mixed = len(shown) > 1 and request.state in shown
    return bool(request.more) or (request.tries > 1 and is_mixed)


def shows_address(request: LoggedRequest) -> bool:
    """Whether an entry shows the address: all of it, or of an encrypted page or name the host."""
    return any(_is_address_of(entry, request) for entry in request.entries)


def shows_search(request: LoggedRequest) -> bool:
    """Whether an entry shows all words of a search."""
    words = search_words(request.item.removeprefix("log-"))
    texts = (f"{entry.search} {unquote_plus(entry.url)}" for entry in request.entries)
    return any(all(word in text.replace("+", " ") for word in words) for text in texts)


def shows_download(request: LoggedRequest) -> bool:
    """Whether an entry shows the name of a file and a size that is at least its own."""
    name = urlsplit(request.url).path.rpartition("/")[2]
    size = request.size or 0
    return any(name in entry.url and (entry.received or 0) >= size for entry in request.entries)


def shows_upload(request: LoggedRequest) -> bool:
    """Whether an entry shows that something was sent: by its method."""
    return any(entry.method.upper() in ("POST", "PUT", "PATCH") for entry in request.entries)


def shows_outcome(request: LoggedRequest) -> bool:
    """Whether an entry shows what the service did: blocked or allowed, as it was."""
    return any(entry.verdict == request.state for entry in request.entries)


def _person(entry: LogEntry, records: RecordKeeping) -> str:
    return entry.client if records.who == "address" else entry.user


def _shown(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, values)))


def _list(shown: Iterable[str]) -> str:
    return ", ".join(shown) or "nothing"


def _outside(request: LoggedRequest, entry: LogEntry) -> float:
    """By how many seconds an entry is outside the request, or the nearest time it was repeated."""
    assert entry.at is not None
    spans = ((request.started, request.ended), *request.again)
    return min((_beside(entry.at, *span) for span in spans), key=abs)


def _beside(at: datetime, began: datetime, ended: datetime) -> float:
    early, late = (at - began).total_seconds(), (at - ended).total_seconds()
    # A log with whole seconds shows the beginning of the second.
    slack = 1.0 if at.microsecond == 0 else 0.0
    return early + slack if early + slack < 0 else max(0.0, late)


def _errors(request: LoggedRequest, clock: float) -> list[float]:
    """By how many seconds each entry is outside the request, by a clock with a constant error.

    Of several tries the nearest entry counts alone. A tunnel may be recorded when it is closed, so
    its entry may be later than the others.
    """
    timed = [one for one in request.entries if one.at is not None]
    errors = [_outside(request, one) - clock for one in timed]
    nearest = sorted(errors, key=abs)[:1]
    if request.tries > 1:
        return nearest
    closed = [one.method == "CONNECT" for one in timed]
    pairs = zip(errors, closed, strict=True)
    return nearest + [min(0.0, each) if may_be_later else each for each, may_be_later in pairs]


def _outcomes(request: LoggedRequest) -> list[str]:
    """What the entries say that the service did; a step that was allowed says nothing of a page."""
    pages = [one for one in request.entries if not _is_step(one)]
    shown = _shown(one.verdict for one in pages)
    steps = _shown(one.verdict for one in request.entries if _is_step(one))
    return _shown([*shown, *(one for one in steps if not shown or one == "blocked")])


def _is_step(entry: LogEntry) -> bool:
    """Whether an entry is of a name that was asked, or of a tunnel, and of no page."""
    return entry.method == "CONNECT" or "://" not in entry.url


def _path(url: str) -> str:
    """The path and query of an address, without the slash before it."""
    return url.partition("://")[2].partition("/")[2]


def _other_addresses(request: LoggedRequest) -> bool:
    """Whether an entry shows another page of the host."""
    paths = [_path(one.url) for one in request.entries if not _is_step(one)]
    return any(path and unquote_plus(path) != unquote_plus(_path(request.url)) for path in paths)


def _is_address_of(entry: LogEntry, request: LoggedRequest) -> bool:
    if case_of(request).scheme == "http":
        return _same_address(entry.url, request.url)
    host = request.url.partition("://")[2].partition("/")[0] or request.url
    named = entry.url.partition("://")[2] or entry.url
    return named.partition("/")[0].partition(":")[0].rstrip(".").lower() == host.lower()


def _same_address(shown: str, true: str) -> bool:
    """Whether two addresses differ at most in how their characters are escaped."""
    return shown == true or unquote_plus(shown) == unquote_plus(true)
