"""Gaffke's bound: published values, Clopper-Pearson where it must be, and Monte Carlo elsewhere."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.estimate import intervals
from harness.estimate.intervals import (
    Rates,
    clopper_pearson,
    lower_bound,
    mirrored,
    p_above,
    p_below,
    upper_bound,
)

RATES = st.dictionaries(
    st.fractions(0, 1, max_denominator=12).map(float), st.integers(1, 9), min_size=1, max_size=9
)
ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.2])


@pytest.mark.parametrize(
    ("domains", "items", "lower", "upper"),
    [
        (29, (10, 0, 0), 0.90186, 1),
        (28, (10, 0, 0), 0.89853, 1),
        (50, (19, 1, 0), 0.89475, 0.95291),
        (10, (49, 1, 0), 0.72631, 0.98518),
        (4, (0, 3, 0), 0, 0.52713),
        (1, (1, 1, 0), 0.025, 0.975),
        (40, (5, 0, 5), 0.46392, 1),
    ],
)
def test_the_values_of_the_method(
    domains: int, items: tuple[int, int, int], lower: float, upper: float
) -> None:
    """(blocked, open, in doubt) of each domain; doubt is open below, blocked above."""
    blocked, _, doubt = items
    low, high = blocked / sum(items), (blocked + doubt) / sum(items)

    assert lower_bound({low: domains}, 0.05) == pytest.approx(lower, abs=1e-5)
    assert upper_bound({high: domains}, 0.05) == pytest.approx(upper, abs=1e-5)


@given(st.integers(0, 60), st.integers(1, 60), ALPHAS)
def test_all_or_nothing_is_clopper_pearson(k: int, more: int, alpha: float) -> None:
    rates = {1.0: k, 0.0: more}
    exact = clopper_pearson(k, k + more, alpha)

    assert lower_bound(rates, alpha) == pytest.approx(exact.lower, abs=1e-9)
    assert upper_bound(rates, alpha) == pytest.approx(exact.upper, abs=1e-9)


def draws(rates: Rates, alpha: float) -> tuple[float, float]:
    """The lower bound by Dirichlet draws, and its standard error, by batches."""
    random = np.random.default_rng(2005)
    values = np.repeat([0.0, *rates], [1, *rates.values()])
    found = []
    for _ in range(20):
        weights = random.exponential(size=(10_000, len(values)))
        found.append(np.quantile(weights @ values / weights.sum(axis=1), alpha))
    return float(np.mean(found)), float(np.std(found, ddof=1) / 20**0.5)


@pytest.mark.parametrize(
    "rates",
    [
        {0.5: 1, 0.75: 1},
        {1.0: 20, 0.5: 4, 1 / 3: 2, 0.0: 1},
        {1.0: 90, 0.98: 5, 0.6: 5},
        {n / 40: 1 for n in range(41)},
        {1.0: 3, 0.001: 30},
        {0.999: 40, 0.998: 40, 0.2: 1},
    ],
)
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_integral_agrees_with_dirichlet_draws(rates: dict[float, int], alpha: float) -> None:
    mean, error = draws(rates, alpha)

    assert lower_bound(rates, alpha) == pytest.approx(mean, abs=5 * error + 1e-9)


@given(RATES, ALPHAS)
@settings(deadline=None)
def test_levels_and_bounds_say_the_same(rates: dict[float, int], alpha: float) -> None:
    lower, upper = lower_bound(rates, alpha), upper_bound(rates, alpha)

    assert 0 <= lower <= upper <= 1
    if lower > 0:
        assert p_above(rates, lower) == pytest.approx(alpha, rel=1e-4)
        assert p_above(rates, lower * 0.99) <= alpha * (1 + 1e-6)
    if upper < 1:
        assert p_below(rates, upper) == pytest.approx(alpha, rel=1e-4)
    assert lower_bound(mirrored(rates), alpha) == pytest.approx(1 - upper, abs=1e-9)


@given(RATES, ALPHAS, st.data())
@settings(deadline=None)
def test_a_domain_that_fares_better_lowers_no_bound(
    rates: dict[float, int], alpha: float, data: st.DataObject
) -> None:
    one = data.draw(st.sampled_from(sorted(rates)))
    better = Counter(rates)
    better[one] -= 1
    better[(1 + one) / 2] += 1

    assert lower_bound(better, alpha) >= lower_bound(rates, alpha) - 1e-8
    assert upper_bound(better, alpha) >= upper_bound(rates, alpha) - 1e-8


def test_one_good_domain_more_never_lowers_the_bound() -> None:
    few = {0.9: 20, 0.5: 3}

    assert lower_bound({**few, 1.0: 1}, 0.05) > lower_bound(few, 0.05)


@pytest.mark.parametrize(
    "rates",
    [
        {1.0: 999_990, 0.5: 5, 0.3: 3, 0.0: 2},
        {1.0: 28, 1 - 1e-9: 1},
        {1e-9: 2, 0.5: 1},
        {1.0: 1, 1e-12: 1},
        {0.5: 500_000, 0.500001: 500_000},
    ],
)
def test_lopsided_and_huge_samples_have_a_bound_below_their_mean(rates: dict[float, int]) -> None:
    number = sum(rates.values())
    mean = sum(rate * many for rate, many in rates.items()) / number

    assert 0 < lower_bound(rates, 0.05) < mean
    assert p_above(rates, lower_bound(rates, 0.05)) == pytest.approx(0.05, rel=1e-3)


def test_very_many_distinct_rates_are_rounded_against_the_service() -> None:
    random = np.random.default_rng(7)
    rates = Counter(map(float, random.beta(9, 1, size=intervals.MANY + 500)))
    lower = lower_bound(rates, 0.05)
    mean = sum(rates) / len(rates)
    error = float(np.std(list(rates)) / len(rates) ** 0.5)

    assert mean - 1.645 * error - 2 / intervals.GRID - 0.001 < lower < mean - 1.645 * error


def test_what_is_no_sample_is_refused() -> None:
    for rates in ({}, {0.5: 0}, {1.5: 2}, {-0.1: 2}):
        with pytest.raises(ValueError, match="at least one domain"):
            lower_bound(rates, 0.05)


def test_the_edges_of_a_level() -> None:
    assert (p_above({0.0: 3}, 0.0), p_above({0.5: 3}, 0.0)) == (1, 0)
    assert (p_above({0.5: 3}, 0.5), p_above({0.5: 3, 1.0: 1}, 1.0)) == (1, 1)
    assert p_below({1.0: 5}, 0.9) == 1
    assert p_below({0.0: 5}, 0.9) == pytest.approx(0.1**5)


@given(
    st.dictionaries(
        st.integers(0, 12).map(lambda twelfths: twelfths / 12), st.integers(1, 60), min_size=3
    ),
    st.sampled_from([0.25, 0.05, 0.01, 0.001]),
)
@settings(deadline=None)
def test_the_bound_is_where_the_level_is_alpha(rates: dict[float, int], alpha: float) -> None:
    bound = lower_bound(rates, alpha)

    assert p_above(rates, bound) == pytest.approx(alpha, abs=1e-6)
