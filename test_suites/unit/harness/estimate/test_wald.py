"""Wald's test: table 3, the error rates it promises, and doubt that counts both ways."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.planning import course
from harness.estimate.stopping_tests import (
    ACCUSED_AMONG,
    Decision,
    ItemResult,
    PlanTest,
    Sprt,
    SprtPlan,
    combine_decisions,
)
from harness.model.corpus import Item

TABLE_3 = {
    0.90: ((159, 128), (82, 58)),
    0.95: ((331, 266), (170, 120)),
    0.98: ((850, 677), (434, 304)),
    0.99: ((1713, 1363), (875, 610)),
    0.995: ((3440, 2735), (1757, 1224)),
    0.999: ((17258, 13711), (8813, 6132)),
}


def plan(bad: float, part: int) -> SprtPlan:
    return SprtPlan(bad=bad, good=1 - (1 - bad) / part)


@pytest.mark.parametrize("bad", TABLE_3)
def test_the_mean_numbers_are_those_of_method_table_3(bad: float) -> None:
    for part, expected in zip((2, 3), TABLE_3[bad], strict=True):
        wald = plan(bad, part)
        means = wald.expected_items(wald.good), wald.expected_items(wald.bad)

        assert tuple(int(mean + 0.5) for mean in means) == expected


@pytest.mark.parametrize(
    ("bad", "good", "alpha"),
    [(0.9, 0.98, 0.05), (0.9, 0.999, 0.05), (0.95, 0.99, 0.01), (0.5, 0.9, 0.05)],
)
def test_both_risks_are_what_was_declared(bad: float, good: float, alpha: float) -> None:
    """Exact, by following every number of misses; a service at the mark rarely ends either way."""
    wald = SprtPlan(bad=bad, good=good, alpha=alpha, beta=0.2)
    at_the_mark = course(wald, bad, 1500)
    among = course(wald, bad, 1500, alpha / 12)

    assert 0.4 * alpha < at_the_mark.passes <= alpha
    assert at_the_mark.fails <= alpha / ACCUSED_AMONG
    assert at_the_mark.fails_among <= alpha
    assert among.fails_among <= alpha / 12
    assert course(wald, good, 1500).fails_among < 1e-4


def test_a_clear_failure_ends_the_test_and_a_good_service_passes_early() -> None:
    """At 80 % the old test gave up after 15 items, because that is not 98 %."""
    wald = SprtPlan(bad=0.9, good=0.98, alpha=0.05, beta=0.1)
    clear, good = course(wald, 0.8, 500), course(wald, 0.98, 500)

    assert clear.fails > 0.98
    assert 150 < clear.items < 220
    assert good.passes > 0.999
    assert good.items < 65
    assert course(wald, 0.8, 250, 0.05 / 11).fails_among > 0.85, "also where all items were tried"


def test_the_exact_course_is_that_of_the_test_itself() -> None:
    random = np.random.default_rng(11)
    ends = []
    for _ in range(400):
        running = Sprt(plan=SMALL)
        for blocked in random.random(60) < 0.5:
            running.add(blocked=bool(blocked))
        ends.append((running.decision, running.blocked + running.missed))
    exact = course(SMALL, 0.5, 60)

    for decision, share in (("pass", exact.passes), ("fail", exact.fails)):
        seen = sum(end == decision for end, _ in ends) / 400
        assert abs(seen - share) < 4 * (max(share, 0.01) * (1 - share) / 400) ** 0.5
    assert sum(used for _, used in ends) / 400 == pytest.approx(exact.items, rel=0.1)


def test_walds_own_boundaries_pass_more_than_was_declared() -> None:
    """Why alpha / (1 - beta) is not used: 5.2 % where 5 % is declared."""
    wald = SprtPlan(bad=0.9, good=0.98, alpha=0.05, beta=0.1)

    assert passing(wald, 0.9, math.log(0.05 / 0.9)) == pytest.approx(0.0516, abs=5e-4)


def passing(wald: SprtPlan, rate: float, pass_at: float) -> float:
    """The probability that a service passes Wald's test, which rejects at 1 / beta."""
    passed = 0.0
    going = np.array([1.0])  # by the number of misses
    blocked = 0
    while going.sum() > 1e-6:
        total = np.zeros(len(going) + 1)
        total[:-1] += going * rate
        total[1:] += going * (1 - rate)
        blocked += 1
        misses = np.arange(len(total))
        ratio = misses * wald.miss_step + (blocked - misses) * wald.block_step
        ends = ratio <= pass_at + 1e-12
        passed += float(total[ends].sum())
        going = np.where(ends | (ratio >= math.log(1 / wald.beta)), 0.0, total)
    return passed


