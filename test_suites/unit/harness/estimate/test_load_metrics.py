"""A loaded line: steadiness, responsiveness, and whether what was blocked stays so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.estimate.load_metrics import is_stable, trimmed_mean
from harness.model.observation import Timings
from harness.model.outcome import Conformity, Outcome
from harness.model.service_speed import TimedTransfer
from test_suites.unit.harness.estimate.rounds_of_transfers import (
    changed,
    load,
    of_speed,
    rounds,
    tried,
)

FAILS, CONFORMS, OPEN = Conformity.DOES_NOT_CONFORM, Conformity.CONFORMS, Conformity.INSUFFICIENT
ROUNDS = rounds(8, short=5)


def peak(**given_: Any) -> Outcome:
    return of_speed("PRF-08", ROUNDS, items=tried(**given_))


def test_a_filter_that_stays_accurate_under_load_conforms() -> None:
    found = peak()
    assert found.conformity is CONFORMS
    assert (found.metric.k, found.metric.n) == (0, 600)


def test_a_filter_that_opens_under_load_does_not_conform() -> None:
    found = peak(opened=20)
    assert found.conformity is FAILS
    assert len(found.witnesses) == 20
    assert found.witnesses[0].saw == ("blocked on the idle line, open beside 8 transfers",)


def test_one_open_item_of_600_decides_nothing() -> None:
    assert peak(opened=1).conformity is OPEN


def test_items_that_changed_the_other_way_never_help_the_service_to_conform() -> None:
    """They only show that it is unsteady anyway, so that it does not surely fail."""
    unsteady = peak(opened=20, closed=20)
    assert unsteady.conformity is OPEN
    assert unsteady.metric.value == 0
    assert unsteady.metric.upper == pytest.approx(peak(opened=20).metric.upper)


@pytest.mark.parametrize("loaded_by", [0, 1])
def test_without_load_nothing_is_shown(loaded_by: int) -> None:
    found = peak(loaded_by=loaded_by)
    assert found.conformity is OPEN
    assert any("was not under load" in reason for reason in found.reasons)


def test_a_filter_that_blocked_nothing_when_idle_shows_nothing() -> None:
    found = peak(idle="allowed")
    assert found.conformity is OPEN
    assert any("no item was blocked while the line was idle" in one for one in found.reasons)


def test_items_that_need_not_be_blocked_do_not_count() -> None:
    others = [structs.replace(one, category="ALW") for one in tried()]
    assert of_speed("PRF-08", ROUNDS, items=others).metric.n == 0


def test_items_undecided_under_load_count_as_open_for_the_upper_bound() -> None:
    made = [
        structs.replace(one, state="undecided") if one.is_loaded and one.item < "item-13" else one
        for one in tried()
    ]
    found = of_speed("PRF-08", ROUNDS, items=made)
    assert found.conformity is OPEN
    assert found.metric.indeterminate > 5
    assert found.metric.upper is not None
    assert found.metric.upper > found.metric.indeterminate / 600


@pytest.mark.parametrize("row", ["PRF-05", "PRF-06", "PRF-08"])
def test_nothing_measured_decides_nothing_and_says_why(row: str) -> None:
    found = of_speed(row, ())
    assert found.conformity is OPEN
    assert found.metric.value is None


def test_a_steady_load_hardly_deviates_and_one_that_slows_down_does() -> None:
    steady = of_speed("PRF-05", ROUNDS).metric
    assert steady.value is not None
    assert steady.value < 0.12
    slowing = tuple(
        structs.replace(one, service=tuple(_half_as_fast(list(load(one.number, 25e6)))))
        for one in ROUNDS
    )
    uneven = of_speed("PRF-05", slowing).metric
    assert uneven.value is not None
    assert uneven.value > 0.25
    assert [part.group for part in uneven.parts] == ["rate", "connections"]


def _half_as_fast(made: list[TimedTransfer]) -> list[TimedTransfer]:
    """The second half of the transfers takes twice as long."""
    middle = made[len(made) // 2].began
    return [
        one
        if one.began < middle
        else structs.replace(one, began=middle + 2 * (one.began - middle), seconds=2 * one.seconds)
        for one in made
    ]


def test_responsiveness_is_the_mean_round_trip_of_new_connections() -> None:
    """Connecting takes 10 ms, TLS 20 ms and the answer 30 ms: a mean of 20 ms, 3,000 a minute."""
    times = Timings(connect=0.01, tls=0.02, first_byte=0.03, total=0.06)
    found = of_speed("PRF-06", changed(ROUNDS, lambda _: True, timings=times))

    assert found.metric.value == pytest.approx(3000)
    assert found.conformity is OPEN, "it is for information"
    assert "confidence high" in found.metric.method
    assert "on the control line" in found.metric.method


def test_without_tls_two_phases_count() -> None:
    times = Timings(connect=0.01, first_byte=0.03, total=0.04)
    found = of_speed("PRF-06", changed(ROUNDS, lambda _: True, timings=times))
    assert found.metric.value == pytest.approx(3000)


@pytest.mark.parametrize(("number", "words"), [(3, "low"), (4, "medium"), (7, "high")])
def test_confidence_follows_from_the_number_of_loads(number: int, words: str) -> None:
    steady = Timings(connect=0.01, first_byte=0.03, total=0.04)
    made = changed(ROUNDS[:number], lambda _: True, timings=steady)
    assert f"confidence {words}" in of_speed("PRF-06", made).metric.method


def test_confidence_is_medium_where_the_times_are_not_stable() -> None:
    made = [
        structs.replace(
            one,
            service=tuple(
                structs.replace(
                    each,
                    timings=Timings(connect=0.01, first_byte=0.01 * 2 ** (one.number % 8), total=1),
                )
                for each in one.service
            ),
        )
        for one in ROUNDS
    ]
    assert "confidence medium" in of_speed("PRF-06", made).metric.method


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=50))
def test_a_trimmed_mean_is_at_most_the_mean(times: list[float]) -> None:
    found = trimmed_mean(times)
    assert min(times) <= found * (1 + 1e-9)
    assert found <= sum(times) / len(times) * (1 + 1e-9)


def test_the_longest_twentieth_is_trimmed() -> None:
    assert trimmed_mean([1.0] * 95 + [100.0] * 5) == pytest.approx(1.0)
    assert trimmed_mean([1.0] * 94 + [100.0] * 6) > 1.5


def test_stability_needs_four_moving_averages() -> None:
    assert is_stable([10.0] * 7)
    assert not is_stable([10.0] * 6)
    assert not is_stable([10.0, 10, 10, 10, 20, 20, 20, 20])
    assert not is_stable([0.0] * 7)
