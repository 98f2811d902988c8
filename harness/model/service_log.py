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

MOST_TURNS = 99_000
"""The most sendings, and the most readings, of one journal."""

Numbered = Literal["logged", "log", "speed"]
"""Roles of observations that are numbered in a journal."""

TURNS: dict[Numbered, str] = {
    "logged": "sendings of log requests",
    "log": "readings of logs",
    "speed": "measurements of speed",
}
"""What is numbered in a journal, by the role of its observations."""

LOG_LINE = "log"
"""The line of observations of what a log holds; no line of a campaign has this name."""

Text = Annotated[str, Field(min_length=1, max_length=200)]


class RecordKeeping(Declared):
    """What the supplier declares of the service's log.

    ``users`` are the names that the log shows for a profile, ``computers`` the addresses or names
    that it shows for a line. With ``who: address`` the service knows no names, and the address
    stands for the person. ``keeps_days`` is how long entries are kept. ``delivers_later``: what
    happens without a connection is recorded and delivered later.
    """

    who: Literal["name", "address"] = "name"
    users: dict[str, Text] = Field(default_factory=dict)
    computers: dict[str, Text] = Field(default_factory=dict)
    keeps_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    delivers_later: bool | None = None


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request that the log has to show, and what it shows of it.

    ``state`` is what the service did, ``why`` why that is not known. ``sending`` numbers the
    command that made it. ``size`` is the length of the page that came, in bytes. ``tries`` counts
    the attempts, with those that failed at our own equipment. ``entries`` are those of all readings
    without repetition; ``seen_at`` is when the first reading with one of them began, ``missed_at``
    the last reading before it, if there was one.
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
    entries: tuple[LogEntry, ...] = ()
    seen_at: datetime | None = None
    missed_at: datetime | None = None


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
    ``at``.
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

    def is_of(self, line: str) -> bool:
        """Whether it is the log of a line of the campaign."""
        return not self.covers or line in self.covers


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
