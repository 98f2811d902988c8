"""Paired comparisons against scipy and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.estimate.campaign_comparison import (
    hodges_lehmann,
    mcnemar,
    p_above,
)


def test_the_estimate_is_the_median_of_pairwise_means() -> None:
    assert hodges_lehmann([1.0, 2.0, 6.0], 0.05).value == 2.75
    assert hodges_lehmann([1.0, 2.0, 6.0], 0.05).bounds == (None, None)


def test_the_bounds_are_where_the_signed_rank_test_turns() -> None:
    """Shifting by the lower bound, the one-sided Wilcoxon test no longer rejects at alpha."""
    values = np.random.default_rng(4).normal(0.3, 1, 60)
    lower, upper = hodges_lehmann(list(values), 0.05).bounds

    assert lower is not None
    assert upper is not None
    assert stats.wilcoxon(values - (lower - 0.02), alternative="greater").pvalue < 0.05
    assert stats.wilcoxon(values - (lower + 0.02), alternative="greater").pvalue > 0.05
    assert stats.wilcoxon(values - (upper + 0.02), alternative="less").pvalue < 0.05
    assert stats.wilcoxon(values - (upper - 0.02), alternative="less").pvalue > 0.05


def test_the_bounds_cover_at_about_their_nominal_share() -> None:
    samples = np.random.default_rng(6).laplace(0.05, 0.02, size=(10_000, 30))
    found = [hodges_lehmann(row, 0.05).bounds for row in samples]

    assert np.mean([(bounds.upper or 9) >= 0.05 for bounds in found]) >= 0.945
    assert np.mean([(bounds.lower or -9) <= 0.05 for bounds in found]) >= 0.945


def test_no_difference_is_no_estimate() -> None:
    with pytest.raises(ValueError, match="no difference"):
        hodges_lehmann([], 0.05)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_looks_at_discordant_pairs_alone(pairs: list[tuple[bool, bool]]) -> None:
    before, after = [was for was, _ in pairs], [now for _, now in pairs]
    change = mcnemar(before, after)

    assert change.gained - change.lost == sum(after) - sum(before)
    assert change.difference == pytest.approx((sum(after) - sum(before)) / len(pairs))
    assert 0 < change.p_value <= 1
    assert mcnemar(after, before).p_value == pytest.approx(change.p_value)


def test_mcnemar_by_hand() -> None:
    """Six gained and one lost: 2 x (1 + 7) / 2^7."""
    change = mcnemar([False] * 6 + [True] * 14, [True] * 6 + [False] + [True] * 13)

    assert (change.gained, change.lost, change.pairs) == (6, 1, 20)
    assert change.p_value == pytest.approx(0.125)


def test_campaigns_over_different_items_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        mcnemar([True], [True, False])


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_a_pseudo_median_is_above_a_mark_at_the_level_at_which_its_bound_is(alpha: float) -> None:
    values = np.random.default_rng(3).normal(1, 1, size=40).tolist()
    lower = hodges_lehmann(values, alpha).bounds.lower

    assert lower is not None
    for mark in (-1.0, lower - 0.2, lower - 0.01, lower + 0.01, lower + 0.2, 1.5):
        assert (lower > mark) == (p_above(values, mark) <= alpha)
    assert p_above([1.0], 0.0) > 0.05
