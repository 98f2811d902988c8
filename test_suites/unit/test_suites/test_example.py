"""The example shows every way of ending, and its bounds are the exact ones."""

from __future__ import annotations

import pytest
from scipy.stats import beta

from harness.model.outcome import Conformity
from test_suites.kit.campaigns.example import example_assessment, example_outcomes


def test_every_way_of_ending_is_there() -> None:
    assert {outcome.conformity for outcome in example_outcomes()} == set(Conformity)
    assert example_assessment().conformity is Conformity.DOES_NOT_CONFORM


def test_bounds_are_clopper_and_pearsons() -> None:
    metric = example_outcomes()[2].metric

    assert metric.lower == pytest.approx(beta.ppf(0.05, 80, 21), abs=5e-4)
    assert metric.upper == pytest.approx(beta.ppf(0.95, 81, 20), abs=5e-4)
