"""The smallest number that can decide is the one at which the estimators' own bounds reach."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.durations import TimedEvent, time_to_effect
from harness.estimate.e_process import anytime_bounds
from harness.estimate.intervals import clopper_pearson
from harness.estimate.planning import fewest_items
from harness.estimate.quantile_bounds import TimedSample
from harness.model.scheme import Requirement, Threshold
from harness.model.smallest_sample import (
    smallest_at_any_time,
    smallest_for_rate,
    smallest_for_threshold,
    smallest_for_waiting,
    smallest_sample,
)

ALPHAS = (0.05, 0.01)


def asked(rule: str, metric: str = "block_rate", **changed: Any) -> Requirement:
    data = {
        "id": "URL-01",
        "title": "t",
        "area": "url",
        "severity": "Crit",
        "rule": rule,
        "measure": {"metric": metric},
        "threshold": {"at_least": 0.9, "provenance": "seen", "source": "s"},
    }
    return Requirement.model_validate(data | changed)


def at_most(limit: float) -> dict[str, Any]:
    return {"threshold": {"at_most": limit, "provenance": "seen", "source": "s"}}


@pytest.mark.parametrize(
    ("alpha", "numbers"), [(0.05, [29, 59, 149, 299]), (0.01, [44, 90, 228, 459])]
)
def test_a_rate_needs_the_numbers_of_the_method(alpha: float, numbers: list[int]) -> None:
    assert numbers == [smallest_for_rate(rate, alpha) for rate in (0.9, 0.95, 0.98, 0.99)]


@given(st.floats(0.02, 0.999), st.floats(0.001, 0.4))
def test_one_item_fewer_never_shows_a_rate(rate: float, alpha: float) -> None:
    """But for rounding, where alpha is a power of the rate to the last digit."""
    number = smallest_for_rate(rate, alpha) or 0

    assert abs(number - fewest_items(rate, 0, alpha)) <= 1
    assert (clopper_pearson(number, number, alpha).lower or 0) >= rate * (1 - 1e-12)
    if number > 1:
        assert (clopper_pearson(number - 1, number - 1, alpha).lower or 0) < rate * (1 + 1e-12)


def test_no_sample_shows_that_nothing_is_open() -> None:
    assert smallest_for_rate(1, 0.05) is None
    assert smallest_at_any_time(1, 0.05) is None
    assert (1, 1) == (smallest_for_rate(0, 0.05), smallest_at_any_time(0, 0.05))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("rate", [0.5, 0.9, 0.95, 0.99])
def test_bounds_at_any_time_reach_with_that_number_and_not_before(
    rate: float, alpha: float
) -> None:
    number = smallest_at_any_time(rate, alpha) or 0

    assert (anytime_bounds(number, number, alpha).lower or 0) >= rate
    assert (anytime_bounds(number - 1, number - 1, alpha).lower or 0) < rate


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("quantile", [0.5, 0.74, 0.9])
def test_a_waiting_time_has_a_bound_from_that_number_on(quantile: float, alpha: float) -> None:
    number = smallest_for_waiting(quantile, alpha)

    def upper(n: int) -> float | None:
        waits = [TimedEvent(seconds=float(place)) for place in range(1, n + 1)]
        return time_to_effect(waits, quantile, alpha).upper

    assert upper(number) is not None
    assert upper(number - 1) is None


def test_an_absurd_quantile_takes_no_time() -> None:
    assert smallest_for_waiting(0.9999999, 1e-6) > smallest_for_waiting(0.999, 1e-6) > 10_000


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_quantile_has_a_bound_from_that_number_on(alpha: float) -> None:
    limit = asked(
        "quantile", "first_byte_overhead", measure={"metric": "m", "quantile": 0.95}, **at_most(2)
    )
    number = smallest_sample(limit, alpha) or 0

    assert number == {0.05: 59, 0.01: 90}[alpha]
    for n, has_bound in ((number, True), (number - 1, False)):
        sample = TimedSample(times=range(n), quantile=0.95, alpha=alpha, mark=n)
        assert (sample.bounds.upper is not None) == has_bound


@pytest.mark.parametrize(
    ("requirement", "number"),
    [
        (asked("guarded"), 29),
        (asked("guarded", "overblock_rate", **at_most(0.03)), 99),
        (asked("guarded", "overblock_rate", **at_most(0.005)), 598),
        (asked("guarded", "some_other_share"), 29),
        (asked("guarded", "tunnels_established"), 1),
        (asked("guarded", "sentinel_agreement"), 1),
        (asked("guarded", **at_most(0)), None),
        (asked("guarded", **at_most(1)), 1),
        (asked("noninferiority", "block_rate"), 29),
        (asked("noninferiority", "throughput_loss", **at_most(0.1)), 5),
        (asked("sequential"), 53),
        (asked("sequential", "overblock_rate", **at_most(0.05)), 108),
        (asked("quantile", "delay", **at_most(5)), 5),
        (asked("survival", "delay", **at_most(5)), 6),
        (asked("census", "missed", **at_most(0)), 1),
        (asked("functional", "x"), 1),
        (asked("gate", "label_error", **at_most(0.01)), 1),
        (asked("availability", "availability"), 29),
        (asked("evidence", "database_age", **at_most(24)), 0),
        (asked("report"), 0),
    ],
)
def test_each_rule_has_its_own(requirement: Requirement, number: int | None) -> None:
    assert number == smallest_sample(requirement, 0.05)


def test_the_side_that_needs_more_decides() -> None:
    sides = {"at_least": 0.9, "at_most": 0.05, "provenance": "seen", "source": "s"}

    assert 59 == smallest_sample(asked("guarded", threshold=sides), 0.05)


@pytest.mark.parametrize(
    ("alpha", "smallest"), [(0.05, (29, 59, 149, 299)), (0.01, (44, 90, 228, 459))]
)
def test_the_smallest_number_that_can_conform(alpha: float, smallest: tuple[int, ...]) -> None:
    for rate, number in zip((0.9, 0.95, 0.98, 0.99), smallest, strict=True):
        least = Threshold(at_least=rate, provenance="seen", source="x")
        most = Threshold(at_most=1 - rate, provenance="seen", source="x")

        assert (smallest_for_threshold(least, alpha), smallest_for_threshold(most, alpha)) == (
            number,
            number,
        )


@pytest.mark.parametrize(
    ("limits", "number"),
    [
        ({"at_least": 1.0}, None),
        ({"at_most": 0.0}, None),
        ({"at_least": 0.0}, 1),
        ({"at_most": 1.0}, 1),
        ({"at_most": 20.0}, None),
        ({}, 1),
        ({"at_least": 0.5}, 3),
    ],
)
def test_what_no_sample_or_any_sample_can_show(limits: dict[str, float], number: int) -> None:
    threshold = Threshold.model_validate({**limits, "provenance": "seen", "source": "x"})

    assert smallest_for_threshold(threshold, 0.125) == number
