"""Each group must hold by itself: what a pass and a failure need, and which group is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import special

from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import rate
from harness.model.metric import Metric
from harness.model.scheme import Requirement
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.assess.test_outcomes import requirement
from test_suites.unit.harness.estimate.selected_outcome import spread

NINETY = requirement(at_least=0.9)
MINUTE = requirement("survival", at_most=60).model_copy(
    update={"measure": NINETY.measure.model_copy(update={"metric": "list_update_delay"})}
)


def worst(wanted: Requirement, *groups: Group) -> Metric:
    selection = Selection(requirement=wanted, results=(), alpha=0.05, verdict_counts=MemoryFold(()))
    return worst_of_groups(selection, groups)


def shares(*counts: tuple[int, int]) -> list[Group]:
    """Groups named by their place, of so many right of so many."""

    def group(place: int, k: int, n: int) -> Group:
        return Group(label=str(place), measure=lambda at: rate(at, "block_rate", spread(k, n)))

    return [group(place, *each) for place, each in enumerate(counts)]


def test_a_pass_needs_each_at_alpha_and_a_failure_one_at_alpha_by_their_number() -> None:
    found = worst(NINETY, *shares((300, 300), (85, 100), (299, 300)))

    assert (found.k, found.n) == (85, 100)
    assert found.lower == clopper_pearson(85, 100, 0.05).lower
    assert found.upper == clopper_pearson(85, 100, 0.05 / 3).upper
    assert found.p_value == pytest.approx(3 * float(special.bdtr(85, 100, 0.9)))
    assert "worst of 3 groups: 1; " in found.method


def test_a_group_that_was_not_tried_is_no_test_and_forbids_a_pass() -> None:
    found = worst(NINETY, *shares((300, 300), (0, 0), (85, 100)))

    assert found.p_value == pytest.approx(2 * float(special.bdtr(85, 100, 0.9)))
    assert found.lower is None
    assert [part.metric.n for part in found.parts] == [300, 0, 100]


def test_a_group_that_surely_misses_is_shown_before_a_small_one_that_looks_worse() -> None:
    found = worst(NINETY, *shares((0, 1), (150, 300)))

    assert (found.k, found.n) == (150, 300)
    assert found.upper == clopper_pearson(150, 300, 0.025).upper


def test_groups_that_all_meet_the_mark_are_compared_by_their_bounds() -> None:
    found = worst(NINETY, *shares((950, 1000), (30, 30)))

    assert (found.k, found.n) == (30, 30)
    assert found.lower == clopper_pearson(30, 30, 0.05).lower


def seconds(value: float | None, upper: float | None, lower: float = 0.0) -> Metric:
    share = rate(
        Selection(requirement=MINUTE, results=(), alpha=0.05, verdict_counts=MemoryFold(())),
        "list_update_delay", spread(10, 10), is_least=False,
    )  # fmt: skip
    return replace(share, unit="s", value=value, lower=lower, upper=upper, p_value=0.4)


def test_a_group_with_its_own_limit_counts_in_proportion_to_it() -> None:
    found = worst(
        MINUTE,
        Group(label="quick", measure=lambda _: seconds(40.0, 50.0)),
        Group(label="slow", measure=lambda _: seconds(90.0, 110.0), limit=120.0),
    )

    assert (found.value, found.upper) == (45.0, 55.0)
    assert found.method.endswith("in proportion to its own limit of 2 min")
    assert found.parts[1].metric.upper == 110.0
    assert found.p_value == 0.8


def test_a_quantile_that_was_never_reached_is_worse_than_any_time() -> None:
    found = worst(
        MINUTE,
        Group(label="late", measure=lambda _: seconds(400.0, 500.0)),
        Group(label="never", measure=lambda _: seconds(None, None)),
    )

    assert (found.value, found.upper) == (None, None)
