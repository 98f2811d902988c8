"""A plan that is re-tested until it passes spends one level; a good fix passes at once.

``python -m benchmarks repeated-retests`` does the same with more plans.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from harness.model.outcome import Conformity
from test_suites.calibration.simulated_counts import allowed
from test_suites.calibration.simulated_retests import (
    AT_THE_MARK,
    GOOD,
    NINE_GOOD,
    ONE_OF_THREE,
    Supply,
    lives,
    share_of_plans,
)

PLANS, TRIES = 200, 10


@pytest.mark.parametrize(
    ("rates", "supply", "plans"),
    [
        (AT_THE_MARK, Supply(), 1_000),
        (AT_THE_MARK, Supply(size=300), 1_000),
        (AT_THE_MARK, Supply(size=60, extends=True), 150),
        (ONE_OF_THREE, Supply(extends=True), 100),
    ],
)
def test_ten_tries_at_the_mark_verify_and_accuse_at_most_alpha(
    rates: Mapping[str, float], supply: Supply, plans: int
) -> None:
    """With 60 items 12.6 % passed, with 300 or extensions 19 to 21 %, at alpha .05."""
    random = np.random.default_rng(7)
    played = lives(rates, supply)

    for wanted in (Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM):
        found = share_of_plans(played, random, plans, TRIES, wanted)
        assert found <= allowed(0.05, plans)


@pytest.mark.parametrize("rates", [GOOD, NINE_GOOD], ids=["one category", "nine categories"])
def test_a_fix_at_half_of_the_allowed_misses_passes_its_first_try(
    rates: Mapping[str, float],
) -> None:
    found = share_of_plans(
        lives(rates, Supply()), np.random.default_rng(3), PLANS, 1, Conformity.CONFORMS
    )

    assert found >= 0.8 - 3 * (0.8 * 0.2 / PLANS) ** 0.5
