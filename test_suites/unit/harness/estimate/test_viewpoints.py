"""Viewpoints: pairs that were handled differently tell the direction, all others nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec.structs import replace as with_fields

from harness.estimate.item_selection import Selection
from harness.estimate.viewpoints import least_difference, viewpoint_difference
from harness.model.metric import Metric
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
BLOCKED, OPEN = State.BLOCKED, State.ALLOWED


def measured(verdict: Make, select: Select, *pairs: tuple[State | None, State | None]) -> Metric:
    """The metric of pairs: what came of the page in favour, and of that against."""
    found = []
    for number, states in enumerate(pairs):
        for side, state in zip(("for", "against"), states, strict=True):
            if state is not None:
                one = verdict(f"{side}-{number}", "ALW.NEWS", state, stratum=f"X/viewpoint:{side}")
                found.append(with_fields(one, item=with_fields(one.item, pair_id=f"p{number}")))
    return viewpoint_difference(replace(select(found), line="proxy")).metric


def test_pairs_that_were_handled_alike_show_no_difference(verdict: Make, select: Select) -> None:
    metric = measured(verdict, select, *[(OPEN, OPEN)] * 6, (BLOCKED, BLOCKED))

    assert (metric.value, metric.k, metric.n, metric.upper) == (0.0, 0, 7, 0.0)


def test_a_difference_in_one_direction_shows_and_a_balanced_one_does_not(
    verdict: Make, select: Select
) -> None:
    one_way = measured(verdict, select, *[(BLOCKED, OPEN)] * 8, *[(OPEN, OPEN)] * 2)
    other = measured(verdict, select, *[(OPEN, BLOCKED)] * 8, *[(OPEN, OPEN)] * 2)
    both = measured(verdict, select, *[(OPEN, BLOCKED)] * 4, *[(BLOCKED, OPEN)] * 4)

    assert one_way.lower == one_way.value == other.value
    assert (one_way.value or 0) > 0
    assert (both.value, both.k, both.n) == (0.0, 8, 8)


def test_undecided_pairs_count_for_neither_side(verdict: Make, select: Select) -> None:
    pairs = [(BLOCKED, OPEN)] * 5 + [(OPEN, State.INSUFFICIENT)] * 4
    metric = measured(verdict, select, *pairs)

    assert (metric.n, metric.indeterminate) == (5, 4)
    assert (metric.value, metric.lower) == (0.0, 0.0)
    assert (metric.upper or 0) > 0


def test_a_page_without_its_other_side_makes_no_pair(verdict: Make, select: Select) -> None:
    metric = measured(verdict, select, *[(OPEN, None)] * 40, (OPEN, State.DOWN))

    assert (metric.n, metric.value, metric.upper) == (0, None, None)
    assert (metric.indeterminate, metric.left_out) == (40, {"down": 1})


@pytest.mark.parametrize(
    ("most", "least", "contains_zero"), [(5, 0, True), (6, 0, False), (8, 1, False), (8, 2, True)]
)
def test_the_interval_is_that_of_mcnemar_s_exact_test(
    most: int, least: int, *, contains_zero: bool
) -> None:
    """The two-sided p-values are 0.0625, 0.03125, 0.0391 and 0.1094 (binomial, 1/2)."""
    assert (least_difference(most, least, 20) == 0) is contains_zero
