"""Difference between viewpoints: matched pairs of pages of which one may be blocked alone.

Pages of one ``pair_id`` are a pair. Only pairs with one page of each viewpoint count. That no
difference was seen shows nothing; conformity needs bounds of it within a margin on both sides (two
one-sided tests: Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from harness.estimate.intervals import Bounds, Rates, lower_bound, p_above, upper_bound
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import variant_of
from harness.model.metric import Metric
from harness.model.outcome_group import DomainComposition
from harness.model.url_case import VIEWPOINTS
from harness.model.verdict import State

PairResult = Literal["alike", "first", "second", "undecided", "down"]
"""What came of a pair: both pages alike, the first or the second viewpoint blocked alone.

A pair is undecided if one of its pages is, or was not tried; it is down if one did not arrive on
the control line.
"""


def viewpoint_difference(selection: Selection) -> MeasuredMetric:
    """Compute how much more often one viewpoint is blocked than the other, as a share of the pairs.

    The upper bound holds for either side at level alpha, and takes every undecided pair as blocked
    on that side alone; the lower one at half of alpha for each, and on the other side.
    """
    found = Counter[PairResult]()
    results = {each.group.number: each for each in selection.results}
    pairs = selection.verdict_counts.counts.pairs.get(selection.line, ())
    for composition, number in pairs:
        found[_pair_result(composition, results)] += number
    n = found["alike"] + found["first"] + found["second"]
    first, second = found["first"], found["second"]
    doubtful, down = found["undecided"], found["down"]
    bounds = difference_bounds(first, second, found["alike"], doubtful, selection.alpha)
    metric = Metric(
        name="viewpoint_difference",
        unit="share",
        value=abs(first - second) / n if n else None,
        k=first + second,
        n=n,
        indeterminate=doubtful,
        lower=bounds.lower,
        upper=bounds.upper,
        method="difference of matched pairs, bounds by Gaffke on both sides",
        alpha=selection.alpha,
        p_value=_p_value(selection, first, second, found["alike"], doubtful) if n else None,
        left_out={"down": down} if down else {},
    )
    adverse = tuple(
        each.as_adverse(State.BLOCKED, selection.measure.probes)
        for each in selection.results
        if variant_of(each.group.stratum) in VIEWPOINTS and each.states() == {State.BLOCKED}
    )
    return MeasuredMetric(metric=metric, adverse=adverse if first or second else ())


def difference_bounds(first: int, second: int, alike: int, doubtful: int, alpha: float) -> Bounds:
    """Return bounds of the absolute difference of two block rates, from matched pairs.

    A pair counts 1 if the one side alone was blocked, 0 if the other was and a half otherwise; the
    difference is twice the mean, less 1. Pairs that are all alike give the bound of "none of n".
    """
    if not first + second + alike:
        return Bounds(None, None)
    sides = [(first, second), (second, first)]
    most = max(
        2 * upper_bound(_scores(more + doubtful, less, alike), alpha) - 1 for more, less in sides
    )
    least = max(
        2 * lower_bound(_scores(more, less + doubtful, alike), alpha / 2) - 1
        for more, less in sides
    )
    return Bounds(max(0.0, least), most)


def _scores(more: int, less: int, alike: int) -> Rates:
    return {1.0: more, 0.5: alike, 0.0: less}


def _p_value(
    selection: Selection, first: int, second: int, alike: int, doubtful: int
) -> float | None:
    """The smallest level at which the lower bound exceeds the margin; ``None`` without one."""
    margin = selection.at_most
    if margin is None:
        return None
    sides = [(first, second), (second, first)]
    mark = (1 + margin) / 2
    least = min(p_above(_scores(more, less + doubtful, alike), mark) for more, less in sides)
    return min(1.0, 2 * least)


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
