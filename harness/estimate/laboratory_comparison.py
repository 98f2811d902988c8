"""Two laboratories that measured the same service with the same packs (TQ-07).

Items that both tried are compared one by one (share that differs, Cohen's kappa, exact McNemar
test), and rates over all items of each by their difference, with an interval and the E_n number
(ISO 13528:2022, 9.7; ISO/IEC 17025:2017, 7.7.2). There are three results: *agree*, *disagree* and
*insufficient*. Agreement must be shown: two laboratories that tried few items do not agree.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.estimate.campaign_comparison import MUST_ALLOW, MUST_BLOCK, OVERALL, mcnemar
from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import CONTROL_CATEGORY
from harness.estimate.outcome_groups import combine_states
from harness.estimate.stopping_tests import Trials, trials_by_line_profile
from harness.model.scheme import Policy
from harness.model.verdict import State, Verdict

Result = Literal["agree", "disagree", "insufficient"]

LEVEL = 0.05
"""The level of all rows together at which laboratories are said to disagree."""

DIFFER = 0.05
"""The share of items decided differently that must be excluded (proposed by this project)."""

KAPPA = 0.95
"""The least kappa of verdicts (METHOD TQ-07, proposed by this project)."""

UNDECIDED = 0.02
"""The largest share of common items that either laboratory may leave undecided (as TQ-03)."""

WANTED = {MUST_BLOCK: "block", MUST_ALLOW: "allow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """``k`` of ``n`` decided items that one laboratory found handled as the policy says."""

    k: int
    n: int

    @property
    def value(self) -> float | None:
        """The share; ``None`` without an item."""
        return self.k / self.n if self.n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateDifference:
    """The second rate less the first, with two-sided bounds and the E_n number.

    The bounds combine exact intervals of the rates (MOVER: Zou and Donner, Statistics in Medicine
    27 (2008) 1693-1702). E_n divides the difference by its expanded uncertainty on the side that
    faces zero, so |E_n| > 1 just where the bounds exclude 0.
    """

    value: float
    lower: float
    upper: float
    en: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaboratoryContrast:
    """One group of items on one line for one profile, in both laboratories.

    ``pairs`` items were decided by both, ``undecided`` of the common ones by one at most.
    ``differing`` are the ids of items decided differently. ``share_lower`` and ``share_upper`` are
    one-sided 95 % bounds of their share. ``kappa`` is ``None`` where all verdicts are alike.
    """

    line: str
    profile: str
    group: str
    first: Rate
    second: Rate
    difference: RateDifference | None
    pairs: int
    undecided: int
    differing: tuple[str, ...]
    share_lower: float | None
    share_upper: float | None
    kappa: float | None
    p_value: float
    result: Result
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaboratoryComparison:
    """All rows; ``contradictions`` are outcomes that conform in one and fail in the other."""

    contrasts: tuple[LaboratoryContrast, ...]
    contradictions: tuple[str, ...] = ()

    @property
    def result(self) -> Result:
        """The worst result of all rows; a contradiction is disagreement."""
        found = {each.result for each in self.contrasts}
        if self.contradictions or "disagree" in found:
            return "disagree"
        return "agree" if found == {"agree"} else "insufficient"


@dataclass(frozen=True, slots=True)
class _Tried:
    """An item in one laboratory: the verdict, and whether it is as expected; None if undecided."""

    expectation: str
    is_blocked: bool | None

    @property
    def is_right(self) -> bool | None:
        """Whether the item was handled as the policy says."""
        if self.is_blocked is None:
            return None
        return self.is_blocked == (self.expectation == "block")


_Items = dict[tuple[str, str], _Tried]


@dataclass(frozen=True, slots=True)
class _Row:
    """The items of one group on one line for one profile, in both laboratories."""

    line: str
    profile: str
    group: str
    first: _Items
    second: _Items


def compare_laboratories(
    first: Iterable[Verdict],
    second: Iterable[Verdict],
    policy: Policy,
    phases: Mapping[str, str],
) -> LaboratoryComparison:
    """Compare the verdicts of two laboratories under one policy.

    Items are the same if their id and category are: each laboratory has hosts of its own. A row is
    made for each common line and profile that has items of a group.
    """
    one, other = trials_by_line_profile(first), trials_by_line_profile(second)
    present: list[_Row] = []
    for line, profile in sorted(one.keys() & other.keys()):
        tried = one[line, profile], other[line, profile]
        first_items, second_items = _both(*tried, policy, phases.get(profile, profile))
        for group in (MUST_BLOCK, MUST_ALLOW, OVERALL):
            both = _of_group(first_items, group), _of_group(second_items, group)
            if all(both):
                present.append(_Row(line, profile, group, *both))
    level = LEVEL / max(1, len(present))
    return LaboratoryComparison(contrasts=tuple(_contrast(row, level) for row in present))


def _both(
    first: Sequence[Trials],
    second: Sequence[Trials],
    policy: Policy,
    phase: str,
) -> tuple[_Items, _Items]:
    """Return the items of both, tried with the probes that both used."""
    probes = {name for one in first for name in one.probes}
    probes &= {name for one in second for name in one.probes}
    made = [
        {
            (one.item.id, one.item.category): _Tried(wanted, _is_blocked(one, probes))
            for one in trials
            if one.item.category != CONTROL_CATEGORY
            and (wanted := policy.expects(one.item.category, phase)) in ("block", "allow")
        }
        for trials in (first, second)
    ]
    return made[0], made[1]


def _is_blocked(trials: Trials, probes: set[str]) -> bool | None:
    end = combine_states(trials.states(probes), State.ALLOWED, State.BLOCKED)
    return {"favourable": True, "adverse": False}.get(end)


def _of_group(items: _Items, group: str) -> _Items:
    wanted = WANTED.get(group, "")
    return {key: one for key, one in items.items() if wanted in ("", one.expectation)}


def _contrast(row: _Row, level: float) -> LaboratoryContrast:
    first, second = row.first, row.second
    common = sorted(first.keys() & second.keys())
    decided = [
        (key[0], one, other)
        for key in common
        if (one := first[key].is_blocked) is not None
        and (other := second[key].is_blocked) is not None
    ]
    differing = tuple(item for item, one, other in decided if one != other)
    share = clopper_pearson(len(differing), len(decided), LEVEL)
    rates = _rate(first), _rate(second)
    contrast = LaboratoryContrast(
        line=row.line,
        profile=row.profile,
        group=row.group,
        first=rates[0],
        second=rates[1],
        difference=rate_difference(*rates, level),
        pairs=len(decided),
        undecided=len(common) - len(decided),
        differing=differing,
        share_lower=share.lower,
        share_upper=share.upper,
        kappa=kappa_of([(one, other) for _, one, other in decided]),
        p_value=mcnemar([one for _, one, _ in decided], [other for *_, other in decided]).p_value,
        result="insufficient",
        reasons=(),
    )
    return _decided(contrast, level)


def _rate(items: _Items) -> Rate:
    found = [one.is_right for one in items.values() if one.is_right is not None]
    return Rate(k=sum(found), n=len(found))


def _decided(row: LaboratoryContrast, level: float) -> LaboratoryContrast:
    """Return the row with its result; reasons are given where it is not agreement."""
    if against := _against(row, level):
        return replace(row, result="disagree", reasons=tuple(against))
    doubts = tuple(_doubts(row))
    return replace(row, result="insufficient" if doubts else "agree", reasons=doubts)


def _against(row: LaboratoryContrast, level: float) -> Iterable[str]:
    found: list[str] = []
    if row.p_value <= level:
        found.append(f"{len(row.differing)} of {row.pairs} items differ, more often one way")
    if row.difference is not None and abs(row.difference.en) > 1:
        found.append(f"the rates differ: E_n is {row.difference.en:+.2f}")
    if row.share_lower is not None and row.share_lower > DIFFER:
        found.append(f"more than {DIFFER:.0%} of the items differ ({row.share_lower:.1%} or more)")
    return found


def _doubts(row: LaboratoryContrast) -> Iterable[str]:
    """Yield what keeps a row without a shown difference from agreement."""
    if row.share_upper is None or row.share_upper > DIFFER:
        upper = "any share" if row.share_upper is None else f"{row.share_upper:.1%}"
        yield (
            f"{row.pairs} common items were decided, of which up to {upper} may differ; at most "
            f"{DIFFER:.0%} may (59 items without a difference show it)"
        )
    tried = row.pairs + row.undecided
    if tried and row.undecided / tried > UNDECIDED:
        undecided = f"{row.undecided} of {tried} common items are undecided"
        yield f"{undecided}; at most {UNDECIDED:.0%} may be"
    if row.group == OVERALL and row.kappa is not None and row.kappa < KAPPA:
        yield f"kappa is {row.kappa:.3f}; at least {KAPPA:g} is required"


def rate_difference(first: Rate, second: Rate, level: float) -> RateDifference | None:
    """Return the difference of two rates at a two-sided ``level``; None if one has no item."""
    one, other = first.value, second.value
    if one is None or other is None:
        return None
    a, b = (clopper_pearson(rate.k, rate.n, level / 2) for rate in (first, second))
    below = math.hypot(other - (b.lower or 0.0), _upper(a.upper) - one)
    above = math.hypot(_upper(b.upper) - other, one - (a.lower or 0.0))
    value = other - one
    facing = below if value > 0 else above
    en = value / facing if facing else 0.0
    return RateDifference(value=value, lower=value - below, upper=value + above, en=en)


def _upper(bound: float | None) -> float:
    return 1.0 if bound is None else bound


def kappa_of(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Return Cohen's kappa of two verdicts an item (Educ. Psych. Measurement 20 (1960) 37-46).

    ``None`` without pairs, or if both laboratories gave every item the same verdict.
    """
    n = len(pairs)
    counts = Counter(pairs)
    first = sum(one for one, _ in pairs)
    second = sum(other for _, other in pairs)
    chance = (first * second + (n - first) * (n - second)) / (n * n) if n else 1.0
    if chance == 1:
        return None
    observed = (counts[True, True] + counts[False, False]) / n
    return (observed - chance) / (1 - chance)
