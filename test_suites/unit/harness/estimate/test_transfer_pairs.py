"""Added delays with their intervals, and the rates of transfers at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.transfer_pairs import added_delays, block_delay, busy_rate, bytes_between
from harness.model.service_speed import ServiceSpeed
from test_suites.unit.harness.estimate.rounds_of_transfers import (
    RATE,
    at_once,
    rounds,
    transfer,
    tried,
)

ADDED = 0.02


def test_the_interval_covers_what_the_service_adds_in_88_of_100_runs() -> None:
    """The service adds exactly 20 ms; the origin is slow in some rounds. Bounds at 5 % each."""
    covered = 0
    for seed in range(100):
        made = rounds(
            10,
            added=ADDED,
            origin=lambda turn: 0.3 * (turn % 3),
            seed=seed,
            short=6,
            only_short=True,
        )
        bounds = added_delays(ServiceSpeed(rounds=made), 0.05)["total"].bounds
        assert bounds.lower is not None
        assert bounds.upper is not None
        assert bounds.upper - bounds.lower < 0.003
        covered += bounds.lower <= ADDED <= bounds.upper
    assert covered >= 88


def test_phases_that_did_not_happen_are_left_out() -> None:
    found = added_delays(ServiceSpeed(rounds=rounds(3, short=5)), 0.05)
    assert set(found) == {"connect", "first_byte", "total"}
    assert added_delays(ServiceSpeed(), 0.05) == {}


def test_a_block_is_compared_with_the_page_that_it_replaces() -> None:
    found = block_delay(ServiceSpeed(items=tried(20)), 0.05)
    assert found is not None
    assert found.value == pytest.approx(0.02)
    assert block_delay(ServiceSpeed(items=tried(20, idle="allowed")), 0.05) is not None
    assert block_delay(ServiceSpeed(), 0.05) is None


@pytest.mark.parametrize("connections", [2, 5, 16])
def test_the_rate_counts_while_all_connections_are_busy(connections: int) -> None:
    made = list(at_once("download", "sample", 1, RATE, connections, 0))
    assert busy_rate(made) == pytest.approx(RATE, rel=0.15)


def test_only_what_came_whole_has_a_rate() -> None:
    assert busy_rate([]) == 0
    assert busy_rate([transfer("download")]) == 0
    same = [transfer("download", place=place) for place in range(4)]
    assert busy_rate(same) == 0, "all began at once, so nothing says how long all were busy"
    failed = [transfer("download", began=place, came="failed") for place in range(4)]
    assert busy_rate(failed) == 0


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0.001, 10), st.integers(1, 10**6)),
        min_size=1,
        max_size=20,
    ),
    st.floats(0, 110),
)
def test_bytes_of_two_times_are_those_of_both_together(
    given_: list[tuple[float, float, int]], middle: float
) -> None:
    made = [
        transfer("download", began=began, seconds=seconds, size=size)
        for began, seconds, size in given_
    ]
    whole = bytes_between(made, 0, 120)
    assert whole == pytest.approx(sum(size for _, _, size in given_))
    parts = bytes_between(made, 0, middle) + bytes_between(made, middle, 120)
    assert parts == pytest.approx(whole)
