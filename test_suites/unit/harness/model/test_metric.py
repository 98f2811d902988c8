"""A metric of nothing has no value."""

from __future__ import annotations

from harness.model.metric import Metric


def test_a_rate_of_nothing_is_not_zero() -> None:
    nothing = Metric(
        name="block_rate",
        unit="ratio",
        value=None,
        k=0,
        n=0,
        indeterminate=0,
        lower=None,
        upper=None,
        method="x",
        alpha=0.05,
    )

    assert nothing.value is None
    assert {} == nothing.left_out
