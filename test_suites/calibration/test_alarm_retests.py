"""The life of an alarm: re-tests of the proposed sizes, through estimate and assess."""

from __future__ import annotations

from collections import Counter

import numpy as np

from harness.estimate.alarm_times import ROWS, retest_sizes
from harness.follow.alarm_retest import stricter
from harness.model.alarm import FIRST_TRIES
from harness.model.conformity import Conformity
from test_suites.calibration.simulated_counts import Row, allowed, outcomes, scheme

CODES = tuple(f"B{number}" for number in range(1, ROWS + 1))
SCHEME = scheme(
    *(
        {
            "threshold": {"at_least": 0.9},
            "measure": {"metric": "block_rate", "categories": (code,), "expectation": "block"},
            "n_min": 29,
        }
        for code in CODES
    )
)
OPEN = Conformity.INSUFFICIENT


def lives(
    rates: tuple[float, ...], tries: int, replicates: int, seed: int = 1
) -> Counter[Conformity]:
    """How alarms about the first row end after so many re-tests; the other rows are beside it."""
    random, found = np.random.default_rng(seed), Counter[Conformity]()
    sizes = retest_sizes(0.1, FIRST_TRIES + 1)
    assert sizes is not None
    for _ in range(replicates):
        ended = OPEN
        for number in range(1, tries + 1):
            items = sizes.first if number <= FIRST_TRIES else sizes.deciding
            blocked = random.binomial(items, rates)
            rows = [
                Row(category=code, domains=Counter({(1, 0, 0): int(k), (0, 1, 0): items - int(k)}))
                for code, k in zip(CODES, blocked, strict=True)
            ]
            ended = outcomes(rows, stricter(SCHEME, 0.5**number))[0].conformity
            if ended is not OPEN:
                break
        found[ended] += 1
    return found


def test_two_retests_confirm_a_fall_to_85_per_cent_in_nine_of_ten_cases() -> None:
    found = lives((0.85, *[0.98] * 5), tries=2, replicates=100)

    assert found[Conformity.DOES_NOT_CONFORM] >= 81, "three standard errors below 90"
    assert not found[Conformity.CONFORMS]


def test_at_the_mark_an_alarm_is_neither_confirmed_nor_cleared_by_trying_again() -> None:
    found = lives((0.9,) * ROWS, tries=FIRST_TRIES + 1, replicates=80, seed=2)

    limit = 80 * allowed(0.05, 80)
    assert found[Conformity.CONFORMS] <= limit
    assert found[Conformity.DOES_NOT_CONFORM] <= limit
    assert found[OPEN] > 40


def test_the_first_retest_clears_a_service_with_half_of_the_allowed_misses() -> None:
    assert lives((0.95,) * ROWS, tries=1, replicates=60)[Conformity.CONFORMS] >= 48
