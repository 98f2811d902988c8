"""More delay is found, page by page; a machine that is slower in general is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.estimate.durations import PairedDelay, compare_delays, delay_change
from harness.model.metric import DelayChange
from harness.model.probe import EARLIER
from harness.model.verdict import BRACKET_FAILED, State, Verdict

Make = Callable[..., Verdict]
approx: Callable[[object], Any] = pytest.approx
MARGIN, ALPHA = 0.05, 0.05
TIMES = st.floats(0.001, 2.0)
PAIRS = st.lists(st.builds(PairedDelay, TIMES, TIMES, TIMES, TIMES), min_size=1, max_size=70)


def after_times(pair: PairedDelay, factor: float = 1.0, added: float = 0.0) -> PairedDelay:
    """The pair with the later times multiplied, and a delay of the service added."""
    return pair._replace(
        control_after=pair.control_after * factor,
        service_after=pair.service_after * factor + added,
    )


def skewed(
    numbers: np.random.Generator, pages: int, slower: float, added: float
) -> list[PairedDelay]:
    """Pages whose times have bursts, on a machine that is ``slower`` in the later campaign."""
    control, more = (numbers.lognormal(-4, 0.8, (2, pages)) for _ in range(2))
    control[1] *= slower
    more[1] = (more[1] + added) * slower
    service = control + more
    return [
        PairedDelay(*each)
        for each in zip(control[0], service[0], control[1], service[1], strict=True)
    ]


@pytest.mark.parametrize(
    ("slower", "added"), [(1.0, 0.0), (1.0, MARGIN), (4.0, 0.0), (4.0, MARGIN / 2), (0.25, 0.0)]
)
@pytest.mark.parametrize("pages", [9, 59])
def test_a_false_alarm_is_as_rare_as_the_level_says(
    pages: int, slower: float, added: float
) -> None:
    numbers, repetitions = np.random.default_rng(59), 400
    alarms = sum(
        delay_change(skewed(numbers, pages, slower, added), ALPHA).is_longer_by(MARGIN)
        for _ in range(repetitions)
    )

    assert alarms <= ALPHA * repetitions


def test_the_level_is_nearly_used_up_at_the_margin() -> None:
    numbers, repetitions = np.random.default_rng(59), 400
    alarms = 0
    for _ in range(repetitions):
        added = MARGIN + numbers.normal(0, 0.02, 59)
        pairs = [PairedDelay(0.01, 0.02, 0.01, 0.02 + max(-0.02, one)) for one in added]
        alarms += delay_change(pairs, ALPHA).is_longer_by(MARGIN)

    assert 0.01 * repetitions <= alarms <= ALPHA * repetitions


@given(pairs=PAIRS, power=st.integers(1, 5), margin=st.floats(-0.5, 0.5))
def test_a_machine_that_is_slower_in_general_never_makes_a_regression(
    pairs: list[PairedDelay], power: int, margin: float
) -> None:
    assume(median(one.control_after / one.control_before for one in pairs) >= 1)
    first = delay_change(pairs, ALPHA)
    slower = delay_change([after_times(one, 2.0**power) for one in pairs], ALPHA)

    assert first.is_longer_by(margin) or not slower.is_longer_by(margin)
    assert slower.median == first.median
    assert slower.slower == first.slower * 2.0**power


@given(
    times=st.lists(st.tuples(TIMES, TIMES), min_size=6, max_size=70),
    factor=st.sampled_from([0.25, 1.0, 4.0, 16.0]),
)
def test_the_same_campaign_on_a_slower_machine_is_no_regression(
    times: list[tuple[float, float]], factor: float
) -> None:
    same = [PairedDelay(one, one + more, one, one + more) for one, more in times]

    change = delay_change([after_times(one, factor) for one in same], ALPHA)

    assert change.lower is not None
    assert not change.is_longer_by(0.0)


@pytest.mark.parametrize("slower", [0.5, 1.0])
def test_two_hundred_milliseconds_are_nearly_always_found_with_59_pages(slower: float) -> None:
    numbers, found = np.random.default_rng(59), 0
    for _ in range(200):
        pairs = [after_times(one, slower, 0.2) for one in skewed(numbers, 59, 1.0, 0.0)]
        change = delay_change(pairs, ALPHA)
        found += change.is_longer_by(MARGIN)

    assert found >= 0.95 * 200
    assert (change.pairs, change.unmeasured) == (59, 0)


def test_pages_that_were_slow_in_one_spell_show_less_than_as_many_single_ones() -> None:
    numbers = np.random.default_rng(7)
    single = numbers.permutation(np.arange(100) < 70)

    def lower(is_slow: np.ndarray) -> float:
        pairs = [PairedDelay(0.01, 0.02, 0.01, 0.22 if slow else 0.02) for slow in is_slow]
        return delay_change(pairs, ALPHA).lower or 0.0

    assert lower(single) == approx(0.2)
    assert lower(np.sort(single)) == 0.0


@given(pairs=PAIRS, unmeasured=st.integers(1, 20))
def test_an_unmeasured_page_only_widens_the_bounds(
    pairs: list[PairedDelay], unmeasured: int
) -> None:
    narrow, wide = (delay_change(pairs, ALPHA, number) for number in (0, unmeasured))

    assert wide.lower is None or (narrow.lower is not None and wide.lower <= narrow.lower)
    assert wide.upper is None or (narrow.upper is not None and wide.upper >= narrow.upper)
    assert (wide.median, wide.unmeasured) == (narrow.median, unmeasured)


def test_an_undecided_page_may_have_been_fast() -> None:
    ten_slow = added(10, 3.0) + added(10, 0.0)

    assert not delay_change(ten_slow, ALPHA).is_longer_by(MARGIN)
    assert delay_change(added(20, 3.0), ALPHA, 5).is_longer_by(MARGIN)
    assert not delay_change(added(16, 3.0) + added(2, 0.0), ALPHA, 4).is_longer_by(MARGIN)


def added(number: int, seconds: float) -> list[PairedDelay]:
    return [PairedDelay(0.01, 0.02, 0.01, 0.02 + seconds)] * number


def test_five_pages_bound_nothing_and_six_do() -> None:
    assert delay_change(added(5, 3.0), ALPHA).lower is None
    assert delay_change(added(6, 3.0), ALPHA).is_longer_by(MARGIN)
    assert not delay_change(added(6, 3.0), ALPHA, unmeasured=1).is_longer_by(MARGIN)


def test_the_figures_are_those_of_the_median_page() -> None:
    pairs = [PairedDelay(0.01, 0.02, 0.01, 0.02 + number / 1000) for number in range(11)]

    change = delay_change(pairs, ALPHA)

    assert change.median == approx(0.005)
    assert (change.lower, change.upper) == approx((0.001, 0.009))
    assert (change.pairs, change.slower) == (11, 1.0)


def test_a_control_line_that_is_faster_than_before_is_no_excuse_and_no_accusation() -> None:
    pairs = [PairedDelay(0.4, 0.44, 0.1, 0.14)] * 59

    change = delay_change(pairs, ALPHA)

    assert (change.median, change.slower) == (approx(0.0), 1.0)


def test_a_control_that_took_no_time_is_no_measure_of_slowness() -> None:
    none = [PairedDelay(0.0, 0.01, 0.001, 9.3)]

    assert delay_change(none * 9, ALPHA) == DelayChange(pairs=9)
    assert delay_change(added(6, 3.0) + none, ALPHA).lower is None
    assert delay_change(added(9, 3.0) + none, ALPHA).is_longer_by(MARGIN)
    assert delay_change([], ALPHA, 3) == DelayChange(unmeasured=3)


@pytest.mark.parametrize("time", [-0.1, math.inf, math.nan])
def test_a_time_that_cannot_be_is_refused(time: float) -> None:
    with pytest.raises(ValueError, match="a number of seconds, at least 0"):
        delay_change([PairedDelay(0.1, 0.1, 0.1, time)], ALPHA)


def pages(verdict: Make, service: float, number: int = 59, **more: object) -> list[Verdict]:
    """Pages that passed, with 10 ms on the control line."""
    return [
        verdict(
            f"page-{one}",
            "ALW",
            State.ALLOWED,
            **{"first_byte_control": 0.01, "first_byte_service": service} | more,
        )
        for one in range(number)
    ]


def test_only_pages_of_both_campaigns_are_compared(verdict: Make) -> None:
    before, after = pages(verdict, 0.02, 40), pages(verdict, 0.32)

    change = compare_delays(before, after, EARLIER, ALPHA)

    assert (change.pairs, change.unmeasured) == (40, 0)
    assert change.median == approx(0.3)
    assert compare_delays([], after, EARLIER, ALPHA) == DelayChange()


@pytest.mark.parametrize(
    ("state", "more", "unmeasured"),
    [
        (State.BLOCKED, {}, 0),
        (State.DOWN, {}, 0),
        (State.INSUFFICIENT, {}, 1),
        (State.ALLOWED, {"first_byte_service": None}, 0),
        (State.ALLOWED, {"first_byte_control": None}, 0),
        (State.ALLOWED, {"stratum": "ALW/file:zip"}, 0),
        (State.ALLOWED, {"probe": "dns"}, 0),
    ],
)
@pytest.mark.parametrize("is_later", [False, True])
def test_what_did_not_pass_on_both_lines_is_not_timed(
    verdict: Make, state: State, more: dict[str, object], unmeasured: int, *, is_later: bool
) -> None:
    times = {"first_byte_control": 0.01, "first_byte_service": 9.0} | more
    other = [verdict("other", "ALW", state, **times)]
    usual = [
        verdict("other", "ALW", State.ALLOWED, first_byte_control=0.01, first_byte_service=0.01)
    ]
    if more.get("stratum") or more.get("probe"):
        usual = other
    campaigns = [pages(verdict, 0.02, 9) + usual, pages(verdict, 0.02, 9) + other]

    before, after = campaigns if is_later else campaigns[::-1]
    change = compare_delays(before, after, EARLIER, ALPHA)

    assert (change.pairs, change.unmeasured) == (9, unmeasured)


def test_a_void_batch_that_was_repeated_counts_by_its_repetition(verdict: Make) -> None:
    void = [
        verdict(f"page-{one}", "ALW", State.INSUFFICIENT, first_byte_control=0.01,
                first_byte_service=5.0)
        for one in range(59)
    ]  # fmt: skip
    void = [one.as_insufficient(BRACKET_FAILED) for one in void]
    good = pages(verdict, 0.02)

    change = compare_delays(good, [*void, *good], EARLIER, ALPHA)

    assert (change.pairs, change.unmeasured, change.median) == (59, 0, approx(0.0))


def test_rounds_count_by_their_median(verdict: Make) -> None:
    rounds = [pages(verdict, time, round=number) for number, time in enumerate((0.02, 0.1, 7.0), 1)]

    change = compare_delays(pages(verdict, 0.02), chain(*rounds), EARLIER, ALPHA)

    assert (change.pairs, change.median) == (59, approx(0.08))


def test_the_worst_probe_counts_at_a_level_for_all_probes(verdict: Make) -> None:
    secure = {"probe": "web_https"}
    before = pages(verdict, 0.02, 6) + pages(verdict, 0.02, 6, **secure)
    after = pages(verdict, 0.02, 6) + pages(verdict, 0.32, 6, **secure)

    few = compare_delays(before, after, EARLIER, ALPHA)
    alone = compare_delays(before[6:], after[6:], EARLIER, ALPHA)
    more = compare_delays(before + pages(verdict, 0.02, 9, **secure),
                          after + pages(verdict, 0.32, 9, **secure), EARLIER, ALPHA)  # fmt: skip

    assert (few.lower, few.median) == (None, approx(0.3)), "six decide one probe alone"
    assert alone.is_longer_by(MARGIN)
    assert (more.lower, more.pairs) == (approx(0.3), 9)
