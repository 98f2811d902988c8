"""What is known of a service's own log: the requests that it has to record, and what was read.

A log is read after the requests were made, once or several times; each reading is a part of the
journal. What a log has to show of a request is declared in the campaign file
(``service.records``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from pydantic import Field

from harness.errors import UsageError
from harness.model.declared import Declared
from harness.model.facts import FoundSecret
from harness.model.log_case import Situation
from harness.model.log_entry import LogEntry
from harness.model.observation import Observation

ROUND = 700_000
"""Added to the number of a sending of requests, or of a reading of a log (both from 1), for the
round of its attempt keys; see ``harness.model.plain_twin.ROUNDS`` for the other offsets."""

READ_AFTER = 300.0
"""Seconds after a request from which on its entry must be in the log (LOG-03)."""

TIME_LIMIT = 2.0
"""Seconds by which a time, and the clock of a log, may be wrong (proposed by this project)."""

MOST_TURNS = 99_000
"""The most sendings, and the most readings, of one journal."""

Numbered = Literal["logged", "log", "people", "speed"]
"""Roles of observations that are numbered in a journal."""

TURNS: dict[Numbered, str] = {
    "logged": "sendings of log requests",
    "log": "readings of logs",
    "people": "answers of people",
    "speed": "measurements of speed",
}
"""What is numbered in a journal, by the role of its observations."""

LOG_LINE = "log"
"""The line of observations of what a log holds; no line of a campaign has this name."""

Text = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Text, ...], Field(min_length=1, max_length=20, strict=False)]


class RecordKeeping(Declared):
    """What the supplier declares of the service's log.

    ``users`` are the names that the log shows for a profile, ``computers`` the address or name that
    it shows for a line, or all of them where it shows several of one computer. With ``who:
    address`` the service knows no names, and the address stands for the person. ``clock_error`` is
    by how many seconds the log's clock may be wrong. ``keeps_days`` is how long entries are kept.
    ``delivers_later``: what happens without a connection is recorded and delivered later.
    """

    who: Literal["name", "address"] = "name"
    users: dict[str, Text] = Field(default_factory=dict)
    computers: dict[str, Text | Names] = Field(default_factory=dict)
    clock_error: Annotated[float, Field(ge=0, le=60)] = TIME_LIMIT
    keeps_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    delivers_later: bool | None = None

    def names_of(self, line: str) -> frozenset[str]:
        """The names and addresses of the computer of a line; none if it is not declared."""
        found = self.computers.get(line, ())
        return frozenset((found,) if isinstance(found, str) else found)

    def undeclared(self, profile: str, line: str) -> str:
        """What is to be added so that fields of a log can be compared; empty if nothing is."""
        user = "" if profile in self.users else f"users: {{{profile}: NAME}}"
        computer = "" if self.names_of(line) else f"computers: {{{line}: NAME}}"
        return ", ".join(filter(None, (user, computer)))


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request that the log has to show, and what it shows of it.

    ``state`` is what the service did, ``why`` why that is not known. ``sending`` numbers the
    command that made it. ``size`` is the length of the page that came, in bytes. ``tries`` counts
    the attempts, with those that failed at our own equipment; ``again`` is when the same page was
    asked for as a heartbeat, each from its beginning to its end. ``entries`` are those of all
    readings without repetition, and ``more`` counts further ones of a reading, which were not kept;
    ``seen_at`` is when the first reading with one of them began, ``missed_at`` the last reading
    before it, if there was one. ``repaired`` are the numbers of a reading that should have shown
    the request and did not, and of a later one that does; ``altered`` of a reading, and of a later
    one that lacks or changes what the first showed.
    """

    item: str
    url: str
    case: str
    situation: Situation
    sending: int
    line: str
    profile: str
    started: datetime
    ended: datetime
    state: Literal["blocked", "allowed", "undecided", "unanswered"]
    why: str = ""
    size: int | None = None
    tries: int = 1
    again: tuple[tuple[datetime, datetime], ...] = ()
    entries: tuple[LogEntry, ...] = ()
    more: int = 0
    seen_at: datetime | None = None
    missed_at: datetime | None = None
    repaired: tuple[int, int] | None = None
    altered: tuple[int, int] | None = None


def next_turn(observations: Iterable[Observation], role: Numbered, more: int = 1) -> int:
    """Return the number of the next sending, reading or measurement, of ``more`` that come.

    Raises UsageError if there would be more than ``MOST_TURNS``.
    """
    made = [one.key.round - ROUND for one in observations if one.role == role]
    number = 1 + max(made, default=0)
    if number + more - 1 > MOST_TURNS:
        msg = f"the journal holds {MOST_TURNS} {TURNS[role]}, the most that it can"
        raise UsageError(msg)
    return number


class LogReading(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a log; see ``harness.model.facts.LogFileFacts``.

    ``number`` counts the readings of a journal from 1. The log was read as it was at the time
    ``at``. ``name`` is that of the file, ``entries`` how many of its entries belong to requests and
    changes of the campaign.
    """

    number: int
    at: datetime
    looked_before: datetime | None
    format: str
    sha256: str
    lines: int
    changes: int
    covers: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    searched: int
    secrets: tuple[FoundSecret, ...]
    name: str = ""
    part: str = ""
    entries: int = 0

    @property
    def is_continued(self) -> bool:
        """Whether it holds only what was new since the look at the same log before."""
        return self.looked_before is not None

    @property
    def words(self) -> str:
        """Which reading it was, for people."""
        when = f"{self.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"import {self.number} ({self.name or self.format}, {when}, {self.sha256[:12]})"

    def is_of(self, line: str) -> bool:
        """Whether it is the log of a line of the campaign."""
        return not self.covers or line in self.covers


class ImportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One import of a log, of alerts or of mailboxes, as reports name it; see ``LogReading``."""

    number: int
    at: datetime
    name: str
    format: str
    sha256: str
    lines: int
    entries: int
    covers: tuple[str, ...] = ()
    part: str = ""


def imported_files(readings: Iterable[LogReading]) -> tuple[ImportedFile, ...]:
    """Return the imports in their order; a file with gaps was read as several parts at once."""
    found: dict[tuple[datetime, str, str], ImportedFile] = {}
    for one in sorted(readings, key=lambda one: one.number):
        shown = {name: getattr(one, name) for name in ImportedFile.__struct_fields__}
        found[one.at, one.name, one.sha256] = ImportedFile(**shown)
    return tuple(found.values())


def worked_until(readings: Iterable[LogReading], begins: datetime) -> datetime | None:
    """Until when a receiver worked since a time, so that it missed nothing; None if none did.

    Each reading is of a time in which one worked without a gap, from its ``first`` to its ``last``
    line.
    """
    ends = (
        one.last
        for one in readings
        if one.first is not None and one.last is not None
        if one.first <= begins <= one.last
    )
    return max(ends, default=None)


class RecordedChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the policy by a person, an event of ``accredit watch``, and its entries."""

    event: str
    entries: tuple[LogEntry, ...]


class ServiceLogs(msgspec.Struct, frozen=True, kw_only=True):
    """The requests of a campaign that logs have to show, and the readings of these logs."""

    requests: tuple[LoggedRequest, ...] = ()
    readings: tuple[LogReading, ...] = ()
    changes: tuple[RecordedChange, ...] = ()

    def of(self, line: str, profile: str) -> ServiceLogs:
        """Return the requests of a line and profile, and the readings of the line's log."""
        own = (one for one in self.requests if (one.line, one.profile) == (line, profile))
        readings = tuple(one for one in self.readings if one.is_of(line))
        return msgspec.structs.replace(self, requests=tuple(own), readings=readings)
