"""McNemar's test of items in two campaigns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.campaign_comparison import mcnemar


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
