"""False alarms of a service that stays as it is, and how soon a fall is found, by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from harness.estimate.alarm_times import (
    CORRELATION,
    ROWS,
    WatchedRow,
    _Watched,
    failing,
    fallen_to,
    false_alarms,
    items_to_find,
    retest_sizes,
    runs_to_find,
    runs_until_alarm,
)
from harness.estimate.planning import power_at
from harness.estimate.surveillance_evidence import (
    FALSE_ALARMS,
    FEWEST_RUNS,
    evidence_over,
    level_of,
)
from test_suites.unit.harness.estimate.surveillance_runs import run_of

DAILY, WEEKLY = 365, 52
SIX_ROWS = {
    (20, DAILY): 300,
    (60, DAILY): 300,
    (60, WEEKLY): 1_000,
    (300, WEEKLY): 1_000,
}
"""Items a run and runs a year, with the number of years to simulate."""


def service(
    items: int, runs: int, rows: int = 6, *, sites: int = 1, parts: int = 1
) -> tuple[WatchedRow, ...]:
    """Rows of a service at sites that must all show a fall, each with its level."""
    alpha = level_of(rows * sites, sites)
    row = WatchedRow(0.1, items, runs, parts=parts, sites=sites, needed=sites, alpha=alpha)
    return (row,) * rows


@pytest.mark.parametrize(("schedule", "years"), SIX_ROWS.items())
@pytest.mark.parametrize("correlation", [0.0, CORRELATION])
def test_a_steady_service_has_at_most_one_false_alarm_in_ten_years(
    schedule: tuple[int, int], years: int, correlation: float
) -> None:
    """Six rows at one site, 98 % where 90 % is required, misses of a run going together."""
    found = false_alarms(service(*schedule), years=years, correlation=correlation)

    assert found.most <= 0.1


@pytest.mark.parametrize("rows", [1, 12])
def test_at_the_mark_the_level_of_a_service_does_not_grow_with_its_rows(rows: int) -> None:
    found = false_alarms(service(60, WEEKLY, rows), years=300, correlation=0.0, usual=0.1)

    assert found.most <= FALSE_ALARMS


def test_the_simulation_counts_as_the_evidence_of_runs_does() -> None:
    """Runs of two parts with few, many and nearly all items missed."""
    random = np.random.default_rng(4)
    (row,) = service(30, WEEKLY, 1, parts=2)
    shares = np.array([0.02, 0.3, 0.45, 0.9])
    drawn = random.binomial(30, random.choice(shares, (40, 12, 2), p=[0.7, 0.15, 0.1, 0.05]))
    watched, alarmed = _Watched(row, 40), np.zeros(40, dtype=np.bool_)
    for run in range(12):
        alarmed |= watched.add(drawn[:, run])

    for place, runs in enumerate(drawn):
        readings = [run_of(*((float(missed), 30) for missed in run)) for run in runs]
        found = evidence_over(readings, WEEKLY, alpha=row.alpha, fewest_runs=FEWEST_RUNS)
        assert found.alarmed == alarmed[place]
    assert 0 < alarmed.sum() < 40


def test_one_bad_run_raises_no_alarm_unless_half_of_its_items_were_missed() -> None:
    good, alpha = run_of((1, 60)), level_of(6)

    def alarmed(*missed: float) -> bool:
        runs = [good, *(run_of((one, 60)) for one in missed)]
        return evidence_over(runs, WEEKLY, alpha=alpha, fewest_runs=FEWEST_RUNS).alarmed

    assert not alarmed(29)
    assert not alarmed(29, 29)
    assert alarmed(29, 29, 29, 29)
    assert alarmed(33)


def test_a_fall_to_85_per_cent_is_found_within_the_runs_that_are_stated() -> None:
    """The statement is about independent items; other seeds keep it within 3 points of 90 %."""
    (row, *_) = service(150, WEEKLY)
    stated = runs_to_find(row, 60)

    times = runs_until_alarm(row, 0.02, 0.15, most_runs=60, paths=2_000, seed=99)

    assert 8 <= stated <= 16
    assert np.mean(times <= stated) >= 0.87
    assert stated < runs_to_find(row, 60, CORRELATION) <= 50


@pytest.mark.parametrize("within", [6, 12])
def test_the_size_that_is_proposed_finds_the_fall_in_time(within: int) -> None:
    (row, *_) = service(20, WEEKLY)

    size = items_to_find(row, within)

    assert size is not None
    times = runs_until_alarm(
        row._replace(items=size), 0.02, 0.15, most_runs=within, paths=2_000, seed=98
    )
    assert 0.87 <= np.mean(times <= within) <= 0.97


def test_no_size_finds_a_fall_within_fewer_runs_than_an_alarm_rests_on() -> None:
    (row, *_) = service(20, WEEKLY)

    assert items_to_find(row, FEWEST_RUNS - 1) is None


def test_a_fall_that_two_sites_must_show_is_found_later_than_at_one() -> None:
    (one, *_), (both, *_) = service(60, WEEKLY), service(60, WEEKLY, sites=2)

    assert both.alpha == one.alpha
    assert runs_to_find(both, 80) > runs_to_find(one, 80)


@pytest.mark.parametrize("most_missed", [0.1, 0.05, 0.02])
def test_two_retests_of_the_first_size_confirm_and_one_of_the_deciding_size_decides(
    most_missed: float,
) -> None:
    """Exact binomial probabilities; at a fall, and at half of the allowed misses."""
    sizes = retest_sizes(most_missed, 4)

    assert sizes is not None
    limit, fallen = 1 - most_missed, fallen_to(most_missed)
    levels = [0.05 / 2**number / ROWS for number in (1, 2, 4)]
    first, second, last = (
        failing(items, limit, fallen, level)
        for items, level in zip((sizes.first, sizes.first, sizes.deciding), levels, strict=True)
    )
    assert 0.9 <= 1 - (1 - first) * (1 - second) < 0.93
    assert last >= 0.99
    assert power_at(sizes.first, limit, 1 - most_missed / 2, 0.05 / 2) >= 0.8
    assert power_at(sizes.deciding, limit, 1 - most_missed / 2, 0.05 / 16) >= 0.99
    shown = sum(failing(sizes.first, limit, most_missed, 0.05 / 2**number) for number in (1, 2, 3))
    assert shown + failing(sizes.deciding, limit, most_missed, 0.05 / 16) <= 0.05


def test_no_sample_decides_where_no_miss_is_allowed() -> None:
    assert retest_sizes(0.0, 4) is None
