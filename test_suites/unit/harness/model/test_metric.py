"""A metric of nothing has no value; known and hidden items are compared in words."""

from __future__ import annotations

from dataclasses import replace

from harness.model.metric import Foreknowledge, Metric, Spread


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


FOUND = Foreknowledge(
    line="proxy",
    profile="ks2",
    group="GAMB",
    frame="",
    known_right=9,
    known_n=9,
    hidden_right=1,
    hidden_n=9,
    undecided=0,
    p_value=0.001,
    adjusted=0.05,
    alpha=0.05,
)


def test_a_difference_that_is_no_chance_is_said() -> None:
    assert FOUND.is_tuned
    assert FOUND.conclusion.startswith("tuned to the known list")
    assert replace(FOUND, adjusted=0.051).conclusion == "no difference shown"


def test_nothing_is_said_of_nothing() -> None:
    assert replace(FOUND, hidden_n=0, hidden_right=0, adjusted=1.0).conclusion.startswith(
        "nothing to"
    )
