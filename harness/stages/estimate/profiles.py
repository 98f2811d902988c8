"""Metrics of several profiles side by side on one line: whether each has a policy of its own.

A difference counts only where the declared policy asks for it, and only in its direction: a
lucky miss for one age group shows nothing. A group that nobody tried is undecided, not missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from harness.model.campaign import PHASES
from harness.model.metric import Metric
from harness.model.verdict import State, Verdict
from harness.stages.estimate.fold import Folded, Sorted
from harness.stages.estimate.rates import Taken, count
from harness.stages.estimate.scope import Selection, Side

SHOWN = 5
"""The least items that show two policies to be different, or to be the same."""

BANDS = (("ks1", "ks2"), ("ks3",), ("ks4", "post16"), ("staff",))
"""The age bands of METHOD POL-02."""

PUPILS_AND_STAFF = (PHASES[:-1], PHASES[-1:])


def superset_violations(selection: Selection) -> Taken:
    """Items that a stricter profile lets through and a weaker one blocks, on the same line.

    Of two profiles the one of the younger phase is the stricter. Counted for both of them.
    """
    own = [side for side in selection.sides() if side.profile == selection.profile]
    wrong: dict[str, Verdict] = {}
    right: dict[str, Folded] = {}
    doubtful: dict[str, Folded] = {}
    for strict, weak in _ordered(own, selection.sides()):
        others = {entry.item.id: _is_blocked(entry) for entry in weak.items}
        for entry in strict.items:
            name = entry.item.id
            blocked, beside = _is_blocked(entry), others.get(name)
            if name not in others:
                continue
            if blocked is None or beside is None:
                doubtful[name] = entry
            elif beside and not blocked:
                wrong[name] = entry.first(State.ALLOWED)
            else:
                right[name] = entry
    found = Sorted(
        adverse=tuple(wrong.values()),
        favourable=tuple(e.item for n, e in right.items() if n not in wrong),
        indeterminate=tuple(e.item for n, e in doubtful.items() if n not in {*wrong, *right}),
        down=0,
        mechanisms={},
    )
    return count("superset_violations", found, selection.alpha)


def profiles_missing(selection: Selection) -> Taken:
    """Of pupils and staff, those whose policy is the other's."""
    return _missing("profiles_missing", selection, PUPILS_AND_STAFF)


def age_bands_missing(selection: Selection) -> Taken:
    """Of the four age bands, those whose policy is that of another band."""
    return _missing("age_bands_missing", selection, BANDS)


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
        others = {entry.item.id: _is_blocked(entry) for entry in second.items}
        for entry in first.items:
            wanted = first.expects(entry.item.category), second.expects(entry.item.category)
            if set(wanted) != {"block", "allow"}:
                continue
            got = _is_blocked(entry), others.get(entry.item.id)
            as_declared += got == (wanted[0] == "block", wanted[1] == "block")
            alike += None not in got and got[0] == got[1]
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


def _is_blocked(entry: Folded) -> bool | None:
    """Whether every trial was blocked, or one got through; ``None`` if neither is known."""
    states = entry.states()
    if State.ALLOWED in states:
        return False
    return True if states == {State.BLOCKED} else None
