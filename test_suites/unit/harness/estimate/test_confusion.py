"""The four rates, each by its whole name."""

from __future__ import annotations

import pytest

from harness.estimate.line_metrics import (
    Confusion,
    blocked_ratio,
    harmful_among_blocked,
)


def test_each_rate_divides_by_what_its_name_says() -> None:
    found = Confusion(harmful_blocked=90, harmful_open=10, clean_blocked=30, clean_open=270)

    assert found.bad_sites_underblock == 10 / 100
    assert found.ok_sites_overblock == 30 / 300
    assert found.blocked_sites_overblock == 30 / 120
    assert found.unblocked_sites_underblock == 10 / 280


def test_nothing_to_divide_by_is_no_rate() -> None:
    empty = Confusion(harmful_blocked=0, harmful_open=0, clean_blocked=0, clean_open=0)

    assert empty.bad_sites_underblock is None
    assert empty.ok_sites_overblock is None
    assert empty.blocked_sites_overblock is None
    assert empty.unblocked_sites_underblock is None


def test_starks_index_sample_blocks_22_clean_pages_for_each_harmful_one() -> None:
    assert round(blocked_ratio(0.011, 0.911, 0.226), 1) == 22.3


def test_the_share_agrees_with_the_counts_it_stands_for() -> None:
    assert harmful_among_blocked(0.25, 0.9, 0.1) == pytest.approx(90 / 120)


def test_where_nothing_is_blocked_there_is_no_share() -> None:
    with pytest.raises(ValueError, match="nothing is blocked"):
        harmful_among_blocked(0.1, 0.0, 0.0)
    with pytest.raises(ValueError, match="no harmful item"):
        blocked_ratio(0.1, 0.0, 0.5)
