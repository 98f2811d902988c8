"""The evidence over many runs that a rate is not reached any more."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_fields

from harness.estimate.e_process import EProcess
from harness.estimate.soak_evidence import Tally, level_of_evidence
from harness.estimate.surveillance_evidence import evidence_over, reading_of
from harness.model.metric import Part, Source, Spread
from harness.model.outcome import Conformity, Witness
from harness.model.scheme import Threshold
from harness.model.smallest_sample import BETS
from test_suites.unit.harness.estimate.surveillance_runs import run_of, runs_of
from test_suites.unit.harness.estimate.test_extension import BLOCKS, OVERBLOCKS, outcome

WEEKS = 52
VOID = run_of()

counts = st.integers(1, 80).flatmap(
    lambda tested: st.tuples(st.integers(0, tested), st.just(tested))
)


def test_one_run_with_horizon_1_is_the_plain_e_process() -> None:
    plain = EProcess(threshold=0.9)
    for number in range(40):
        plain.add(blocked=number % 5 != 0)

    found = evidence_over(runs_of([8], 40), 1)

    assert found.e_value == pytest.approx(plain.evidence, rel=1e-12)


def test_two_runs_are_added_up_as_by_hand() -> None:
    """R_1 = e_1 and R_2 = (e_1 + 1) e_2 for each bet; a miss pays 9 at 90 %."""

    def e(bet: float, missed: int, tested: int) -> float:
        return (1 + 9 * bet) ** missed * (1 - bet) ** (tested - missed)

    by_hand = sum((e(bet, 1, 10) + 1) * e(bet, 3, 10) for bet in BETS) / len(BETS) / 4

    assert evidence_over(runs_of([1, 3], 10), 4).e_value == pytest.approx(by_hand, rel=1e-12)


def test_parts_are_averaged_with_equal_weights() -> None:
    a, b = evidence_over([run_of((6, 20))], 1).e_value, evidence_over([run_of((1, 20))], 1).e_value

    both = evidence_over([run_of((6, 20), (1, 20))], 1)

    assert both.e_value == pytest.approx((a + b) / 2)
    assert [part.group for part in both.per_part] == ["a", "b"]
    assert [part.log_e for part in both.per_part] == pytest.approx([math.log(a), math.log(b)])


def test_a_part_that_is_tested_later_lowers_the_weight_of_others_and_takes_back_no_alarm() -> None:
    alone = evidence_over([run_of((20, 60))], WEEKS)
    later = evidence_over([run_of((20, 60)), run_of((20, 60), (0, 60), (0, 60))], WEEKS)

    assert alone.alarmed_at == later.alarmed_at == 0
    assert len(later.per_part) == 3
    assert later.log_e == pytest.approx(later.per_part[0].log_e - math.log(3))


def test_runs_without_items_change_nothing() -> None:
    runs = runs_of([4, 9, 11])
    gaps = [VOID, runs[0], VOID, VOID, runs[1], runs[2], VOID]

    without, among = evidence_over(runs, WEEKS), evidence_over(gaps, WEEKS)

    assert without.log_e == among.log_e
    assert (without.tested, without.missed) == (among.tested, among.missed) == (180, 24)
    assert without.since == 1
    assert among.since == 4
    nothing = evidence_over([VOID, VOID], WEEKS)
    assert (nothing.e_value, nothing.alarmed, nothing.since) == (0.0, False, None)
    assert evidence_over([], WEEKS).log_e == -math.inf


def test_a_part_that_is_left_out_of_a_run_keeps_its_evidence() -> None:
    both = run_of((5, 20), (6, 20))

    seldom = evidence_over([both, run_of((0, 0), (0, 20))], WEEKS)

    assert seldom.per_part[0] == evidence_over([both], WEEKS).per_part[0]


def test_both_directions_of_a_threshold_are_the_same_question() -> None:
    blocked = evidence_over(runs_of([2, 9, 12], at_least=0.95), WEEKS)
    allowed = evidence_over(runs_of([2, 9, 12], at_least=None, at_most=0.05), WEEKS)

    assert blocked.log_e == pytest.approx(allowed.log_e, rel=1e-9)


def test_overblocking_that_begins_is_found() -> None:
    random = np.random.default_rng(8)
    missed = [*random.binomial(60, 0.02, 60).tolist(), *random.binomial(60, 0.12, 20).tolist()]

    found = evidence_over(runs_of(missed, at_least=None, at_most=0.05), WEEKS)

    assert found.alarmed_at is not None
    assert 60 < found.alarmed_at < 70
    assert found.since == pytest.approx(60, abs=2)


@pytest.mark.parametrize(("at_least", "at_most"), [(1.0, None), (None, 0.0), (None, None)])
def test_where_no_miss_is_allowed_there_is_nothing_to_add_up(
    at_least: float | None, at_most: float | None
) -> None:
    found = evidence_over(runs_of([60, 60], at_least=at_least, at_most=at_most), WEEKS)

    assert not found.alarmed
    assert found.tested == 0


@pytest.mark.parametrize(("horizon", "alpha"), [(0, 0.05), (52, 0.0), (52, 1.0)])
def test_a_horizon_or_level_that_means_nothing_is_refused(horizon: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="no evidence"):
        evidence_over([], horizon, alpha=alpha)


@given(runs=st.lists(st.lists(counts, min_size=1, max_size=3), min_size=1, max_size=8))
def test_more_misses_are_never_less_evidence(runs: list[list[tuple[int, int]]]) -> None:
    worse = [[(min(missed + 1, tested), tested) for missed, tested in run] for run in runs]

    less = evidence_over([run_of(*run) for run in runs], WEEKS)
    more = evidence_over([run_of(*run) for run in worse], WEEKS)

    assert more.log_e >= less.log_e
    assert more.alarmed or not less.alarmed


@given(
    tested=st.lists(st.integers(1, 2_000), max_size=60),
    at_least=st.floats(0.01, 0.999),
    horizon=st.integers(1, 400),
)
def test_a_service_that_misses_nothing_is_never_accused(
    tested: list[int], at_least: float, horizon: int
) -> None:
    runs = [run_of((0, one), at_least=at_least) for one in tested]

    assert not evidence_over(runs, horizon).alarmed


@given(run=st.lists(counts, min_size=1, max_size=4), order=st.randoms(use_true_random=False))
def test_the_order_of_parts_within_a_run_is_irrelevant(
    run: list[tuple[int, int]], order: Random
) -> None:
    reading = run_of(*run)
    parts = list(reading.parts)
    order.shuffle(parts)
    turned = evidence_over([replace_fields(reading, parts=tuple(parts))], WEEKS)

    assert turned.log_e == pytest.approx(evidence_over([reading], WEEKS).log_e, rel=1e-12)


def test_ten_years_of_daily_runs_neither_overflow_nor_take_long() -> None:
    begun = process_time()
    bad = evidence_over(runs_of([1_000] * 3_650, 1_000), 365)
    good = evidence_over(runs_of([0] * 3_650, 1_000), 365)

    assert process_time() - begun < 20
    assert bad.e_value == math.inf
    assert math.isfinite(bad.log_e)
    assert bad.since == 0
    assert 0 <= good.e_value < 1
    assert math.isfinite(good.log_e)
    changed = evidence_over(runs_of([0] * 3_640 + [200] * 10, 1_000), 365)
    assert (changed.alarmed_at, changed.since) == (3_640, 3_640)


def test_it_says_since_when_and_what_was_missed_since() -> None:
    found = evidence_over(runs_of([3] * 30 + [15] * 5 + [0] * 10), WEEKS)

    assert found.alarmed
    assert found.alarmed_at in {30, 31}
    assert found.since == 30
    assert found.highest_log_e > found.log_e
    assert (found.recent.tested, found.recent.missed) == (15 * 60, 75)
    assert (found.tested, found.missed) == (45 * 60, 165)


def test_a_worse_change_after_an_alarm_is_what_the_evidence_points_to() -> None:
    found = evidence_over(runs_of([25] + [0] * 40 + [30] * 3), WEEKS)

    assert (found.alarmed_at, found.since) == (0, 41)
    assert (found.recent.tested, found.recent.missed) == (180, 90)


@pytest.mark.parametrize(("at_least", "parts"), [(0.9, 1), (0.95, 1), (0.95, 5)])
def test_a_service_at_the_threshold_is_accused_in_at_most_5_percent_of_years(
    at_least: float, parts: int
) -> None:
    random, years = np.random.default_rng(19), 600
    alarms = 0
    for _ in range(years):
        missed = random.binomial(60 // parts, 1 - at_least, (WEEKS, parts))
        runs = [
            run_of(*((int(one), 60 // parts) for one in run), at_least=at_least) for run in missed
        ]
        alarms += evidence_over(runs, WEEKS).alarmed

    assert alarms <= 0.05 * years


def test_a_run_has_no_expected_evidence_where_the_rate_is_reached() -> None:
    """The e-value of one run has expectation 1 with, and less without, replacement."""
    values = [evidence_over(runs_of([missed], 20), 1).e_value for missed in range(21)]
    with_replacement = sum(
        math.comb(20, x) * 0.1**x * 0.9 ** (20 - x) * value for x, value in enumerate(values)
    )
    without = sum(
        math.comb(4, x) * math.comb(36, 20 - x) / math.comb(40, 20) * values[x] for x in range(5)
    )

    assert with_replacement == pytest.approx(1.0)
    assert without < 1


def test_a_domain_counts_with_the_share_of_its_items() -> None:
    """Half of the items of each of ten domains are five misses, and less evidence than 0 and 10."""
    halves = evidence_over([run_of((5.0, 10))], 1).log_e
    none = evidence_over([run_of((0, 10))], 1).log_e
    each = evidence_over([run_of((10, 10))], 1).log_e

    assert none < halves < math.log((math.exp(none) + math.exp(each)) / 2)


def test_a_change_after_a_long_good_time_is_found_which_the_plain_process_misses() -> None:
    random = np.random.default_rng(5)
    missed = [*random.binomial(60, 0.02, 100).tolist(), *random.binomial(60, 0.2, 10).tolist()]
    threshold = Threshold(at_least=0.9, provenance="proposed", source="TEST")

    found = evidence_over(runs_of(missed), WEEKS)

    assert found.alarmed_at is not None
    assert 100 <= found.alarmed_at <= 105
    assert found.since is not None
    assert 99 <= found.since <= 102
    assert level_of_evidence(Tally(60 * len(missed), sum(missed)), threshold) == 1.0


def test_a_change_in_one_of_five_categories_is_found_and_named() -> None:
    random = np.random.default_rng(6)
    good = random.binomial(30, 0.02, (40, 5))
    bad = random.binomial(30, [0.02, 0.02, 0.3, 0.02, 0.02], (10, 5))
    runs = [run_of(*((int(one), 30) for one in run)) for run in [*good, *bad]]

    found = evidence_over(runs, WEEKS)

    assert found.alarmed_at is not None
    assert 40 <= found.alarmed_at <= 45
    assert max(found.per_part, key=lambda part: part.log_e).group == "c"
    assert sum(part.log_e > 0 for part in found.per_part) == 1


def test_a_reading_says_what_the_outcome_showed() -> None:
    misses = tuple(
        Witness(item=f"x{number // 2}", value="", category="GAMB", state="", mechanism="", rule="")
        for number in range(60)
    )
    failed = replace(outcome(Conformity.DOES_NOT_CONFORM, BLOCKS, 50, 60), witnesses=misses)

    one = reading_of(failed)

    assert one.key == ("URL-01", "ks2", "proxy")
    assert (one.severity, one.rule, one.metric, one.unit) == (
        "Maj",
        "guarded",
        "block_rate",
        "share",
    )
    assert one.conformity is Conformity.DOES_NOT_CONFORM
    assert one.value == pytest.approx(50 / 60)
    assert (one.at_least, one.at_most) == (0.95, None)
    assert [(part.group, part.tested) for part in one.parts] == [("", 60)]
    assert one.parts[0].missed == pytest.approx(10)
    assert one.missed_items == tuple(f"x{number}" for number in range(20))
    assert one.is_binding


def test_a_void_outcome_counts_nothing_and_accuses_nobody() -> None:
    void = reading_of(outcome(Conformity.INSUFFICIENT, BLOCKS, 0, 60), is_void=True)

    assert void.parts == ()
    assert void.missed_items == ()
    assert not evidence_over([void], 1).alarmed


def test_undecided_items_count_as_right_in_each_part() -> None:
    right = outcome(Conformity.CONFORMS, OVERBLOCKS, 3, 60)
    doubtful = replace(right.metric, indeterminate=40)
    empty = replace(right.metric, value=None, n=0, k=0)
    parts = tuple(
        Part(group=name, source=Source(), metric=metric)
        for name, metric in (("x", doubtful), ("y", right.metric), ("z", empty))
    )

    one = reading_of(replace(right, metric=replace(right.metric, parts=parts)))

    assert [(part.group, part.tested) for part in one.parts] == [
        ("x, agreed items", 100),
        ("y, agreed items", 60),
    ]
    assert [part.missed for part in one.parts] == pytest.approx([3, 3])


def test_a_domain_with_many_items_counts_once() -> None:
    """59 domains are right; the 60th has 100 items, all of them missed: one miss, not 38."""
    one = outcome(Conformity.CONFORMS, BLOCKS, 59, 159)
    spread = Spread(domains=60, rate=59 / 60, tried=61, least=59.0, most=60.0)

    blocked = reading_of(replace(one, metric=replace(one.metric, spread=spread)))
    allowed = outcome(Conformity.CONFORMS, OVERBLOCKS, 100, 159)
    few = Spread(domains=60, rate=1 / 60, tried=61, least=1.0, most=2.0)
    wrongly = reading_of(replace(allowed, metric=replace(allowed.metric, spread=few)))

    assert [(part.tested, part.missed) for part in blocked.parts] == [(61, 1.0)]
    assert [(part.tested, part.missed) for part in wrongly.parts] == [(61, 1.0)]


def test_what_is_no_rate_has_its_value_and_no_parts() -> None:
    rate = outcome(Conformity.CONFORMS, BLOCKS, 60, 60)
    slow = replace(rate, metric=replace(rate.metric, name="first_byte_overhead", unit="s"))

    one = reading_of(slow)

    assert one.parts == ()
    assert (one.metric, one.unit, one.value) == ("first_byte_overhead", "s", 1.0)
    assert not one.is_rate
