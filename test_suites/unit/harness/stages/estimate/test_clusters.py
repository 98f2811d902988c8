"""Pages of one domain fall together: the bounds must know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stages.estimate.clusters import clustered, korn_graubard
from harness.stages.estimate.intervals import clopper_pearson


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_one_item_a_cluster_is_clopper_pearson(successes: list[bool]) -> None:
    bounds = korn_graubard(clustered([(int(one), 1) for one in successes]), 0.05)
    exact = clopper_pearson(sum(successes), len(successes), 0.05)

    assert tuple(bounds) == pytest.approx(tuple(exact))


def test_clusters_that_agree_within_count_as_one_item_each() -> None:
    found = clustered([(10, 10)] * 40 + [(0, 10)] * 10)

    assert found.design_effect == pytest.approx(10, rel=0.05)
    assert found.effective_n == pytest.approx(50, rel=0.05)


def test_a_faultless_service_is_credited_with_clusters_not_pages() -> None:
    bounds = korn_graubard(clustered([(10, 10)] * 20), 0.05)

    assert tuple(bounds) == pytest.approx(tuple(clopper_pearson(20, 20, 0.05)))
    assert (korn_graubard(clustered([(9, 10)]), 0.05).lower or 0) < 0.05


def test_clusters_may_be_named_or_counted() -> None:
    each = [(3, 10)] * 4 + [(10, 10)] * 2 + [(0, 0)]

    assert clustered(each) == clustered({(3, 10): 4, (10, 10): 2})


def test_nothing_counted_bounds_nothing() -> None:
    assert korn_graubard(clustered([]), 0.05) == (None, None)
    assert korn_graubard(clustered([(0, 0)]), 0.05) == (None, None)


@pytest.mark.parametrize(("correlation", "naive"), [(0.1, 0.104), (0.3, 0.186), (0.6, 0.263)])
def test_a_lucky_pass_stays_rare_where_method_measured_it_frequent(
    correlation: float, naive: float
) -> None:
    """METHOD (c): 50 domains x 10 pages at 90 %: false PASS 10 to 26 % with c = 38 of 500."""
    random = np.random.default_rng(50)
    spread = (1 - correlation) / correlation
    rates = random.beta(0.9 * spread, 0.1 * spread, size=(10_000, 50))
    blocked = random.binomial(10, rates)

    plain = np.mean(500 - blocked.sum(axis=1) <= 38)
    robust = np.mean(
        [
            (korn_graubard(clustered([(int(k), 10) for k in row]), 0.05).lower or 0) >= 0.9
            for row in blocked
        ]
    )

    assert plain == pytest.approx(naive, abs=0.02)
    assert robust <= 0.06
