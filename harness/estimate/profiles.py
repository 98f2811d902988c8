"""Metrics of several profiles side by side on one line: whether each has a policy of its own.

A difference counts only where the declared policy asks for it, and only in its direction: a
lucky miss for one age group shows nothing. A group that nobody tried is undecided, not missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

from harness.estimate.item_selection import Selection, Side, Sources
from harness.estimate.outcome_groups import Cell, Lot, Sorted, cells_of
from harness.estimate.rates import Taken, count
from harness.model.campaign import AGE_BANDS, PHASES, PUPILS_AND_STAFF
from harness.model.instrument_record import InstrumentRecord
from harness.model.metric import Metric
from harness.model.outcome import Precondition
from harness.model.outcome_group import Adverse
from harness.model.plain_twin import TwinPair
from harness.model.probe import EARLIER, Declarations
from harness.model.verdict import State
from harness.ports.judging import CountedVerdicts


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a profile, with what was folded there; ``beside`` are all of its line."""

    line: str
    profile: str
    phase: str
    cell: Cell
    folded: CountedVerdicts
    preconditions: tuple[Precondition, ...]
    sources: Sources
    twins: tuple[TwinPair, ...]
    beside: list[Place]
    instrument: tuple[InstrumentRecord, ...] = ()
    probes: Declarations = field(default_factory=dict)


def places_of(
    folded: CountedVerdicts,
    phases: Mapping[str, str],
    preconditions: tuple[Precondition, ...],
    sources: Sources,
    twins: tuple[TwinPair, ...],
    instrument: tuple[InstrumentRecord, ...] = (),
    probes: Declarations = EARLIER,
) -> list[Place]:
    """Every line for every profile, even where nothing was seen; ``phases`` by profile."""
    cells = cells_of(folded.counts)
    places: list[Place] = []
    for line in sorted({line for line, _ in cells}) or ["none"]:
        beside: list[Place] = []
        for profile in sorted({profile for _, profile in cells} | set(phases)):
            cell, phase = cells.get((line, profile), Cell()), phases.get(profile, profile)
            here = tuple(one for one in preconditions if one.concerns(line, profile))
            own = tuple(one for one in twins if (one.line, one.profile) == (line, profile))
            place = Place(
                line, profile, phase, cell, folded, here, sources, own, beside, instrument, probes
            )
            beside.append(place)
        places += beside
    return places


SHOWN = 5
"""The least items that show two policies to be different, or to be the same."""


def superset_violations(selection: Selection) -> Taken:
    """Items that a stricter profile lets through and a weaker one blocks, on the same line.

    Of two profiles the one of the younger phase is the stricter. Counted for both of them.
    """
    own = [side for side in selection.sides() if side.profile == selection.profile]
    wrong: dict[int, tuple[Lot, Adverse]] = {}
    right: dict[int, Lot] = {}
    doubtful: dict[int, Lot] = {}
    for strict, weak in _ordered(own, selection.sides()):
        others = {lot.fate.number: _is_blocked(lot) for lot in weak.lots}
        for lot in strict.lots:
            name = lot.fate.number
            blocked, beside = _is_blocked(lot), others.get(name)
            if name not in others:
                continue
            if blocked is None or beside is None:
                doubtful[name] = lot
            elif beside and not blocked:
                wrong[name] = (lot, lot.against(State.ALLOWED))
            else:
                right[name] = lot
    found = Sorted(
        adverse=tuple(lot for lot, _ in wrong.values()),
        favourable=tuple(lot for name, lot in right.items() if name not in wrong),
        indeterminate=tuple(lot for name, lot in doubtful.items() if name not in {*wrong, *right}),
    )
    taken = count("superset_violations", found, selection.alpha)
    return replace(taken, adverse=tuple(adverse for _, adverse in wrong.values()))


def profiles_missing(selection: Selection) -> Taken:
    """Of pupils and staff, those whose policy is the other's."""
    return _missing("profiles_missing", selection, PUPILS_AND_STAFF)


def age_bands_missing(selection: Selection) -> Taken:
    """Of the four age bands, those whose policy is that of another band."""
    return _missing("age_bands_missing", selection, AGE_BANDS)


def _missing(name: str, selection: Selection, bands: tuple[tuple[str, ...], ...]) -> Taken:
    sides = selection.sides()
    members = [[side for side in sides if side.phase in band] for band in bands]
    seen: list[list[bool | None]] = [[] for _ in bands]
    for one, other in combinations(range(len(bands)), 2):
        differ = _differ(members[one], members[other])
        seen[one].append(differ)
        seen[other].append(differ)
    wrong = sum(False in each for each in seen)
    right = sum(all(each) for each in seen)
    n, open_ = wrong + right, len(bands) - wrong - right
    metric = Metric(
        name=name,
        unit="items",
        value=float(wrong) if n else None,
        k=wrong,
        n=n,
        indeterminate=open_,
        lower=float(wrong) if n else None,
        upper=float(wrong + open_) if n else None,
        method="policies compared pair by pair, where the declared ones differ",
        alpha=selection.alpha,
    )
    return Taken(metric=metric)


def _differ(one: list[Side], other: list[Side]) -> bool | None:
    """Whether the policies of two bands differ as declared; ``None`` if that is not shown."""
    as_declared = alike = 0
    for first, second in ((a, b) for a in one for b in other):
        others = {lot.fate.number: _is_blocked(lot) for lot in second.lots}
        for lot in first.lots:
            wanted = first.expects(lot.category), second.expects(lot.category)
            if set(wanted) != {"block", "allow"}:
                continue
            got = _is_blocked(lot), others.get(lot.fate.number)
            as_declared += lot.items * (got == (wanted[0] == "block", wanted[1] == "block"))
            alike += lot.items * (None not in got and got[0] == got[1])
    if as_declared >= SHOWN:
        return True
    return False if alike >= SHOWN and not as_declared else None


def _ordered(own: list[Side], sides: tuple[Side, ...]) -> Iterator[tuple[Side, Side]]:
    """The pairs of a profile with each other one, the stricter first."""
    for one in own:
        for other in sides:
            ranks = PHASES.index(one.phase), PHASES.index(other.phase)
            if ranks[0] != ranks[1]:
                yield (one, other) if ranks[0] < ranks[1] else (other, one)


def _is_blocked(lot: Lot) -> bool | None:
    """Whether every trial was blocked, or one got through; ``None`` if neither is known."""
    states = lot.states()
    if State.ALLOWED in states:
        return False
    return True if states == {State.BLOCKED} else None
