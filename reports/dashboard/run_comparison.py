"""What is different between two runs of a service: items, requirements, and our own instrument."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.store.hub.campaign_rows import read_outcomes
from harness.store.hub.item_rows import Change, ChangedItem, Runs, changed_items, count_changes
from harness.store.hub.repository import Reading
from reports.dashboard.campaign_bodies import read_outcome
from reports.dashboard.campaign_reading import STATES, FoundCampaign
from reports.dashboard.item_words import ALLOWED, ALTERED, BLOCKED, DOWN, UNDECIDED, expects
from reports.phrases import RATES
from reports.words import SCHEMES

if TYPE_CHECKING:
    from sqlalchemy import Row

DELIVERED = ALLOWED, ALTERED
SHOWN = 50
"""How many changed items a page shows."""

KEPT, KEPT_FOR = 64, timedelta(minutes=5)
"""How many comparisons are kept in memory, and for how long."""

NOT_KNOWN = "not known"
DIGITS = 12
"""How many digits of a digest are shown."""


class Counted(NamedTuple):
    """How many items went from one state to another.

    ``stopped`` must be blocked and were; ``started`` must be blocked and are now; ``shut`` must be
    open and are blocked now; ``opened`` must be open and are again; ``other`` are all others.
    """

    trials: int = 0
    stopped: int = 0
    started: int = 0
    shut: int = 0
    opened: int = 0
    other: int = 0

    @property
    def changed(self) -> int:
        """How many items changed."""
        return self.stopped + self.started + self.shut + self.opened + self.other


class Condition(NamedTuple):
    """Something that may explain a difference, in both runs; ``is_ours``: our instrument."""

    name: str
    before: str
    after: str
    is_ours: bool

    @property
    def differs(self) -> bool:
        """Whether it changed."""
        return self.before != self.after


class RequirementChange(NamedTuple):
    """A requirement in both runs; a missing one is ``None``. ``points`` is the difference."""

    requirement: str
    title: str
    where: str
    before: Row[Any] | None
    after: Row[Any] | None
    words: tuple[str, str]
    points: str

    @property
    def differs(self) -> bool:
        """Whether the outcome changed."""
        states = [each.state if each is not None else "" for each in (self.before, self.after)]
        return states[0] != states[1]


class Comparison(NamedTuple):
    """Two runs beside each other, without what depends on the viewer."""

    counted: Counted
    changes: tuple[Change, ...]
    items: tuple[ChangedItem, ...]
    requirements: tuple[RequirementChange, ...]


class Comparisons:
    """Makes comparisons, and keeps the last of them. Its methods may be called by several threads.

    A comparison is asked for by two campaigns that the viewer has been shown to see.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], tuple[datetime, Comparison]] = OrderedDict()

    def of(
        self, reading: Reading, before: FoundCampaign, after: FoundCampaign, now: datetime
    ) -> Comparison:
        """Compare two campaigns of one supplier."""
        columns = ("stream", "campaign", "scheme", "journal")
        key = tuple(str(getattr(each.row, name)) for each in (before, after) for name in columns)
        with self._lock:
            kept = self._kept.get(key)
            if kept and now - kept[0] < KEPT_FOR:
                return kept[1]
        made = _compared(reading, before, after)
        with self._lock:
            self._kept[key] = now, made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def _compared(reading: Reading, before: FoundCampaign, after: FoundCampaign) -> Comparison:
    runs = runs_between(before, after)
    changes = tuple(count_changes(reading, runs))
    items = tuple(
        item for _, item in items_after(reading, runs, transitions(changes), (0, 0), SHOWN + 1)
    )
    requirements = tuple(_requirements(reading, before, after))
    return Comparison(_counted(after, changes), changes, items, requirements)


def runs_between(before: FoundCampaign, after: FoundCampaign) -> Runs:
    """The two campaigns as their items are looked up."""
    return Runs(after.row.stream, before.row.campaign, after.row.campaign)


def _counted(after: FoundCampaign, changes: tuple[Change, ...]) -> Counted:
    counts = Counted(trials=sum(each.trials for each in changes))._asdict()
    for each in changes:
        if each.before != each.after:
            counts[_kind(each, expects(after.body, each.category, each.profile))] += each.items
    return Counted(**counts)


def _kind(change: Change, policy: str) -> str:
    """What a change means by the policy: the name of a field of ``Counted``."""
    opens = change.before == BLOCKED and change.after in DELIVERED
    shuts = change.before in DELIVERED and change.after == BLOCKED
    if policy == "allow":
        return "opened" if opens else "shut" if shuts else "other"
    if opens:
        return "stopped"
    return "started" if shuts and policy == "block" else "other"


