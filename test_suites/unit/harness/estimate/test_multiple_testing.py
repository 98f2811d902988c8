"""Granting needs every category; accusing one needs Holm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.rates_by_pack import failing
from harness.model.metric import holm


def test_holm_agrees_with_the_published_example() -> None:
    """Holm (1979) by hand: 0.01 x 4, 0.02 x 3 (0.03 x 2 is no smaller), 0.04 x 1 raised."""
    adjusted = holm({"a": 0.02, "b": 0.04, "c": 0.01, "d": 0.03})

    assert adjusted == pytest.approx({"a": 0.06, "b": 0.06, "c": 0.04, "d": 0.06})
    assert list(adjusted) == ["a", "b", "c", "d"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_and_never_reorders(p_values: list[float]) -> None:
    named = {str(n): p_value for n, p_value in enumerate(p_values)}
    adjusted = holm(named)

    assert all(named[name] <= adjusted[name] <= 1 for name in named)
    ordered = sorted(named, key=lambda name: named[name])
    assert [adjusted[name] for name in ordered] == sorted(adjusted.values())


def test_holm_keeps_the_family_wise_level() -> None:
    counts = np.random.default_rng(3).binomial(200, 0.9, size=(5_000, 5))
    wrong = sum(
        bool(failing({str(n): (int(k), 200) for n, k in enumerate(row)}, 0.9)) for row in counts
    )

    assert wrong / len(counts) <= 0.05


def test_a_category_far_below_is_accused_by_name() -> None:
    assert failing({"DRUG": (60, 100), "PORN": (95, 100), "GAMB": (0, 0)}, 0.9) == ("DRUG",)
