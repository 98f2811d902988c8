"""Bounds against scipy, METHOD table 1, published figures, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.estimate.intervals import (
    clopper_pearson,
    effective_bounds,
    worst_case,
)

TABLE_1 = {
    0.90: (29, 46, 61, 76, 103, 167, 286),
    0.95: (59, 93, 124, 153, 208, 336, 577),
    0.98: (149, 236, 313, 386, 523, 845, 1449),
    0.99: (299, 473, 628, 773, 1049, 1693, 2902),
    0.995: (598, 947, 1258, 1549, 2100, 3389, 5808),
    0.999: (2995, 4742, 6294, 7752, 10511, 16959, 29058),
}
MISSES = (0, 1, 2, 3, 5, 10, 20)

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("threshold", TABLE_1)
def test_the_lower_bound_reaches_the_threshold_at_the_sizes_of_method_table_1(
    threshold: float,
) -> None:
    for misses, n in zip(MISSES, TABLE_1[threshold], strict=True):
        reached = clopper_pearson(n - misses, n, 0.05).lower
        one_fewer = clopper_pearson(n - 1 - misses, n - 1, 0.05).lower

        assert reached is not None
        assert one_fewer is not None
        assert one_fewer < threshold <= reached


@given(counts, st.sampled_from([0.01, 0.05, 0.1]))
def test_clopper_pearson_agrees_with_scipy(count: tuple[int, int], alpha: float) -> None:
    k, n = count
    interval = stats.binomtest(k, n).proportion_ci(1 - 2 * alpha, method="exact")

    assert tuple(clopper_pearson(k, n, alpha)) == pytest.approx(
        (interval.low, interval.high), abs=1e-9
    )


@pytest.mark.parametrize(
    ("k", "n", "lower", "upper"),
    [
        (449, 516, 84.3, 89.4),
        (464, 516, 87.5, 92.0),
        (470, 516, 88.75, 93.1),
        (35, 2467, 1.05, 1.88),
        (123, 2467, 4.3, 5.8),
        (592, 2467, 22.6, 25.5),
    ],
)
def test_bounds_of_the_jama_2002_rates(k: int, n: int, lower: float, upper: float) -> None:
    """METHOD E2; its 88.8 for 470 of 516 is 88.745 rounded twice."""
    bounds = clopper_pearson(k, n, 0.05)

    assert bounds.lower is not None
    assert bounds.upper is not None
    for bound, printed in ((bounds.lower, lower), (bounds.upper, upper)):
        digits = len(f"{printed}".partition(".")[2])
        assert round(bound * 100, digits) == printed


@pytest.mark.parametrize("truth", [0.02, 0.5, 0.9, 0.98])
def test_each_exact_bound_covers_at_least_its_nominal_share(truth: float) -> None:
    seen = np.random.default_rng(20080101).binomial(200, truth, 10_000)
    bounds = {int(k): clopper_pearson(int(k), 200, 0.05) for k in np.unique(seen)}
    above = np.mean([(bounds[int(k)].lower or 0) <= truth for k in seen])
    below = np.mean([(bounds[int(k)].upper or 0) >= truth for k in seen])

    assert above >= 0.95
    assert below >= 0.95


def test_nothing_counted_bounds_nothing() -> None:
    assert clopper_pearson(0, 0, 0.05) == (None, None)
    assert worst_case(0, 0, 7, 0.05) == (None, None)


@given(counts, st.integers(0, 200))
def test_indeterminate_items_only_widen_the_bounds(
    count: tuple[int, int], indeterminate: int
) -> None:
    k, n = count
    plain = clopper_pearson(k, n, 0.05)
    wide = worst_case(k, n, indeterminate, 0.05)

    assert wide.lower is not None
    assert wide.upper is not None
    assert wide.lower <= (plain.lower or 0) + 1e-12
    assert wide.upper >= (plain.upper or 0) - 1e-12


@given(counts)
def test_as_many_effective_items_as_real_ones_bound_the_same(count: tuple[int, int]) -> None:
    k, n = count

    assert tuple(effective_bounds(k / n, n, 0.05)) == pytest.approx(
        tuple(clopper_pearson(k, n, 0.05)), abs=1e-9
    )


def test_indeterminate_items_count_as_failures_below_and_successes_above() -> None:
    found = worst_case(8, 10, 5, 0.05)

    assert found.lower == clopper_pearson(8, 15, 0.05).lower
    assert found.upper == clopper_pearson(13, 15, 0.05).upper


def test_a_count_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="k = 5 of n = 4"):
        clopper_pearson(5, 4, 0.05)
