"""The design effect tells how far pages of one domain fall together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.interval_choice import clustered_rate


@given(st.lists(st.booleans(), min_size=2, max_size=200))
def test_one_item_a_cluster_costs_next_to_nothing(successes: list[bool]) -> None:
    effect = clustered_rate([(int(one), 1) for one in successes]).design_effect

    assert 1 <= effect <= len(successes) / (len(successes) - 1) + 1e-9


def test_clusters_that_agree_within_count_as_one_item_each() -> None:
    found = clustered_rate([(10, 10)] * 40 + [(0, 10)] * 10)

    assert found.design_effect == pytest.approx(10, rel=0.05)
    assert found.effective_n == pytest.approx(50, rel=0.05)


def test_a_faultless_service_is_credited_with_clusters_not_pages() -> None:
    assert clustered_rate([(10, 10)] * 20).effective_n == 20
    assert clustered_rate([(9, 10)]).effective_n == 1


def test_clusters_may_be_named_or_counted() -> None:
    each = [(3, 10)] * 4 + [(10, 10)] * 2 + [(0, 0)]

    assert clustered_rate(each) == clustered_rate({(3, 10): 4, (10, 10): 2})
    assert clustered_rate([]).effective_n == 0
