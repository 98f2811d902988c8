"""Difference between viewpoints: matched pairs of pages of which one was blocked (McNemar).

Pages of one ``pair_id`` are a pair. Only pairs with one page of each viewpoint count, and only the
pairs whose pages were handled differently tell the direction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from scipy import special

from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import variant_of
from harness.model.metric import Metric
from harness.model.outcome_group import DomainComposition
from harness.model.url_case import VIEWPOINTS
from harness.model.verdict import State

LEVEL = 0.95
"""The level of the two-sided interval, which the requirement states."""

PairResult = Literal["alike", "first", "second", "undecided", "down"]
"""What came of a pair: both pages alike, the first or the second viewpoint blocked alone.

A pair is undecided if one of its pages is, or was not tried; it is down if one did not arrive on
the control line.
"""


def viewpoint_difference(selection: Selection) -> MeasuredMetric:
    """Compute the least difference of the block rates that fits the pairs, as a share.

    It is 0 if the two-sided 95 % interval contains 0. The upper bound takes every undecided pair
    as blocked on the side that is blocked more often, the lower one as blocked on the other.
    """
    found = Counter[PairResult]()
    results = {each.group.number: each for each in selection.results}
    pairs = selection.verdict_counts.counts.pairs.get(selection.line, ())
    for composition, number in pairs:
        found[_pair_result(composition, results)] += number
    n = found["alike"] + found["first"] + found["second"]
    first, second = found["first"], found["second"]
    most, least = max(first, second), min(first, second)
    doubtful, down = found["undecided"], found["down"]
    total = n + doubtful
    metric = Metric(
        name="viewpoint_difference",
        unit="share",
        value=least_difference(most, least, n) if n else None,
        k=first + second,
        n=n,
        indeterminate=doubtful,
        lower=least_difference(most, least + doubtful, total) if n else None,
        upper=least_difference(most + doubtful, least, total) if n else None,
        method="exact McNemar test of matched pairs, two-sided 95 % interval",
        alpha=selection.alpha,
        p_value=p_of_difference(most, least + doubtful) if n else None,
        left_out={"down": down} if down else {},
    )
    adverse = tuple(
        each.as_adverse(State.BLOCKED, selection.measure.probes)
        for each in selection.results
        if variant_of(each.group.stratum) in VIEWPOINTS and each.states() == {State.BLOCKED}
    )
    return MeasuredMetric(metric=metric, adverse=adverse if first or second else ())


def least_difference(most: int, least: int, pairs: int) -> float:
    """Return how far the interval of the difference is from 0, in favour of the side of ``most``.

    ``most`` and ``least`` are the pairs in which one side alone was blocked. The interval is the
    exact one of the share of ``most`` among them (Clopper and Pearson, at two-sided ``LEVEL``).
    """
    differing = most + least
    if not differing or not pairs:
        return 0.0
    share = clopper_pearson(most, differing, (1 - LEVEL) / 2).lower or 0.0
    return max(0.0, (2 * share - 1) * differing / pairs)


def p_of_difference(most: int, least: int) -> float:
    """Return the p-value of "neither side is blocked more often" (McNemar, exact, two-sided)."""
    return min(1.0, 2 * float(special.bdtrc(most - 1, most + least, 0.5))) if most else 1.0


def _pair_result(composition: DomainComposition, results: dict[int, GroupResult]) -> PairResult:
    members = list(_members(composition, results))
    sides = dict(members)
    if len(members) != len(VIEWPOINTS) or sides.keys() != VIEWPOINTS.keys():
        return "undecided"
    each = [sides[side] for side in VIEWPOINTS]
    if any(State.DOWN in states for states in each):
        return "down"
    if any(len(states) != 1 or not states <= {State.ALLOWED, State.BLOCKED} for states in each):
        return "undecided"
    is_first, is_second = (State.BLOCKED in states for states in each)
    if is_first == is_second:
        return "alike"
    return "first" if is_first else "second"


def _members(
    composition: DomainComposition, results: dict[int, GroupResult]
) -> Iterator[tuple[str, set[State]]]:
    """Yield the viewpoint and the states of each page of a pair that was counted."""
    for group, items in composition:
        if group in results:
            side = variant_of(results[group].group.stratum)
            for _ in range(items):
                yield side, results[group].states()
