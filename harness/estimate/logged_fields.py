"""What a log shows of one request, and which of its fields are right.

A request may have several entries, such as one of CONNECT and one of the page inside: a field is
what any of them shows. Times are compared after the constant error of the log's clock is taken
away, which LOG-03 counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Literal
from urllib.parse import unquote_plus, urlsplit

from harness.model.log_case import CASES, NAME_CASES, LogCase, search_words
from harness.model.log_entry import LogEntry
from harness.model.service_log import LoggedRequest, RecordKeeping

TIME_LIMIT = 2.0
"""Seconds by which a time may be wrong, and the clock of a log (proposed by this project)."""

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


def wrong_fields(
    request: LoggedRequest, records: RecordKeeping, clock: float
) -> tuple[WrongField, ...]:
    """Return the fields of a recorded request that are wrong; ``clock`` is the constant error.

    What is not declared (the name of a profile's user, the computer of a line) is not compared.
    """
    entries = request.entries
    found: list[WrongField] = []
    wanted = records.users.get(request.profile, "")
    shown = _shown(_person(entry, records) for entry in entries)
    if wanted and shown != [wanted]:
        found.append(WrongField(field="person", shown=_list(shown), true=wanted))
    wanted = records.computers.get(request.line, "")
    shown = _shown(name for entry in entries for name in (entry.client, entry.device))
    if wanted and wanted not in shown:
        found.append(WrongField(field="computer", shown=_list(shown), true=wanted))
    if wrong := _wrong_outcome(request):
        found.append(wrong)
    if not shows_address(request):
        shown = _shown(entry.url for entry in entries)
        found.append(WrongField(field="address", shown=_list(shown), true=request.url))
    error = clock_error(request)
    if error is not None and abs(error - clock) > TIME_LIMIT:
        away = f"{error - clock:+.1f} s beside the others"
        found.append(WrongField(field="time", shown=away, true=request.started.isoformat()))
    if request.state == "blocked" and not any(entry.category for entry in entries):
        found.append(WrongField(field="category", shown="none", true="a block"))
    return tuple(found)


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
    assert entry.at is not None
    early = (entry.at - request.started).total_seconds()
    late = (entry.at - request.ended).total_seconds()
    # A log with whole seconds shows the beginning of the second.
    slack = timedelta(seconds=1).total_seconds() if entry.at.microsecond == 0 else 0.0
    if early + slack < 0:
        return early + slack
    return max(0.0, late)


def _wrong_outcome(request: LoggedRequest) -> WrongField | None:
    """A block that the log shows as allowed, or the other way round."""
    stated = {entry.verdict for entry in request.entries if entry.verdict}
    shown = "blocked" if "blocked" in stated else "allowed" if stated else "nothing"
    if shown == request.state:
        return None
    return WrongField(field="outcome", shown=shown, true=request.state)


def _is_address_of(entry: LogEntry, request: LoggedRequest) -> bool:
    if case_of(request).scheme == "http":
        return _same_address(entry.url, request.url)
    host = request.url.partition("://")[2].partition("/")[0] or request.url
    named = entry.url.partition("://")[2] or entry.url
    return named.partition("/")[0].partition(":")[0].rstrip(".").lower() == host.lower()


def _same_address(shown: str, true: str) -> bool:
    """Whether two addresses differ at most in how their characters are escaped."""
    return shown == true or unquote_plus(shown) == unquote_plus(true)
