"""Lists without replacement, against exact chances and METHOD's figures."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.intervals import items_for_none_open, open_entries


@pytest.mark.parametrize(("size", "needed"), [(6000, 5700), (1000, 950)])
def test_showing_that_none_is_open_takes_nearly_all(size: int, needed: int) -> None:
    assert items_for_none_open(size) == needed


@given(
    st.integers(2, 400).flatmap(
        lambda size: st.integers(1, size).flatmap(
            lambda sampled: st.tuples(st.just(size), st.just(sampled), st.integers(0, sampled))
        )
    )
)
def test_the_bounds_are_the_last_plausible_numbers(sample: tuple[int, int, int]) -> None:
    size, sampled, misses = sample
    lower, upper = open_entries(size, sampled, misses, 0.05)

    assert lower is not None
    assert upper is not None
    assert misses <= lower <= upper <= size - sampled + misses
    assert 1 - at_most(misses - 1, size, int(lower), sampled) > 0.05
    if lower > misses:
        assert 1 - at_most(misses - 1, size, int(lower) - 1, sampled) <= 0.05
    if upper < size - sampled + misses:
        assert at_most(misses, size, int(upper) + 1, sampled) <= 0.05


def at_most(misses: int, size: int, many: int, sampled: int) -> Fraction:
    """How likely so few of ``many`` open entries are drawn, exactly."""
    ways = (comb(many, x) * comb(size - many, sampled - x) for x in range(misses + 1))
    return Fraction(sum(ways), comb(size, sampled))


def test_a_level_that_is_met_exactly_is_met() -> None:
    """Of 40 entries with 38 open ones, one that is drawn is blocked with a chance of 1 in 20."""
    assert open_entries(40, 1, 0, 0.05).upper == 37


def test_a_census_knows_the_number() -> None:
    assert open_entries(100, 100, 3, 0.05) == (3, 3)
    assert open_entries(100, 0, 0, 0.05) == (None, None)


def test_each_bound_covers_at_least_its_nominal_share() -> None:
    draws = np.random.default_rng(5).hypergeometric(40, 460, 120, size=10_000)
    bounds = {int(m): open_entries(500, 120, int(m), 0.05) for m in np.unique(draws)}

    assert np.mean([(bounds[int(m)].upper or 0) >= 40 for m in draws]) >= 0.95
    assert np.mean([(bounds[int(m)].lower or 0) <= 40 for m in draws]) >= 0.95


def test_impossible_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        open_entries(10, 11, 0, 0.05)