def test_a_decision_is_final() -> None:
    running = Sprt(plan=plan(0.9, 2))
    for _ in range(200):
        running.add(blocked=True)

    assert running.decision == "pass"
    for _ in range(50):
        running.add(blocked=False)
    assert running.decision == "pass"


def test_a_plan_needs_two_rates_in_order() -> None:
    with pytest.raises(ValueError, match="bad < good"):
        SprtPlan(bad=0.95, good=0.9)


ENDINGS = st.lists(st.sampled_from(["blocked", "blocked", "blocked", "missed", "doubtful", "none"]))
SMALL = SprtPlan(bad=0.6, good=0.9, alpha=0.2, beta=0.2)


def item(name: str, site: str = "") -> Item:
    return Item(id=name, value=name, labels=("PORN",), registrable=site)


def run(endings: list[ItemResult], wald: SprtPlan = SMALL) -> tuple[Decision, int]:
    """The decision over a sequence, and how many items it rests on."""
    test = PlanTest(plan=wald)
    for number, item_result in enumerate(endings):
        test.add(item(str(number)), item_result)
    return test.decision, test.used


@given(endings=ENDINGS, truths=st.lists(st.booleans(), min_size=30, max_size=30))
def test_whatever_the_doubtful_items_really_were_the_decision_is_the_same(
    endings: list[ItemResult], truths: list[bool]
) -> None:
    decision, used = run(endings)
    truth = itertools.cycle(truths)
    resolved: list[ItemResult] = [
        ("blocked" if next(truth) else "missed") if item_result == "doubtful" else item_result
        for item_result in endings
    ]
    known, sooner = run(resolved)

    if decision != "continue":
        assert decision == known
        assert sooner <= used


@given(endings=ENDINGS, more=ENDINGS)
def test_later_items_change_nothing(endings: list[ItemResult], more: list[ItemResult]) -> None:
    decided, used = run(endings)

    if decided != "continue":
        assert (decided, used) == run(endings + more)


@pytest.mark.parametrize(
    ("frames", "decision"),
    [
        ([], "continue"),
        (["pass"], "pass"),
        (["pass", "pass"], "pass"),
        (["pass", "continue"], "continue"),
        (["fail", "continue"], "continue"),
        (["pass", "fail"], "fail"),
    ],
)
def test_each_frame_must_pass_by_a_test_of_its_own(
    frames: list[Decision], decision: Decision
) -> None:
    assert combine_decisions(frames) == decision


def test_doubt_alone_decides_nothing() -> None:
    assert run(["doubtful"] * 500) == ("continue", 500)


def test_of_one_domain_the_first_item_counts() -> None:
    test = PlanTest(plan=plan(0.9, 2))
    for number in range(100):
        test.add(item(str(number), "a.test"), "missed")

    assert (test.decision, test.missed) == ("continue", 1)


def test_a_bad_service_passes_no_oftener_than_declared_where_items_are_doubtful() -> None:
    """500 services at the bad rate, looked at after every item; a tenth of the items doubtful."""
    random = np.random.default_rng(20)
    wald = SprtPlan(bad=0.9, good=0.98, alpha=0.05, beta=0.1)
    ends = []
    for _ in range(500):
        draws, doubts = random.random(300), random.random(300) < 0.1
        endings: list[ItemResult] = [
            "doubtful" if unsure else "blocked" if draw < wald.bad else "missed"
            for draw, unsure in zip(draws, doubts, strict=True)
        ]
        ends.append(run(endings, wald)[0])

    assert ends.count("pass") <= 500 * 0.05
    assert ends.count("fail") == 0
