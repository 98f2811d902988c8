"""Control charts: limits by hand, Nelson's rules, gaps, and how often they signal falsely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.control_charts import (
    BASELINE,
    FEW,
    NELSON_RULES,
    ChartPoint,
    ControlChart,
    Direction,
    Worse,
    baseline_of,
    chart,
)

BASE = [1.0, -1.0] * 10
"""A baseline with centre 0; each moving range is 2, so that sigma is 2 / 1.128."""

WIDER = 3.44723315 / 3 * math.sqrt(21 / 20)
"""How much wider limits are from 20 points: Student's t with 19 degrees at 99.865 % is 3.447."""

SIGMA = 2 / 1.128 * WIDER


def of(sigmas: Sequence[float | None], *, worse: Worse = "lower") -> ControlChart:
    """A chart whose later points are so many standard deviations from the centre."""
    points = [ChartPoint(one) for one in BASE]
    points += [ChartPoint(None if one is None else one * SIGMA) for one in sigmas]
    return chart(points, worse=worse)


def signalled(drawn: ControlChart, rule: int) -> list[int]:
    """The places after the baseline at which a rule signals."""
    return [one.index - BASELINE for one in drawn.signals if one.rule == rule]


def test_a_chart_of_values_has_limits_by_moving_ranges() -> None:
    drawn = of([0.5])

    assert drawn.state == "judging"
    assert drawn.centre == 0
    assert drawn.limits[-1] == pytest.approx((-2.66 * 2 * WIDER, 2.66 * 2 * WIDER), rel=1e-3)
    assert drawn.z[-1] == pytest.approx(0.5)


def test_fewer_points_than_the_baseline_are_learnt_from_and_signal_nothing() -> None:
    points = [ChartPoint(0.9, 60), ChartPoint(None), ChartPoint(0.5, 0)] * 10

    drawn = chart(points, worse="lower")

    assert (drawn.state, drawn.centre, drawn.signals) == ("learning", None, ())
    assert drawn.measured == 10
    assert len(drawn.limits) == len(drawn.z) == len(points)
    assert chart([*points, *points], worse="lower").state == "judging"
    assert chart([], worse="lower").state == "learning"
    with pytest.raises(ValueError, match="no variation"):
        chart(points, worse="lower", baseline=1)


def test_points_of_the_baseline_are_not_judged() -> None:
    points = [ChartPoint(one) for one in [*[0.0, 0.1] * 9, 50.0, 0.0]]

    assert chart(points, worse="lower").signals == ()


def test_limits_of_a_rate_follow_its_items_and_stay_between_0_and_1() -> None:
    """p = .9: 3 sigma are .2846 at n = 10 and .0900 at n = 100, if nothing varies more."""
    points = [ChartPoint(0.9, 100)] * BASELINE + [ChartPoint(0.9, 10), ChartPoint(0.9, 100)]

    drawn = chart(points, worse="lower")

    assert drawn.centre == pytest.approx(0.9)
    assert drawn.limits[-2] == pytest.approx((0.9 - 0.2846 * WIDER, 1.0), abs=1e-4)
    assert drawn.limits[-1] == pytest.approx((0.9 - 0.09 * WIDER, 1.0), abs=1e-4)


def test_limits_of_a_rate_are_widened_by_the_moving_range_of_z() -> None:
    """Rates .8 and 1 in turn at n = 100: z is -+10/3, the range 20/3, sigma_z 5.91 (Laney)."""
    points = [ChartPoint(0.8 if number % 2 else 1.0, 100) for number in range(BASELINE + 1)]

    drawn = chart(points, worse="lower")

    scale = 20 / 3 / 1.128 * WIDER
    assert drawn.z[-1] == pytest.approx(10 / 3 / scale)
    assert drawn.limits[-1] == pytest.approx((0.9 - 3 * scale * 0.03, 1.0))


def test_points_of_the_baseline_weigh_as_many_items_as_they_have() -> None:
    points = [ChartPoint(1.0, 300), ChartPoint(0.6, 100)] * 10

    assert chart(points, worse="lower").centre == pytest.approx(0.9)


