"""Latency is the paired difference, doubt is never fast; times to effect may be censored."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from dataclasses import replace as renewed
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy import stats

from harness.estimate.durations import (
    TimedEvent,
    bounded_percentile,
    first_byte_overhead,
    first_byte_overhead_share,
    kaplan_meier,
    time_to_effect,
    waits_for,
)
from harness.estimate.item_selection import Selection
from harness.estimate.rates import MeasuredMetric
from harness.model.outcome_group import Overheads
from harness.model.scheme import Threshold
from harness.model.verdict import State, Verdict


def timed(
    verdict: Callable[..., Verdict], n: int, overhead: float, probe: str = "web"
) -> list[Verdict]:
    return [
        verdict(
            f"{probe}-{number}",
            "ALW",
            State.ALLOWED,
            probe=probe,
            first_byte_service=0.1 + overhead,
            first_byte_control=0.1,
        )
        for number in range(n)
    ]


@pytest.fixture
def pick(select: Callable[..., Selection]) -> Callable[..., Selection]:
    """A selection for the 95 % quantile of the given probes."""

    def make(verdicts: list[Verdict], *probes: str) -> Selection:
        return select(verdicts, rule="quantile", quantile=0.95, probes=probes)

    return make


def test_the_overhead_is_service_minus_control(
    verdict: Callable[..., Verdict], pick: Callable[..., Selection]
) -> None:
    metric = first_byte_overhead(pick(timed(verdict, 60, 0.02))).metric

    assert metric.n == 60
    assert metric.unit == "s"
    assert metric.value == pytest.approx(0.02)
    assert metric.upper == pytest.approx(0.02)


def test_too_few_pairs_bound_nothing_from_above(
    verdict: Callable[..., Verdict], pick: Callable[..., Selection]
) -> None:
    assert first_byte_overhead(pick(timed(verdict, 58, 0.02))).metric.upper is None


def test_a_fast_probe_does_not_hide_a_slow_one(
    verdict: Callable[..., Verdict], pick: Callable[..., Selection]
) -> None:
    verdicts = timed(verdict, 100, 0.01) + timed(verdict, 100, 0.4, "web_https")

    metric = first_byte_overhead(pick(verdicts)).metric

    assert metric.value == pytest.approx(0.4)
    assert "web_https" in metric.method
    assert first_byte_overhead(pick(verdicts, "web")).metric.value == pytest.approx(0.01)


def test_items_that_never_answered_count_as_slow(
    verdict: Callable[..., Verdict], pick: Callable[..., Selection]
) -> None:
    silent = [verdict(f"s-{n}", "ALW", State.INSUFFICIENT) for n in range(10)]
    blocked = [verdict("b", "ALW", State.BLOCKED)]

    metric = first_byte_overhead(pick(timed(verdict, 100, 0.02) + silent + blocked)).metric

    assert metric.indeterminate == 10
    assert metric.upper is None
    assert metric.left_out == {"not paired": 1}


def test_no_item_at_all_gives_no_number(pick: Callable[..., Selection]) -> None:
    metric = first_byte_overhead(pick([])).metric

    assert (metric.value, metric.n) == (None, 0)


def test_the_relative_overhead_is_that_of_the_worst_probe(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    verdicts = timed(verdict, 40, 0.005) + timed(verdict, 40, 0.02, "web_https")

    metric = first_byte_overhead_share(select(verdicts)).metric
    alone = first_byte_overhead_share(select(verdicts, probes=("web",))).metric

    assert (metric.value, metric.lower, metric.upper) == pytest.approx((0.2, 0.2, 0.2))
    assert (metric.unit, metric.n) == ("share", 40)
    assert alone.value == pytest.approx(0.05)


def test_the_relative_overhead_covers_the_true_one_at_its_level(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    random, outside = Random(2012), 0
    for _ in range(200):
        verdicts = [
            timed(verdict, 1, 0.1 * (1.1 * random.lognormvariate(0, 0.3) - 1), f"p{n}")[0]
            for n in range(30)
        ]
        renamed = [replace(one, key=replace(one.key, probe="web")) for one in verdicts]
        upper = first_byte_overhead_share(select(renamed)).metric.upper
        outside += upper is not None and upper < 0.1

    assert outside <= 20  # 5 % of 200 are 10; more than 20 have a probability of 0.2 %


def test_doubt_is_never_a_small_overhead(
    verdict: Callable[..., Verdict], select: Callable[..., Selection]
) -> None:
    odd = [verdict(f"q{n}", "ALW", State.INSUFFICIENT) for n in range(40)]

    few = first_byte_overhead_share(select(timed(verdict, 40, 0.01) + odd[:1])).metric
    many = first_byte_overhead_share(select(timed(verdict, 40, 0.01) + odd)).metric
    none = first_byte_overhead_share(select([])).metric

    assert few.upper == pytest.approx(0.1)
    assert few.indeterminate == 1
    assert (many.lower, many.upper) == (None, None)
    assert (none.value, none.n) == (None, 0)


def test_a_probe_that_asks_for_names_alone_has_no_page_to_time(
    verdict: Callable[..., Verdict], pick: Callable[..., Selection]
) -> None:
    """Beside it, the time of the pages that arrived counts."""
    names = [verdict(f"n{n}", "ALW", State.ALLOWED, probe="dns") for n in range(60)]
    pages = timed(verdict, 60, 0.02)

    assert first_byte_overhead(pick(names + pages)).metric.n == 60
    assert first_byte_overhead_share(pick(names + pages)).metric.n == 60
    assert first_byte_overhead(pick(names)).metric.n == 0


def test_a_page_that_was_changed_on_the_way_arrived_too(
    verdict: Callable[..., Verdict], pick: Callable[..., Selection]
) -> None:
    pages = [replace(one, state=State.ALTERED) for one in timed(verdict, 60, 0.02)]
    blocked = [replace(one, state=State.BLOCKED) for one in timed(verdict, 60, 0.02)]

    assert first_byte_overhead(pick(pages)).metric.n == 60
    assert first_byte_overhead(pick(blocked)).metric.n == 0


@pytest.mark.parametrize("take", [first_byte_overhead, first_byte_overhead_share])
def test_a_delay_is_accused_at_the_level_at_which_its_bound_passes_the_mark(
    verdict: Callable[..., Verdict],
    pick: Callable[..., Selection],
    take: Callable[[Selection], MeasuredMetric],
) -> None:
    random = Random(6)
    verdicts = [
        replace(one, first_byte_service=0.1 + random.random() * 0.1)
        for one in timed(verdict, 120, 0.0)
    ]
    verdicts += [verdict(f"u{n}", "ALW", State.INSUFFICIENT) for n in range(2)]
    for mark in (0.01, 0.05, 0.08, 0.085, 0.09, 0.095, 0.2, 0.45, 0.5, 0.55, 0.9):
        limit = Threshold(at_most=mark, provenance="proposed", source="test")
        plain = pick(verdicts, "web")
        wanted = plain.requirement.model_copy(update={"threshold": limit})
        metric = take(renewed(plain, requirement=wanted)).metric

        assert metric.lower is not None
        assert metric.p_value is not None
        assert (metric.lower > mark) == (metric.p_value <= 0.05)


def test_of_two_probes_the_slow_one_is_accused_by_bonferroni(
    verdict: Callable[..., Verdict], pick: Callable[..., Selection]
) -> None:
    limit = Threshold(at_most=0.1, provenance="proposed", source="test")

    def p_value(verdicts: list[Verdict]) -> float:
        plain = pick(verdicts)
        wanted = plain.requirement.model_copy(update={"threshold": limit})
        return first_byte_overhead(renewed(plain, requirement=wanted)).metric.p_value or 0

    slow = timed(verdict, 3, 0.2, "web_https")
    alone = p_value(slow)

    assert alone == pytest.approx(0.05**3)
    assert p_value(slow + timed(verdict, 60, 0.01)) == pytest.approx(2 * alone)
    assert first_byte_overhead(pick(slow)).metric.p_value is None


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


@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=60),
    st.sampled_from([0.025, 0.05, 0.2]),
)
def test_the_share_still_waiting_and_its_band_agree_with_scipy(
    waits: list[tuple[int, bool]], alpha: float
) -> None:
    ended = [time for time, is_end in waits if is_end]
    censored = [time for time, is_end in waits if not is_end]
    found = list(kaplan_meier([TimedEvent(seconds=t, ended=end) for t, end in waits], alpha))
    assert [one.seconds for one in found] == sorted(set(ended))
    if not found:
        return
    judged = stats.ecdf(stats.CensoredData(uncensored=ended, right=censored)).sf
    with warnings.catch_warnings():  # the band is undefined where none waits
        warnings.simplefilter("ignore", RuntimeWarning)
        band = judged.confidence_interval(confidence_level=1 - 2 * alpha, method="log-log")
    at = np.searchsorted(judged.quantiles, [one.seconds for one in found])

    for name, expected in (("share", judged), ("low", band.low), ("high", band.high)):
        mine = [getattr(one, name) for one in found]
        assert np.allclose(mine, expected.probabilities[at], rtol=1e-12, atol=0, equal_nan=True)


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


def test_a_line_without_a_probe_that_fetches_pages_counts_nothing(
    pick: Callable[..., Selection], verdict: Callable[..., Verdict]
) -> None:
    class Strict:
        """Counts that hold nothing of any probe, as those of a line of name servers."""

        def overheads(self, groups: Collection[int], *asked: object) -> Any:
            if groups:
                raise KeyError(asked)
            return Overheads()

        def first_pairs(self, groups: Collection[int], *asked: object) -> Any:
            if groups:
                raise KeyError(asked)
            return ()

    nothing: Any = Strict()
    names = timed(verdict, 3, 0.2, probe="dns")
    selection = renewed(pick(names), verdict_counts=nothing)
    assert selection.results

    for metric in (first_byte_overhead(selection), first_byte_overhead_share(selection)):
        assert (metric.metric.n, metric.metric.value, metric.metric.parts) == (0, None, ())