TRANSITIONS = (
    (BLOCKED, ALLOWED), (BLOCKED, ALTERED), (ALLOWED, BLOCKED), (ALTERED, BLOCKED),
    *((before, after) for before in (BLOCKED, ALLOWED, ALTERED) for after in (UNDECIDED, DOWN)),
    *((before, after) for before in (UNDECIDED, DOWN) for after in (ALLOWED, ALTERED, BLOCKED)),
    (ALLOWED, ALTERED), (ALTERED, ALLOWED), (UNDECIDED, DOWN), (DOWN, UNDECIDED),
)  # fmt: skip
"""Every change of a state, in the order in which changed items are listed."""


def transitions(changes: tuple[Change, ...]) -> tuple[tuple[str, str], ...]:
    """The changes of state that happened, in the order in which they are listed."""
    found = {(each.before, each.after) for each in changes}
    return tuple(each for each in TRANSITIONS if each in found)


def items_after(
    reading: Reading,
    runs: Runs,
    happened: tuple[tuple[str, str], ...],
    place: tuple[int, int],
    limit: int,
) -> Iterator[tuple[int, ChangedItem]]:
    """The next changed items after a place: that of a change of state, and a number."""
    at, number = place
    for index, states in enumerate(happened[at:], at):
        if limit <= 0:
            return
        found = changed_items(reading, runs, states, number, limit)
        yield from ((index, item) for item in found)
        limit -= len(found)
        number = 0


def _requirements(
    reading: Reading, before: FoundCampaign, after: FoundCampaign
) -> Iterator[RequirementChange]:
    """The requirements that either run decided; those whose outcome changed first."""
    sides = [
        {
            (row.requirement, row.profile, row.line): row
            for row in read_outcomes(reading, each.outcomes)
            if row.is_binding or row.value is not None
        }
        for each in (before, after)
    ]
    rows = [
        _requirement(name, sides[0].get(name), sides[1].get(name))
        for name in dict.fromkeys((*sides[1], *sides[0]))
    ]
    yield from sorted(rows, key=lambda each: (not each.differs, _rank(each.after)))


def _rank(row: Row[Any] | None) -> int:
    return STATES.index(row.state) if row is not None and row.state in STATES else len(STATES)


def _requirement(
    name: tuple[str, str, str], before: Row[Any] | None, after: Row[Any] | None
) -> RequirementChange:
    bodies = [read_outcome(each.body) if each is not None else None for each in (before, after)]
    body = bodies[1] or bodies[0]
    points = ""
    if before is not None and after is not None and None not in (before.value, after.value):
        difference = after.value - before.value
        if body is not None and body.unit in RATES:
            points = f"{difference * 100:+z.1f}".replace("-", "\N{MINUS SIGN}")
            points = "0.0" if points == "+0.0" else points
    return RequirementChange(
        requirement=name[0],
        title=body.title if body else "",
        where=f"{name[1]} on {name[2]}",
        before=before,
        after=after,
        words=(_measured(bodies[0]), _measured(bodies[1])),
        points=points,
    )


def _measured(body: Any) -> str:
    return str(body.measured) if body is not None else "\N{EN DASH}"


def conditions(before: FoundCampaign, after: FoundCampaign) -> tuple[Condition, ...]:
    """What both runs were made with; those that differ first."""
    sides = [_conditions(before), _conditions(after)]
    names = dict.fromkeys((*sides[0], *sides[1]))
    found = [
        Condition(
            name=name,
            before=sides[0].get(name, (NOT_KNOWN, True))[0],
            after=sides[1].get(name, (NOT_KNOWN, True))[0],
            is_ours=sides[0].get(name, sides[1].get(name, ("", True)))[1],
        )
        for name in names
    ]
    return tuple(sorted(found, key=lambda each: not each.differs))


def _conditions(found: FoundCampaign) -> dict[str, tuple[str, bool]]:
    """What a run was made with, by name: in words, and whether it is a part of our instrument."""
    row, body = found.row, found.body
    scheme = SCHEMES.get(row.scheme, row.scheme)
    named: dict[str, tuple[str, bool]] = {"Site": (row.site or "not named", False)}
    if body is None:
        return named | {"Scheme": (scheme, True)}
    named["Scheme"] = f"{scheme} {body.scheme_version}", True
    named["Rules"] = body.rules, True
    named["Our software"] = body.program or NOT_KNOWN, True
    for each in body.corpora:
        name, _, rest = each.partition(" ")
        edition, _, digest = rest.partition(" ")
        named[f"Corpus {name}"] = (
            f"{edition} {digest.removeprefix('sha256:')[:DIGITS]}".strip(),
            True,
        )
    for table in body.records[:1]:
        named |= {
            f"Instrument: {row[0]}": (row[1], True) for row in table.rows if row[0] in COMPARED
        }
    named["Lines"] = ", ".join(sorted(each.name for each in body.lines)), False
    return named


COMPARED = frozenset({"TLS library", "control asks", "kernel"})
"""What of the instrument's record is compared beside the program itself."""
