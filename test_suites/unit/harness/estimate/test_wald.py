"""Wald's test: table 3, the error rates it promises, and doubt that counts both ways."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.stopping_tests import (
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


@pytest.mark.parametrize(("rate", "wrong"), [(0.9, "pass"), (0.95, "fail")])
def test_wrong_decisions_are_no_likelier_than_planned(rate: float, wrong: str) -> None:
    random = np.random.default_rng(11)
    decisions = []
    for _ in range(1_000):
        running = Sprt(plan=plan(0.9, 2))
        while running.decision == "continue":
            running.add(blocked=bool(random.random() < rate))
        decisions.append(running.decision)

    assert decisions.count(wrong) / len(decisions) <= 0.06  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "good", "alpha", "beta"),
    [
        (0.9, 0.98, 0.05, 0.1),
        (0.9, 0.98, 0.05, 0.2),
        (0.9, 0.999, 0.05, 0.1),
        (0.95, 0.99, 0.01, 0.1),
        (0.5, 0.9, 0.05, 0.2),
    ],
)
def test_both_risks_are_what_was_declared(
    bad: float, good: float, alpha: float, beta: float
) -> None:
    """Exact, by following every number of misses until hardly any test is undecided."""
    wald = SprtPlan(bad=bad, good=good, alpha=alpha, beta=beta)

    assert 0.5 * alpha < chances(wald, bad)[0] <= alpha
    assert 0.1 * beta < chances(wald, good)[1] <= beta


def test_walds_own_boundaries_pass_more_than_was_declared() -> None:
    """Why alpha / (1 - beta) is not used: 5.2 % where 5 % is declared."""
    wald = SprtPlan(bad=0.9, good=0.98, alpha=0.05, beta=0.1)

    assert chances(wald, 0.9, pass_at=math.log(0.05 / 0.9))[0] == pytest.approx(0.0516, abs=5e-4)
    assert chances(wald, 0.9)[0] == pytest.approx(0.0444, abs=5e-4)


def chances(wald: SprtPlan, rate: float, pass_at: float | None = None) -> tuple[float, float]:
    """The probabilities that a service passes and fails."""
    passed = failed = 0.0
    going = np.array([1.0])  # by the number of misses
    blocked = 0
    while going.sum() > 1e-6:
        total = np.zeros(len(going) + 1)
        total[:-1] += going * rate
        total[1:] += going * (1 - rate)
        blocked += 1
        misses = np.arange(len(total))
        ratio = misses * wald.miss_step + (blocked - misses) * wald.block_step
        ends = ratio <= (wald.pass_at if pass_at is None else pass_at) + 1e-12
        falls = ratio >= wald.fail_at
        passed += float(total[ends].sum())
        failed += float(total[falls].sum())
        going = np.where(ends | falls, 0.0, total)
    return passed, failed


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


def test_a_bad_service_passes_no_oftener_than_declared_however_often_one_looks() -> None:
    """2,000 services at the bad rate, looked at after every item; a tenth of the items doubtful."""
    random = np.random.default_rng(20)
    wald = SprtPlan(bad=0.9, good=0.98, alpha=0.05, beta=0.1)
    for doubt in (0.0, 0.1):
        decisions = []
        for _ in range(2_000):
            draws = random.random(600)
            doubts = random.random(600) < doubt
            endings: list[ItemResult] = [
                "doubtful" if unsure else "blocked" if draw < wald.bad else "missed"
                for draw, unsure in zip(draws, doubts, strict=True)
            ]
            decisions.append(run(endings, wald)[0])

        assert decisions.count("pass") / 2_000 <= 0.05 + 3 * (0.05 * 0.95 / 2_000) ** 0.5
