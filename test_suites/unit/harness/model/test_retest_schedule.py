"""The levels of a plan's re-tests add up to alpha, and the sizes are what the binomial law asks."""

from __future__ import annotations

import pytest

from harness.estimate.planning import decision_limits, items_for_power, power_at
from harness.model.retest_schedule import (
    MOST,
    POWER,
    SampleRule,
    allowed_misses,
    chance_of_passing,
    level_of_try,
    proposed_size,
)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_all_tries_together_spend_at_most_alpha_and_never_run_out(alpha: float) -> None:
    levels = [level_of_try(alpha, number) for number in range(1, 2001)]

    assert alpha * 0.999 < sum(levels) < alpha
    assert sum(levels[:3]) == pytest.approx(alpha * 3 / 4)
    assert levels[0] == alpha / 2
    assert all(levels)


@pytest.mark.parametrize("rate", [0.9, 0.95, 0.98, 0.995])
@pytest.mark.parametrize("number", [1, 2, 10])
def test_a_good_fix_passes_with_the_planned_probability(rate: float, number: int) -> None:
    rule, level = SampleRule(alpha=0.05, rate=rate), level_of_try(0.05, number)
    one, nine = proposed_size(rule, number), proposed_size(rule, number, 9)

    assert one == items_for_power(rate, rule.good, POWER, level)
    assert one is not None
    assert nine is not None
    assert chance_of_passing(rule, number, one) == pytest.approx(
        power_at(one, rate, rule.good, level), abs=1e-9
    )
    assert chance_of_passing(rule, number, nine, 9) >= POWER  # type: ignore[operator]
    assert (chance_of_passing(rule, number, one, 9) or 0) < POWER < 1 < nine / one
    assert allowed_misses(one, rate, level) == decision_limits(one, rate, level).passes


def test_no_size_is_proposed_where_no_rate_is_asked_or_too_many_are_needed() -> None:
    for rate in (0.0, 1.0):
        assert proposed_size(SampleRule(alpha=0.05, rate=rate), 1) is None
        assert chance_of_passing(SampleRule(alpha=0.05, rate=rate), 1, 100) is None
    assert proposed_size(SampleRule(alpha=0.05, rate=0.9999), 1) is None
    assert allowed_misses(MOST, 0.9999, 0.05) is None


def test_the_agreed_least_number_counts_too() -> None:
    rule = SampleRule(alpha=0.05, rate=0.9, n_min=500)

    assert proposed_size(rule, 1) == 500
    assert chance_of_passing(rule, 1, 499) == 0.0
    assert chance_of_passing(SampleRule(alpha=0.05, rate=0.9), 1, 35) == 0.0, "no miss is allowed"
    assert (chance_of_passing(SampleRule(alpha=0.05, rate=0.9), 1, 36) or 0) > 0.15