@pytest.mark.parametrize(("always", "worse"), [(1.0, "lower"), (0.0, "higher")])
def test_a_baseline_without_a_miss_still_allows_a_single_one(always: float, worse: Worse) -> None:
    """Half a miss in 1,201 items: one of 60 is 1.68 deviations, ten are far beyond."""
    one, ten = abs(always - 1 / 60), abs(always - 10 / 60)
    base = [ChartPoint(always, 60)] * BASELINE

    few = chart([*base, ChartPoint(one, 60)], worse=worse)
    many = chart([*base, ChartPoint(ten, 60)], worse=worse)

    rate = 0.5 / 1201
    assert abs(few.z[-1] or 0) == pytest.approx(
        1 / 60 / math.sqrt(rate * (1 - rate) / 60) / WIDER, rel=1e-4
    )
    assert [signal.rule for signal in many.signals if signal.direction == "worse"] == [1]


def test_where_nothing_varied_any_change_is_beyond_the_limits() -> None:
    drawn = chart([*[ChartPoint(0.3)] * 20, ChartPoint(0.3), ChartPoint(0.4)], worse="higher")

    assert drawn.limits[-1] == pytest.approx((0.3, 0.3))
    assert drawn.z[-2:] == (0.0, math.inf)
    assert [(signal.index, signal.direction) for signal in drawn.signals if signal.rule == 1] == [
        (21, "worse")
    ]


def test_a_point_that_is_itself_near_the_centre_completes_no_rule() -> None:
    assert [1] == signalled(of([2.1, 2.1, 0.1]), 5)
    assert [3] == signalled(of([1.1, 1.2, 1.3, 1.1, 0.5]), 6)


RISING = [-1.25, -0.75, -0.25, 0.25, 0.75, 1.25]
JUST: dict[int, tuple[list[float], list[float]]] = {
    1: ([3.01], [2.99]),
    2: ([0.1] * 9, [0.1] * 8 + [-0.1]),
    3: (RISING, [*RISING[:5], RISING[4]]),
    4: ([0.5, -0.5] * 7, [0.5, -0.5] * 6 + [0.5, 0.6]),
    5: ([2.1, 0.0, 2.1], [2.1, 0.0, 0.1, 2.1]),
    6: ([1.1, 1.2, 0.0, 1.3, 1.1], [1.1, 1.2, 0.0, 1.3, 0.9]),
    7: ([0.9, 0.3, -0.9] * 5, [0.9, 0.3, -0.9] * 4 + [0.9, 0.3, -1.1]),
    8: ([1.1, 1.2, -1.1, -1.2] * 2, [1.1, 1.2, -1.1, -1.2, 1.1, 1.2, -1.1, -0.9]),
}
"""For each rule a series that just meets it at its last point, and one that just does not."""


@pytest.mark.parametrize("rule", JUST)
def test_each_rule_signals_where_it_is_just_met_and_not_where_it_just_is_not(rule: int) -> None:
    met, missed = JUST[rule]

    assert [len(met) - 1] == signalled(of(met), rule)
    assert [] == signalled(of(missed), rule)
    assert [len(met) - 1] == signalled(of([-one for one in met]), rule)


@pytest.mark.parametrize("rule", JUST)
def test_each_rule_says_whether_the_service_became_worse(rule: int) -> None:
    met, _ = JUST[rule]

    def directions(sign: int, worse: Worse) -> set[Direction]:
        drawn = of([sign * one for one in met], worse=worse)
        return {one.direction for one in drawn.signals if one.rule == rule}

    if rule in {4, 7, 8}:
        assert directions(1, "lower") == directions(-1, "higher") == {"neither"}
    else:
        assert directions(1, "higher") == directions(-1, "lower") == {"worse"}
        assert directions(-1, "higher") == directions(1, "lower") == {"better"}


@pytest.mark.parametrize("rule", [rule for rule in JUST if rule != 1])
def test_no_rule_looks_across_a_gap(rule: int) -> None:
    met, _ = JUST[rule]

    assert [] == signalled(of([*met[:-1], None, met[-1]]), rule)


def test_no_rule_looks_back_into_the_baseline() -> None:
    base = [ChartPoint(one) for one in [*[-1.0, 1.0] * 6, *[0.9] * 8]]
    above = [ChartPoint(2.0)] * 9

    drawn = chart([*base, *above], worse="lower")

    assert signalled(drawn, 2) == [8]


def test_no_moving_range_is_taken_across_a_gap() -> None:
    """Each pair differs by 0; the jumps between pairs lie in gaps."""
    points: list[ChartPoint] = []
    for number in range(10):
        points += [ChartPoint(float(number)), ChartPoint(float(number)), ChartPoint(None)]

    drawn = chart(points, worse="lower")

    assert drawn.limits[0] == pytest.approx((4.5, 4.5))
    assert drawn.limits[2] is None
    assert drawn.z[2] is None


