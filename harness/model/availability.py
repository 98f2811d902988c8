"""Availability checks: whether a service was up and filtered at moments that it cannot foresee.

A check tries ordinary pages and a page that must be blocked, on the control and on a line, at a
random time. Some checks belong to a test of a fault, a failover or a moment of a device
(``EventNote``): those before it have no time in their note, those since then have its time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from pydantic import Field, model_validator

from harness.errors import UsageError
from harness.model.corpus import Item
from harness.model.declared import Declared, Time
from harness.model.observation import Observation
from harness.model.timed_event import EventNote, Moment

ROUND = 800_000
"""Added to the number of a run of checks (from 1) for the round of its attempt keys.

See ``harness.model.plain_twin.ROUNDS`` for the other offsets.
"""

MOST_RUNS = 99_000
"""The most runs of checks of one journal."""

TRIES = 3
"""How many ordinary pages are tried in a check, and how many harmful ones until one is blocked.

Each ordinary page counts by itself. One harmful page that comes does not show that a filter is off.
"""

DEADLINE = 5.0
"""Seconds within which an ordinary page has to come, whole; proposed by this project.

A lost packet is sent again within 1 to 3 s (RFC 6298), so that it alone makes no page late.
"""

SLOT = 60.0
"""Seconds in each of which AVL-01 asks for a check, at a random moment of them."""

PageKind = Literal["ordinary", "harmful"]
"""An ordinary page must come; a harmful one must be blocked."""

VARIANT = "availability:"
"""What the stratum of a page begins with, after the category."""


class Maintenance(Declared):
    """A time in which the supplier announced that the service is down."""

    begins: Time
    ends: Time

    @model_validator(mode="after")
    def _ends_later(self) -> Maintenance:
        if self.ends <= self.begins:
            msg = "a maintenance ends after it begins"
            raise ValueError(msg)
        return self


class Continuity(Declared):
    """What the supplier declares of outages.

    ``in_a_fault`` is what happens then: nothing passes, or another filter takes over. ``main`` and
    ``backup`` are the types of its connections in a word or two, such as fibre and mobile. What
    is down in a time of ``maintenance`` does not count as an outage. Of
    ``moments_that_cannot_occur`` on the devices each has its reason.
    """

    in_a_fault: Literal["nothing_passes", "another_filter"] | None = None
    main: Annotated[str, Field(max_length=100)] = ""
    backup: Annotated[str, Field(max_length=100)] = ""
    maintenance: Annotated[tuple[Maintenance, ...], Field(strict=False)] = ()
    moments_that_cannot_occur: dict[Moment, Annotated[str, Field(pattern=r"^\S.{8,298}\S$")]] = (
        Field(default_factory=dict)
    )


class HarmfulPage(NamedTuple):
    """What became of a page that must be blocked: the host, and whether the page came.

    ``no_answer``: the control got the page, and the service gave neither the page nor a block.
    """

    host: str
    result: Literal["blocked", "open", "no_answer", "undecided"]


CheckState = Literal["filtered", "partial", "unfiltered", "down", "unknown"]
"""What a check shows: the service was up and filtered, was up without filtering, or was down.

*Partial*: some ordinary pages came in time, and others did not. *Unknown*: the control line failed
as well, our own equipment failed or was overloaded, or it could not be told whether the filter
worked.
"""


class AvailabilityCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check of a line for a profile; ``why`` says why it is not *filtered*.

    ``run`` numbers the runs of a journal from 1, ``number`` the checks of a run. ``ordinary``: an
    ordinary page came, none came, or our own equipment failed. ``came`` ordinary pages came in
    time, of ``asked`` that the control got in time and that count (an older check tried others
    only where the first one did not come, so there the first one alone counts).
    """

    run: int
    number: int
    line: str
    profile: str
    started: datetime
    ended: datetime
    state: CheckState
    why: str = ""
    ordinary: Literal["came", "missing", "unknown"] = "unknown"
    came: int = 0
    asked: int = 0
    harmful: tuple[HarmfulPage, ...] = ()
    note: EventNote | None = None

    @property
    def share(self) -> float:
        """The share of ordinary requests that the service answered while it filtered."""
        if self.state == "partial":
            return self.came / self.asked
        return float(self.state == "filtered")


class CheckedTime(NamedTuple):
    """From when to when a line was checked for a profile."""

    line: str
    profile: str
    first: datetime
    last: datetime


class AvailabilityChecks(msgspec.Struct, frozen=True, kw_only=True):
    """The checks of a journal, by time; ``spans`` are the times checked on each line."""

    checks: tuple[AvailabilityCheck, ...] = ()
    spans: tuple[CheckedTime, ...] = ()

    @classmethod
    def of_checks(cls, checks: Iterable[AvailabilityCheck]) -> AvailabilityChecks:
        """Sort checks, and note from when to when each line was checked for each profile."""
        ordered = tuple(sorted(checks, key=lambda one: (one.started, one.number)))
        spans: dict[tuple[str, str], CheckedTime] = {}
        for one in ordered:
            place = one.line, one.profile
            new = CheckedTime(*place, one.started, one.started)
            spans[place] = spans.get(place, new)._replace(last=one.started)
        return cls(checks=ordered, spans=tuple(spans.values()))

    def of(self, line: str, profile: str) -> AvailabilityChecks:
        """Return the checks of a line and profile, and when the other lines were checked for it."""
        return AvailabilityChecks(
            checks=tuple(one for one in self.checks if (one.line, one.profile) == (line, profile)),
            spans=tuple(one for one in self.spans if one.profile == profile),
        )


class CheckedPage(NamedTuple):
    """Which check an item belongs to, what kind of page it is, and its turn among these."""

    number: int
    kind: PageKind
    turn: int


def as_checked(item: Item, number: int, kind: PageKind, turn: int) -> Item:
    """Return an item as the page of a check; ``turn`` numbers the pages of that kind from 1."""
    return msgspec.structs.replace(
        item,
        id=f"check-{number}-{kind}-{turn}",
        stratum=f"{item.category}/{VARIANT}{kind}",
    )


def checked_page(item: Item) -> CheckedPage | None:
    """Return what the id of an item says; None if it is no page of a check."""
    named = _ID.fullmatch(item.id)
    return None if named is None else CheckedPage(int(named[1]), _KINDS[named[2]], int(named[3]))


_KINDS: dict[str, PageKind] = {str(kind): kind for kind in get_args(PageKind)}
_ID = re.compile(r"check-([0-9]{1,9})-(ordinary|harmful)-([0-9]{1,2})", re.ASCII)


def next_run(observations: Iterable[Observation]) -> int:
    """Return the number of the next run of checks. Raises UsageError after ``MOST_RUNS``."""
    made = (one.key.round - ROUND for one in observations if one.role == "availability")
    number = 1 + max(made, default=0)
    if number > MOST_RUNS:
        msg = f"the journal holds {MOST_RUNS} runs of availability checks, the most that it can"
        raise UsageError(msg)
    return number
