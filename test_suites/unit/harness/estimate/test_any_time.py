"""Bounds and evidence that may be read at any time, and the error rates they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.estimate.e_process import EProcess, anytime_bounds
from harness.estimate.intervals import clopper_pearson
from harness.model.smallest_sample import BETS


def highest(rates: float, threshold: float, runs: int, length: int, seed: int) -> np.ndarray:
    """The highest evidence of many services at once: the definition, written a second time."""
    blocked = np.random.default_rng(seed).random((runs, length)) < rates
    gain = (threshold - blocked) / (1 - threshold)
    total = np.zeros_like(gain)
    for bet in BETS:
        total += np.exp(np.cumsum(np.log1p(bet * gain), axis=1))
    return total / len(BETS)


def test_it_alarms_falsely_at_most_alpha_of_the_time_however_long_one_looks() -> None:
    """METHOD (c) measured 2.6 % over 5,200 observations at p = T = 95 %."""
    peaks = highest(0.95, 0.95, 2_000, 5_200, 12).max(axis=1)

    assert np.mean(peaks >= 20) <= 0.05
    assert np.mean(peaks >= 20) == pytest.approx(0.026, abs=0.012)


@pytest.mark.parametrize(("rate", "median"), [(0.92, 438), (0.90, 152)])
def test_it_notices_a_worse_service_as_soon_as_method_measured(rate: float, median: int) -> None:
    evidence = highest(rate, 0.95, 1_000, 3_000, 13) >= 20

    assert evidence.any(axis=1).mean() > 0.95
    assert np.median(evidence.argmax(axis=1) + 1) == pytest.approx(median, rel=0.2)


def test_one_item_at_a_time_agrees_with_the_definition() -> None:
    blocked = np.random.default_rng(14).random((1, 400)) < 0.9
    watch = EProcess(threshold=0.95)
    seen = []
    for one in blocked[0]:
        watch.add(blocked=bool(one))
        seen.append(watch.evidence)

    assert seen == pytest.approx(list(highest(0.9, 0.95, 1, 400, 14)[0]))
    assert watch.is_alarmed == (max(seen) >= 20)
    assert watch.items == 400


@pytest.mark.parametrize(("rate", "median"), [(0.975, 460), (0.99, 147)])
def test_the_mirror_certifies_a_better_service(rate: float, median: int) -> None:
    random = np.random.default_rng(15)
    firsts = []
    for _ in range(150):
        watch = EProcess(threshold=0.95, certifying=True)
        while not watch.add(blocked=bool(random.random() < rate)) and watch.items < 5_000:
            pass
        firsts.append(watch.items)

    assert np.median(firsts) == pytest.approx(median, rel=0.35)


def test_an_alarm_stays_and_evidence_may_grow_without_end() -> None:
    watch = EProcess(threshold=0.95)
    for _ in range(2_000):
        watch.add(blocked=False)

    assert watch.is_alarmed
    assert watch.evidence == float("inf")


def test_bounds_for_any_time_are_where_the_evidence_turns() -> None:
    watch, certify = EProcess(threshold=0.95), EProcess(threshold=0.8, certifying=True)
    for number in range(300):
        watch.add(blocked=number % 10 != 0)
        certify.add(blocked=number % 10 != 0)
    lower, upper = anytime_bounds(270, 300, 0.05)

    assert lower is not None
    assert upper is not None
    assert (upper < 0.95) == (watch.evidence >= 20)
    assert (lower > 0.8) == (certify.evidence >= 20)


def test_bounds_for_any_time_are_wider_than_those_for_one_look() -> None:
    for k, n in ((0, 50), (45, 50), (50, 50), (480, 500)):
        wide, once = anytime_bounds(k, n, 0.05), clopper_pearson(k, n, 0.05)

        assert (wide.lower or 0) <= (once.lower or 0)
        assert (wide.upper or 0) >= (once.upper or 0)
    assert anytime_bounds(0, 0, 0.05) == (None, None)


def test_looking_all_the_time_such_bounds_rarely_exclude_the_truth() -> None:
    paths = np.cumsum(np.random.default_rng(17).random((10_000, 500)) < 0.9, axis=1)
    looks = range(50, 501, 50)
    seen = {(int(k), n) for n in looks for k in np.unique(paths[:, n - 1])}
    bounds = {one: anytime_bounds(*one, 0.05) for one in seen}
    low = [any((bounds[int(path[n - 1]), n].upper or 0) < 0.9 for n in looks) for path in paths]
    high = [any((bounds[int(path[n - 1]), n].lower or 0) > 0.9 for n in looks) for path in paths]

    assert np.mean(low) <= 0.05
    assert np.mean(high) <= 0.05


def test_the_mirror_agrees_with_the_definition() -> None:
    """The mean over bets of the product of 1 + bet (x - T) / T."""
    watch = EProcess(threshold=0.8, certifying=True)
    for blocked in (True, True, False):
        watch.add(blocked=blocked)
    gains = (0.25, 0.25, -1.0)

    expected = sum(math.prod(1 + bet * gain for gain in gains) for bet in BETS) / len(BETS)
    assert watch.evidence == pytest.approx(expected)
    assert watch.items == 3