def test_where_no_two_points_are_neighbours_their_own_deviation_is_taken() -> None:
    points = [ChartPoint(one) for value in BASE for one in (value, None)]

    drawn = chart(points, worse="lower")

    assert drawn.limits[0] == pytest.approx(
        (-3 * math.sqrt(20 / 19) * WIDER, 3 * math.sqrt(20 / 19) * WIDER), rel=1e-4
    )


def test_the_words_of_a_signal_say_what_was_seen() -> None:
    words = {one.rule: one.words for one in of([*[-0.1] * 8, -3.5]).signals}

    assert words == {
        1: "one point is more than three standard deviations below the centre",
        2: "nine points in a row are below the centre",
    }
    assert [rule.number for rule in NELSON_RULES] == list(range(1, 9))
    falling = of(list(reversed(RISING))).signals
    assert "six points in a row are each lower than the one before" in {
        one.words for one in falling
    }


def test_limits_from_few_points_are_wider_so_that_a_steady_series_seldom_leaves_them() -> None:
    """Of points that only chance moves 0.27 % are meant to be outside, whatever the baseline."""
    random = np.random.default_rng(24)

    def outside(baseline: int) -> float:
        found = 0
        for _ in range(400):
            points = [ChartPoint(float(one)) for one in random.normal(size=baseline + 25)]
            drawn = chart(points, worse="lower", baseline=baseline)
            found += sum(one.rule == 1 for one in drawn.signals)
        return found / 400 / 25

    assert outside(FEW) < 0.01
    assert outside(BASELINE) < 0.01
    assert [baseline_of(runs) for runs in (52, 365)] == [FEW, BASELINE]


@given(
    values=st.lists(
        st.none() | st.floats(0, 1) | st.sampled_from([0.0, 1.0]), min_size=20, max_size=60
    ),
    tested=st.integers(1, 1_000),
    is_rate=st.booleans(),
)
def test_whatever_was_measured_a_chart_has_one_limit_for_each_point(
    values: list[float | None], tested: int, is_rate: bool
) -> None:
    points = [ChartPoint(value, tested if is_rate else None) for value in values]

    drawn = chart(points, worse="lower")

    assert len(drawn.limits) == len(drawn.z) == len(points)
    if drawn.centre is not None:
        for point, limits in zip(points, drawn.limits, strict=True):
            assert (limits is None) == (point.value is None)
            if limits is not None:
                assert limits.lower <= drawn.centre + 1e-9
                assert drawn.centre - 1e-9 <= limits.upper
    for signal in drawn.signals:
        assert points[signal.index].value is not None


def falsely(rate: float, items: int, spread: float, charts: int) -> tuple[float, float]:
    """Signals for the worse in 100 points: of rule 1, and of an ordinary p chart."""
    random = np.random.default_rng(21)
    single, ordinary = [], []
    for _ in range(charts):
        size = 1 / spread - 1 if spread else 1e9
        rates = random.beta(rate * size, (1 - rate) * size, BASELINE + 100)
        values = random.binomial(items, rates) / items
        drawn = chart([ChartPoint(float(one), items) for one in values], worse="lower")
        centre = values[:BASELINE].mean()
        limit = centre - 3 * math.sqrt(centre * (1 - centre) / items)
        single.append(sum((one.rule, one.direction) == (1, "worse") for one in drawn.signals))
        ordinary.append(int((values[BASELINE:] < limit).sum()))
    return mean(single), mean(ordinary)


def test_a_series_that_varies_more_than_chance_signals_seldom_where_a_p_chart_signals_often() -> (
    None
):
    single, ordinary = falsely(0.95, 300, 0.05, 60)

    assert ordinary > 15
    assert single < 4


def test_a_series_that_varies_by_chance_alone_seldom_signals() -> None:
    assert falsely(0.9, 60, 0.0, 60)[0] < 0.5


def test_a_service_that_falls_is_seen_at_once() -> None:
    random = np.random.default_rng(22)
    good, bad = random.binomial(60, 0.95, 30), random.binomial(60, 0.7, 3)
    points = [ChartPoint(float(one), 60) for one in [*good / 60, *bad / 60]]

    drawn = chart(points, worse="lower")

    assert [one.index for one in drawn.signals if one.rule == 1] == [30, 31, 32]


def test_ten_years_of_daily_points_are_drawn_in_one_pass() -> None:
    values = np.random.default_rng(23).normal(size=3_650)

    drawn = chart([ChartPoint(float(one)) for one in values], worse="higher")

    assert len(drawn.z) == 3_650
