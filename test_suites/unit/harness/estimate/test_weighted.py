"""Weights and strata, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.intervals import WeightedItem, clopper_pearson, weighted_rate


def test_a_weight_says_how_many_an_item_stands_for() -> None:
    draws = [WeightedItem(success=True, weight=3), WeightedItem(success=False, weight=1)]

    assert weighted_rate(draws, 0.05).value == 0.75
    assert (
        weighted_rate(
            [WeightedItem(success=True, weight=3), WeightedItem(success=True)], 0.05
        ).effective_n
        == 1.6
    )


@given(st.lists(st.booleans(), min_size=3, max_size=80))
def test_equal_weights_give_the_plain_rate(successes: list[bool]) -> None:
    found = weighted_rate([WeightedItem(success=one) for one in successes], 0.05)

    assert found.value == pytest.approx(sum(successes) / len(successes))
    assert found.effective_n == pytest.approx(len(successes), rel=1.01 / len(successes))
    assert tuple(found.bounds) == pytest.approx(
        tuple(clopper_pearson(sum(successes), len(successes), 0.05)), abs=0.15
    )


def test_one_draw_in_a_stratum_leaves_the_rate_unbounded() -> None:
    draws = [WeightedItem(success=True, stratum="a")] * 9 + [
        WeightedItem(success=False, stratum="b")
    ]

    assert weighted_rate(draws, 0.05).bounds == (None, None)
    assert weighted_rate([WeightedItem(success=True)] * 9, 0.05).bounds == clopper_pearson(
        9, 9, 0.05
    )


def test_stratified_bounds_cover_at_about_their_nominal_share() -> None:
    """Two strata of 9:1 popularity, sampled alike, as head and tail are."""
    random = np.random.default_rng(8)
    truth = 0.9 * 0.9 + 0.1 * 0.6
    below = above = 0
    for head, tail in random.binomial((60, 60), (0.9, 0.6), size=(10_000, 2)):
        draws = [WeightedItem(success=n < head, weight=9, stratum="head") for n in range(60)]
        draws += [WeightedItem(success=n < tail, weight=1, stratum="tail") for n in range(60)]
        lower, upper = weighted_rate(draws, 0.05).bounds
        below += (lower or 0) <= truth
        above += (upper or 1) >= truth

    assert below / 10_000 >= 0.945
    assert above / 10_000 >= 0.945


def test_draws_without_weight_are_refused() -> None:
    with pytest.raises(ValueError, match="positive weights"):
        weighted_rate([], 0.05)
    with pytest.raises(ValueError, match="positive weights"):
        weighted_rate([WeightedItem(success=True, weight=0)], 0.05)
