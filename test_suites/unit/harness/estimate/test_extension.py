"""A sample that decided nothing says how large one must be that decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.extension import MOST, size_to_decide, times_larger
from harness.estimate.intervals import clopper_pearson
from harness.model.metric import Metric
from harness.model.outcome import Conformity, Outcome
from harness.model.scheme import Measure, Requirement, Threshold


@pytest.mark.parametrize(
    ("n", "misses", "threshold", "size"),
    [
        (59, 1, 0.95, 153),  # METHOD table 1: 153 pass with three misses, 1/59 of them are 2.6
        (60, 0, 0.90, 60),
        (60, 0, 0.95, 60),
        (20, 0, 0.95, 59),
        (100, 5, 0.95, None),  # the share is the threshold's: nothing decides
        (1000, 50.5, 0.95, None),  # too near
    ],
)
def test_the_size_is_that_at_which_the_same_share_decides(
    n: int, misses: float, threshold: float, size: int | None
) -> None:
    assert size_to_decide(n, misses, threshold, 0.05) == size


def test_a_share_that_leans_to_failing_is_decided_as_well() -> None:
    size = size_to_decide(100, 8, 0.95, 0.05)

    assert size is not None
    assert 100 < size < 1000


@given(
    n=st.integers(20, 400),
    share=st.floats(0, 0.3),
    threshold=st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    alpha=st.sampled_from([0.05, 0.025, 0.01]),
)
def test_a_sample_of_that_size_with_that_share_is_decided(
    n: int, share: float, threshold: float, alpha: float
) -> None:
    misses = round(share * n)
    size = size_to_decide(n, misses, threshold, alpha)
    if size is None:
        return

    assert n <= size <= MOST
    exact = misses / n * size
    passing = exact <= (1 - threshold) * size
    missed = int(-(-exact // 1)) if passing else int(exact)
    bounds = clopper_pearson(size - missed, size, alpha)
    assert bounds.lower is not None
    assert bounds.upper is not None
    assert bounds.lower >= threshold or bounds.upper < threshold


def outcome(
    conformity: Conformity, threshold: Threshold, k: int, n: int, **differing: str
) -> Outcome:
    """The outcome of a rate of k of n."""
    bounds = clopper_pearson(k, n, 0.05)
    requirement = Requirement(
        id="URL-01",
        title="Gambling is blocked",
        area="url",
        severity="Maj",
        rule="guarded",
        measure=Measure(metric="block_rate"),
        threshold=threshold,
    )
    metric = Metric(
        name="block_rate",
        unit=differing.get("unit", "share"),
        value=k / n,
        k=k,
        n=n,
        indeterminate=0,
        lower=bounds.lower,
        upper=bounds.upper,
        method="Clopper-Pearson",
        alpha=0.05,
    )
    return Outcome(
        requirement=requirement,
        profile="ks2",
        line="proxy",
        conformity=conformity,
        metric=metric,
        decided_by="guarded at 95 %",
        witnesses=(),
    )


BLOCKS = Threshold(at_least=0.95, provenance="reported", source="BECTA")
OVERBLOCKS = Threshold(at_most=0.05, provenance="reported", source="BECTA")


def test_both_kinds_of_thresholds_are_extended() -> None:
    blocks = times_larger(outcome(Conformity.INSUFFICIENT, BLOCKS, 58, 59), 0.05)
    wrong = times_larger(outcome(Conformity.INSUFFICIENT, OVERBLOCKS, 1, 59), 0.05)

    assert blocks == wrong
    assert blocks is not None
    assert blocks == 153 / 59
    at_the_next_level = times_larger(outcome(Conformity.INSUFFICIENT, BLOCKS, 58, 59), 0.025)
    assert at_the_next_level == size_to_decide(59, 1, 0.95, 0.025) / 59 > blocks  # type: ignore[operator]


def test_what_a_larger_sample_would_not_decide_is_not_extended() -> None:
    undecided = outcome(Conformity.INSUFFICIENT, BLOCKS, 58, 59)

    assert times_larger(replace(undecided, conformity=Conformity.CONFORMS), 0.05) is None
    assert times_larger(outcome(Conformity.INSUFFICIENT, BLOCKS, 58, 59, unit="s"), 0.05) is None
    assert times_larger(outcome(Conformity.INSUFFICIENT, BLOCKS, 95, 100), 0.05) is None
    # too few decided for another reason than the number of items
    assert times_larger(outcome(Conformity.INSUFFICIENT, BLOCKS, 200, 200), 0.05) is None
