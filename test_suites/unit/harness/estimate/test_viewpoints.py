"""Viewpoints: a difference must be bounded on both sides; none seen in few pairs is not enough."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as with_fields

from harness.estimate.item_selection import Selection
from harness.estimate.viewpoints import difference_bounds, viewpoint_difference
from harness.model.metric import Metric
from harness.model.scheme import Threshold
from harness.model.smallest_sample import smallest_for_rate
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
BLOCKED, OPEN = State.BLOCKED, State.ALLOWED


def measured(
    verdict: Make,
    select: Select,
    *pairs: tuple[State | None, State | None],
    threshold: Threshold | None = None,
) -> Metric:
    """The metric of pairs: what came of the page in favour, and of that against."""
    found = []
    for number, states in enumerate(pairs):
        for side, state in zip(("for", "against"), states, strict=True):
            if state is not None:
                one = verdict(f"{side}-{number}", "ALW.NEWS", state, stratum=f"X/viewpoint:{side}")
                found.append(with_fields(one, item=with_fields(one.item, pair_id=f"p{number}")))
    chosen = replace(select(found), line="proxy")
    requirement = chosen.requirement.model_copy(update={"threshold": threshold})
    return viewpoint_difference(replace(chosen, requirement=requirement)).metric


def test_pairs_that_were_handled_alike_show_no_difference(verdict: Make, select: Select) -> None:
    metric = measured(verdict, select, *[(OPEN, OPEN)] * 6, (BLOCKED, BLOCKED))

    assert (metric.value, metric.k, metric.n, metric.lower) == (0.0, 0, 7, 0.0)
    assert metric.upper == pytest.approx(1 - 0.05 ** (1 / 7))


def test_a_difference_in_one_direction_shows_and_a_balanced_one_does_not(
    verdict: Make, select: Select
) -> None:
    one_way = measured(verdict, select, *[(BLOCKED, OPEN)] * 8, *[(OPEN, OPEN)] * 2)
    other = measured(verdict, select, *[(OPEN, BLOCKED)] * 8, *[(OPEN, OPEN)] * 2)
    both = measured(verdict, select, *[(OPEN, BLOCKED)] * 4, *[(BLOCKED, OPEN)] * 4)

    assert (one_way.lower, one_way.upper) == (other.lower, other.upper)
    assert one_way.value == 0.8
    assert (one_way.lower or 0) > 0
    assert (both.value, both.k, both.n, both.lower) == (0.0, 8, 8, 0.0)


def test_undecided_pairs_count_for_neither_side(verdict: Make, select: Select) -> None:
    pairs = [(BLOCKED, OPEN)] * 5 + [(OPEN, State.INSUFFICIENT)] * 4
    metric = measured(verdict, select, *pairs)

    assert (metric.n, metric.indeterminate) == (5, 4)
    assert (metric.value, metric.lower, metric.upper) == (1.0, 0.0, 1.0)


def test_a_page_without_its_other_side_makes_no_pair(verdict: Make, select: Select) -> None:
    metric = measured(verdict, select, *[(OPEN, None)] * 40, (OPEN, State.DOWN))

    assert (metric.n, metric.value, metric.upper) == (0, None, None)
    assert (metric.indeterminate, metric.left_out) == (40, {"down": 1})


@pytest.mark.parametrize(
    ("first", "second", "alike"), [(0, 0, 44), (5, 0, 60), (3, 2, 200), (20, 5, 40)]
)
def test_a_side_is_accused_at_the_level_at_which_the_bound_passes_the_margin(
    verdict: Make, select: Select, first: int, second: int, alike: int
) -> None:
    pairs = [(BLOCKED, OPEN)] * first + [(OPEN, BLOCKED)] * second + [(OPEN, OPEN)] * alike
    for margin in (0.01, 0.05, 0.1, 0.3):
        limit = Threshold(at_most=margin, provenance="proposed", source="test")
        metric = measured(verdict, select, *pairs, threshold=limit)

        assert metric.lower is not None
        assert metric.p_value is not None
        assert (metric.lower > margin) == (metric.p_value <= 0.05)


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_a_difference_at_the_margin_is_seldom_held_for_none(alpha: float) -> None:
    """All pairs that differ on one side, or as many more on both; and those with none conform."""
    margin = 0.1
    for both in (0.0, 0.1):
        shares = [margin + both / 2, both / 2, 1 - margin - both]
        for n in (30, 66, 200):
            drawn = Counter(map(tuple, np.random.default_rng(n).multinomial(n, shares, 3000)))
            passed = accused = 0
            for (first, second, alike), times in drawn.items():
                bounds = difference_bounds(first, second, alike, 0, alpha)
                passed += times * ((bounds.upper or 0) <= margin)
                accused += times * ((bounds.lower or 0) > margin)
            most = alpha + 3 * math.sqrt(alpha * (1 - alpha) / 3000)
            assert passed / 3000 <= most
            assert accused / 3000 <= most
    fewest = smallest_for_rate(1 - margin, alpha) or 0
    assert (difference_bounds(0, 0, fewest, 0, alpha).upper or 1) <= margin
    assert (difference_bounds(0, 0, fewest - 1, 0, alpha).upper or 0) > margin


def test_no_difference_seen_in_a_small_sample_conforms_to_nothing() -> None:
    assert (difference_bounds(0, 0, 20, 0, 0.05).upper or 0) > 0.1
    assert difference_bounds(0, 0, 0, 5, 0.05) == (None, None)
