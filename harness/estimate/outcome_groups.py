"""Sorts fates: the unit of counting is the item, not the trial.

An item counts as blocked only if every probe and every round found it blocked, and as missed
if any of them got through: a pupil needs only one way in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from harness.model.corpus import frame_of
from harness.model.outcome_group import Adverse, Counts, Fate, Sight, Unseen
from harness.model.verdict import Mechanism, State

End = Literal["adverse", "favourable", "indeterminate", "down", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """How the items of one fate fared for one profile: what each probe found, in order."""

    fate: Fate
    profile: str
    sights: tuple[Sight, ...]

    @property
    def items(self) -> int:
        """How many items they are."""
        return self.fate.items

    @property
    def category(self) -> str:
        """The primary taxonomy code of them all."""
        return self.fate.category

    @property
    def frame(self) -> str:
        """The frame that they were drawn from; empty where items count alike."""
        return frame_of(self.fate.pack)

    def states(self, probes: Collection[str] = ()) -> set[State]:
        """The states that any round found, with the named probes or with all."""
        return {state for one in self.of(probes) for state in one.states}

    def first(self, state: State, probes: Collection[str] = ()) -> Mechanism:
        """By which mechanism they came to that state first. Raises StopIteration if never."""
        return next(one.mechanism for one in self.of(probes) if state in one.states)

    def against(self, state: State, probes: Collection[str] = ()) -> Adverse:
        """Where the verdicts are that found them in a state."""
        found = tuple(one.probe for one in self.of(probes) if one.state is state)
        return Adverse(self.fate.number, self.profile, state, found)

    def of(self, probes: Collection[str]) -> tuple[Sight, ...]:
        """What the named probes saw; all, if none is named."""
        return tuple(one for one in self.sights if not probes or one.probe in probes)


@dataclass(slots=True, kw_only=True)
class Cell:
    """All fates on one line for one profile, the probes that ran there, and what none saw."""

    lots: list[Lot] = field(default_factory=list)
    probes: set[str] = field(default_factory=set)
    unseen: list[Unseen] = field(default_factory=list)

    @property
    def categories(self) -> dict[str, list[Lot]]:
        """The fates by category."""
        found: dict[str, list[Lot]] = {}
        for one in self.lots:
            found.setdefault(one.category, []).append(one)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Fates sorted by an adverse state (what the requirement forbids) and its opposite.

    ``down`` items, those of the ``dead`` fates, were dead on the control line as well: they leave
    the count symmetrically.
    """

    adverse: tuple[Lot, ...]
    favourable: tuple[Lot, ...]
    indeterminate: tuple[Lot, ...]
    dead: tuple[Lot, ...] = ()
    down: int = 0
    mechanisms: dict[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Items that went against the requirement."""
        return total(self.adverse)

    @property
    def right(self) -> int:
        """Items that went as required."""
        return total(self.favourable)

    @property
    def doubtful(self) -> int:
        """Items that were not decided."""
        return total(self.indeterminate)

    @property
    def n(self) -> int:
        """Items that were decided either way."""
        return self.wrong + self.right


def total(lots: Iterable[Lot]) -> int:
    """How many items there are in all."""
    return sum(one.items for one in lots)


def cells_of(counts: Counts) -> dict[tuple[str, str], Cell]:
    """What was counted, by line and profile."""
    cells: dict[tuple[str, str], Cell] = {}
    for line, profile, probe in counts.probes:
        cells.setdefault((line, profile), Cell()).probes.add(probe)
    for fate in counts.fates:
        for profile in dict.fromkeys(one.profile for one in fate.sights):
            sights = tuple(one for one in fate.sights if one.profile == profile)
            lot = Lot(fate=fate, profile=profile, sights=sights)
            cells[fate.line, profile].lots.append(lot)
    for unseen in counts.unseen:
        cells[unseen.line, unseen.profile].unseen.append(unseen)
    return cells


def end_of(states: Collection[State], adverse: State, favourable: State) -> End:
    """What all trials of an item say together; no trial at all says ``none``."""
    if adverse in states:
        return "adverse"
    if State.INSUFFICIENT in states or State.ALTERED in states:
        return "indeterminate"
    if favourable in states:
        return "favourable"
    return "down" if states else "none"


def sort_lots(
    lots: Iterable[Lot], adverse: State, favourable: State, probes: Collection[str] = ()
) -> Sorted:
    """Sort lots: adverse if any trial was, favourable only if no trial was anything else."""
    ends: dict[End, list[Lot]] = {}
    mechanisms: Counter[str] = Counter()
    for one in lots:
        states = one.states(probes)
        if State.BLOCKED in states:
            mechanisms[one.first(State.BLOCKED, probes).value] += one.items
        ends.setdefault(end_of(states, adverse, favourable), []).append(one)
    return Sorted(
        adverse=tuple(ends.get("adverse", ())),
        favourable=tuple(ends.get("favourable", ())),
        indeterminate=tuple(ends.get("indeterminate", ())),
        dead=tuple(ends.get("down", ())),
        down=total(ends.get("down", ())),
        mechanisms=dict(mechanisms.most_common()),
    )
