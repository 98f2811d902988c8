"""Waiting times: what never came in time is never taken as quick."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.survival import (
    TimedEvent,
    bounded_percentile,
    time_to_effect,
    waits_for,
)


def test_the_median_of_a_published_trial() -> None:
    """Freireich et al. (1963), 6-MP arm: Kaplan-Meier median 23 weeks."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    open_ = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    waits = [TimedEvent(seconds=t) for t in ended] + [
        TimedEvent(seconds=t, ended=False) for t in open_
    ]

    found = time_to_effect(waits, 0.5, 0.025)

    assert (found.value, found.lower, found.upper) == (23, 13, None)
    assert (found.events, found.n) == (9, 21)


def test_what_never_came_leaves_the_upper_side_open() -> None:
    waits = [TimedEvent(seconds=60.0)] * 5 + [TimedEvent(seconds=300.0, ended=False)] * 5
    never = [TimedEvent(seconds=300.0, ended=False)] * 5

    assert time_to_effect(waits, 0.9, 0.05).value is None
    assert time_to_effect(never, 0.5, 0.05).upper is None
    assert time_to_effect([], 0.5, 0.05).n == 0


def test_ten_timed_events_say_little_of_the_tail() -> None:
    assert round(bounded_percentile(10), 2) == 0.74
    assert waits_for(0.9) == 29
    assert waits_for(0.95) == 59


@given(st.lists(st.floats(0.1, 1e6), min_size=3, max_size=40), st.sampled_from([0.5, 0.9]))
def test_bounds_enclose_the_estimate(times: list[float], quantile: float) -> None:
    found = time_to_effect([TimedEvent(seconds=one) for one in times], quantile, 0.05)

    assert found.value in times
    assert found.lower is None or found.lower <= (found.value or 0)
    assert found.upper is None or found.upper >= (found.value or 0)


def test_the_bounds_of_the_median_cover_at_about_their_nominal_share() -> None:
    random = np.random.default_rng(16)
    truth = float(np.log(2))
    below = above = 0
    for _ in range(10_000):
        waits = [
            TimedEvent(seconds=float(min(t, c)), ended=bool(t <= c))
            for t, c in zip(random.exponential(1, 60), random.uniform(0.5, 4, 60), strict=True)
        ]
        found = time_to_effect(waits, 0.5, 0.05)
        below += (found.lower or 0) <= truth
        above += found.upper is None or found.upper >= truth

    assert below / 10_000 >= 0.94
    assert above / 10_000 >= 0.94
