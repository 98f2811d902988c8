"""A metric of nothing has no value."""

from __future__ import annotations

from dataclasses import replace

from harness.model.metric import Metric, Spread


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


def test_domains_count_where_items_share_them() -> None:
    plain = Metric(
        name="block_rate",
        unit="share",
        value=1.0,
        k=40,
        n=40,
        indeterminate=0,
        lower=0.9,
        upper=1.0,
        method="m",
        alpha=0.05,
    )
    shared = replace(plain, spread=Spread(domains=4, rate=1.0, tried=4, least=4, most=4))

    assert (plain.counted, shared.counted) == (40, 4)
