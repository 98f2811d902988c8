"""What a declared stopping test may decide, and what it may not."""

from __future__ import annotations

import pytest

from harness.model.metric import Metric
from harness.model.outcome import Conformity, Measurement, Outcome, Precondition, Sequential
from harness.model.scheme import Decision
from harness.stages.assess import assess
from test_suites.unit.harness.stages.test_assess import (
    CONFORMS,
    FAILS,
    INSUFFICIENT,
    count,
    held,
    rate,
    requirement,
)


def declared(decision: str, why: str = "") -> Sequential:
    """What a declared test came to."""
    return Sequential(
        plan=2,
        bad=0.9,
        good=0.98,
        alpha=0.05,
        beta=0.1,
        decision=decision,
        blocked=33,
        missed=1,
        doubtful=0,
        why_open=why,
    )


def ruled(test: Sequential, metric: Metric, *preconditions: Precondition) -> Outcome:
    wanted = requirement("sequential", n_min=29, at_least=0.9)
    taken = Measurement(
        requirement=wanted, profile="ks2", line="proxy", metric=metric, sequential=test
    )
    return assess([taken], Decision(), preconditions)[0]


def test_a_declared_test_decides_instead_of_the_bounds() -> None:
    assert held(requirement(at_least=0.9), rate(33, 34)).conformity is INSUFFICIENT
    assert ruled(declared("pass"), rate(33, 34)).conformity is CONFORMS
    assert ruled(declared("fail"), rate(33, 34)).conformity is FAILS
    still = ruled(declared("continue", "too few"), rate(34, 34))
    assert (still.conformity, still.reasons, still.leaning) == (INSUFFICIENT, ("too few",), "")
    assert "undecided after 34 items (33 blocked, 1 missed, 0 doubtful)" in still.decided_by
    assert ruled(declared("pass"), rate(33, 34)).sequential == declared("pass")


def test_a_declared_test_grants_nothing_without_what_every_pass_needs() -> None:
    off = Precondition(name="filter-is-on", line="proxy", profile="ks2", held=False, detail="off")

    assert ruled(declared("pass"), rate(20, 20)).conformity is INSUFFICIENT, "n_min"
    assert ruled(declared("pass"), rate(40, 40, 10)).conformity is INSUFFICIENT, "doubt"
    assert ruled(declared("pass"), rate(0, 0)).conformity is INSUFFICIENT, "nothing counted"
    assert ruled(declared("pass"), rate(40, 40), off).conformity is INSUFFICIENT
    assert ruled(declared("fail"), rate(0, 40), off).conformity is INSUFFICIENT


@pytest.mark.parametrize(
    ("rule", "metric", "plain", "leaning"),
    [
        ("guarded", rate(200, 200), CONFORMS, "pass"),
        ("guarded", rate(0, 200), FAILS, "fail"),
        ("guarded", rate(9, 10), INSUFFICIENT, "pass"),
        ("quantile", rate(200, 200), CONFORMS, "pass"),
    ],
)
def test_what_is_barred_is_neither_granted_nor_refused(
    rule: str, metric: Metric, plain: Conformity, leaning: str
) -> None:
    wanted = requirement(rule, at_least=0.9)
    taken = Measurement(
        requirement=wanted, profile="ks2", line="proxy", metric=metric, barred="stopped"
    )
    found = assess([taken], Decision())[0]

    assert held(wanted, metric).conformity is plain
    assert (found.conformity, found.leaning, found.reasons[0]) == (
        INSUFFICIENT,
        leaning,
        "stopped",
    )


def test_item_by_item_what_is_barred_may_still_fail() -> None:
    wanted = requirement("census", at_most=0)
    for metric, expected in ((count(0, 50), INSUFFICIENT), (count(1, 50), FAILS)):
        taken = Measurement(
            requirement=wanted, profile="ks2", line="proxy", metric=metric, barred="stopped"
        )
        assert assess([taken], Decision())[0].conformity is expected
