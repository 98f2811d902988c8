"""What an outcome says beside its conformity: which way it leans, why, and by which rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.assess.outcomes import assess
from harness.model.metric import NOT_IMPLEMENTED, Metric, Span, Spread
from harness.model.outcome import Measurement, Outcome, Precondition, Sequential
from harness.model.scheme import Decision, Requirement
from test_suites.unit.harness.assess.test_outcomes import (
    CONFORMS,
    FAILS,
    INSUFFICIENT,
    count,
    held,
    rate,
    requirement,
)


def row(metric: Metric, wanted: Requirement | None = None, **more: Any) -> Measurement:
    wanted = wanted or requirement(at_least=0.9)
    return Measurement(requirement=wanted, profile="ks2", line="proxy", metric=metric, **more)


def settled(*rows: Measurement) -> tuple[Outcome, ...]:
    return assess(rows, Decision())


def below(p_value: float | None) -> Metric:
    """A rate that fails by its bounds; the p-value is what Holm's correction sees."""
    return replace(rate(80, 100), p_value=p_value)


def test_one_failure_of_two_must_stand_holms_correction() -> None:
    first, second = settled(row(below(0.03)), row(below(0.04)))

    assert (first.conformity, first.leaning) == (INSUFFICIENT, "fail")
    assert first.reasons == (
        (
            "not met if looked at alone, but not surely among all outcomes "
            "(Holm's correction over 2 outcomes: adjusted p 0.06)"
        ),
    )
    assert first.decided_by.endswith(
        "not met; to fail: Holm's correction over 2 outcomes: adjusted p 0.06"
    )
    assert second.conformity is INSUFFICIENT
    assert [FAILS, INSUFFICIENT] == [
        one.conformity for one in settled(row(below(0.02)), row(below(0.06)))
    ]


def test_a_row_alone_needs_no_correction() -> None:
    [alone] = settled(row(below(0.04)))

    assert alone.conformity is FAILS
    assert "Holm" not in alone.decided_by


@pytest.mark.parametrize(
    "other",
    [
        row(below(0.04), requirement("report", at_least=0.9)),
        row(replace(count(0, 100), p_value=0.04), requirement("census", at_most=0)),
        row(replace(rate(0, 0), upper=None, p_value=0.04)),
        row(below(0.04), requirement(at_least=0.9).model_copy(update={"binding": False})),
    ],
    ids=["report", "census", "nothing counted", "not binding"],
)
def test_only_binding_rows_that_a_sample_decides_are_corrected(other: Measurement) -> None:
    assert settled(row(below(0.04)), other)[0].conformity is FAILS


def test_a_row_whose_metric_states_no_p_value_stands_under_the_correction_all_the_same() -> None:
    """Its bounds miss at level alpha: alone it fails, and beside another row it may be chance."""
    assert settled(row(below(None)))[0].conformity is FAILS
    among = settled(row(below(None)), row(below(1e-9)))
    assert [one.conformity for one in among] == [FAILS, FAILS]
    unsure, fine = settled(row(below(None)), row(replace(rate(100, 100), p_value=None)))
    assert (unsure.conformity, unsure.leaning) == (INSUFFICIENT, "fail")
    assert fine.conformity is CONFORMS


def test_a_row_that_conforms_counts_in_the_correction_and_stays() -> None:
    failing, conforming = settled(row(below(0.03)), row(replace(rate(100, 100), p_value=1.0)))

    assert (failing.conformity, conforming.conformity) == (INSUFFICIENT, CONFORMS)


@pytest.mark.parametrize("is_held", [True, False])
def test_a_precondition_that_voids_takes_a_pass_and_leaves_a_failure(*, is_held: bool) -> None:
    wanted = requirement(at_least=0.9)
    origin = Precondition(
        name="origin", line="proxy", profile="ks2", held=is_held, detail="silent", voids=True
    )
    on = Precondition(name="filter on", line="proxy", profile="ks2", held=True, detail="on")
    passing, failing = (held(wanted, rate(k, 100), origin, on) for k in (100, 10))

    assert failing.conformity is FAILS
    if is_held:
        assert (passing.conformity, passing.leaning, passing.reasons) == (CONFORMS, "", ())
    else:
        assert (passing.conformity, passing.leaning) == (INSUFFICIENT, "pass")
        assert passing.reasons == (
            "a precondition of the test failed, so no favourable outcome counts",
            "origin: silent",
        )


def test_an_outcome_without_any_precondition_that_held_leans_as_it_would_have_been() -> None:
    off = Precondition(name="filter on", line="proxy", profile="ks2", held=False, detail="off")
    wanted = requirement(at_least=0.9)

    assert held(wanted, rate(100, 100), off).leaning == "pass"
    assert held(wanted, rate(10, 100), off).leaning == "fail"
    assert held(wanted, rate(92, 100), off).leaning == "pass"
    assert held(wanted, rate(100, 100), off, off).reasons == (
        "no precondition of the test was met",
        "filter on: off",
    )


def test_where_it_was_measured_and_on_what_is_kept() -> None:
    passing, failing = settled(
        row(rate(100, 100), kind="agreed", qualifier="agreed list only"),
        row(replace(rate(10, 100), p_value=1e-9), kind="agreed", qualifier="agreed list only"),
    )

    assert (passing.line, passing.profile, passing.kind) == ("proxy", "ks2", "agreed")
    assert (passing.qualifier, failing.qualifier) == ("agreed list only", "")
    assert (passing.leaning, failing.leaning) == ("", "")


@pytest.mark.parametrize(
    ("rule", "metric", "leaning"),
    [
        ("report", rate(100, 100), ""),
        ("evidence", rate(100, 100), ""),
        ("guarded", replace(rate(0, 0), upper=None), ""),
        ("guarded", replace(rate(0, 0), method=NOT_IMPLEMENTED, upper=None), ""),
        ("gate", rate(4, 5), ""),
        ("functional", rate(5, 5, 1), "pass"),
    ],
)
def test_an_undecided_outcome_leans_only_where_there_is_a_value(
    rule: str, metric: Metric, leaning: str
) -> None:
    wanted = requirement(rule, at_least=0.9 if rule != "functional" else 1.0)
    outcome = held(wanted, metric)

    assert (outcome.conformity, outcome.leaning) == (INSUFFICIENT, leaning)


def test_a_bound_on_the_threshold_meets_it() -> None:
    exact = replace(rate(95, 100), lower=0.9, upper=0.98)

    assert held(requirement(at_least=0.9), exact).conformity is CONFORMS
    assert held(requirement(at_least=0.98), exact).conformity is INSUFFICIENT
    assert held(requirement(at_most=0.98), exact).conformity is CONFORMS
    assert held(requirement(at_most=0.9), exact).conformity is INSUFFICIENT


def test_a_value_on_the_threshold_meets_it() -> None:
    assert held(requirement("functional", at_least=0.8), rate(4, 5)).conformity is CONFORMS
    assert held(requirement("functional", at_most=0.8), rate(4, 5)).conformity is CONFORMS
    assert held(requirement("functional", at_least=0.8), rate(3, 5)).conformity is FAILS
    assert held(requirement("functional", at_most=0.8), rate(5, 5)).conformity is FAILS


def test_without_a_value_nothing_is_met() -> None:
    missing = replace(rate(5, 5), value=None)

    assert held(requirement("functional", at_least=0.0), missing).conformity is FAILS
    assert held(requirement("gate", at_least=0.0), missing).conformity is INSUFFICIENT


def test_all_doubts_are_told_at_once() -> None:
    few = replace(rate(5, 5, 1), frame=9)
    census = held(requirement("census", n_min=10, at_least=1.0), few)
    gate = held(requirement("gate", n_min=10, at_least=1.0), rate(4, 5))
    guarded = held(
        requirement(n_min=200, at_least=0.9), replace(rate(100, 100, 10), pooled=Span(0.5, 0.6))
    )

    minimum = "5 items were decided; the agreed minimum is 10"
    assert census.reasons == (
        minimum,
        "1 items could not be decided; every item counts here",
        "6 of 9 entries were tried; all must be",
    )
    assert gate.reasons == (minimum, "80 % was measured; at least 100 % is required")
    assert [reason.partition(":")[0] for reason in guarded.reasons] == [
        "100 items were decided; the agreed minimum is 200",
        "large domains fare worse",
        "10 items (9.09 %) could not be decided; at most 2 % may be undecided",
    ]


def test_a_rate_by_domain_counts_domains_and_leans_by_the_worse_of_both_rates() -> None:
    spread = Spread(domains=40, rate=0.85, tried=40, least=34.0, most=34.0)
    by_domain = replace(rate(92, 100), spread=spread)
    outcome = held(requirement(n_min=50, at_least=0.9), by_domain)

    assert (outcome.conformity, outcome.leaning) == (INSUFFICIENT, "fail")
    assert outcome.reasons[0] == "40 domains were decided; the agreed minimum is 50"


def test_many_items_left_out_forbid_a_pass_and_the_worst_bound_is_told() -> None:
    gone = replace(rate(94, 94), left_out={"down": 6, "moved": 1}, worst=(0.8, 1.0))
    outcome = held(requirement(at_least=0.9), gone)

    assert outcome.conformity is INSUFFICIENT
    assert outcome.reasons == (
        (
            "6 of 101 items were left out (5.94 %); at most 5 % may be left out; if all of them had "
            "gone wrong, the bound would be 80 %"
        ),
        "6 left out: not working on the unfiltered line either",
        "1 left out: moved",
    )


@pytest.mark.parametrize(
    ("wanted", "metric", "said"),
    [
        (requirement("report", at_least=0.9), rate(9, 10), "report: for information only, nothing is decided"),
        (
            requirement("census", at_most=0),
            count(0, 10),
            "census: every item counts; at most 0 items is required, and none undecided",
        ),
        (requirement("gate", at_least=1.0), rate(5, 5), "gate: at least 100 % is required"),
        (requirement("evidence", at_least=0.9), rate(5, 5), "evidence: at least 90 % is required"),
        (
            requirement(at_least=0.9).model_copy(update={"alpha": 0.01}),
            rate(88, 100),
            ("guarded: at least 90 % must hold for the one-sided 99 % confidence bound "
            "(81.28 % to 92.93 %); by the measured value alone (88 %): not met"),
        ),
    ],
)  # fmt: skip
def test_the_rule_is_told_in_words(wanted: Requirement, metric: Metric, said: str) -> None:
    assert said == held(wanted, metric).decided_by


def test_a_plan_that_ended_against_the_service_fails_if_that_stands_among_all_rows() -> None:
    test = Sequential(
        plan=2, bad=0.9, good=0.98, alpha=0.05, beta=0.1, decision="fail",
        blocked=33, missed=1, doubtful=0,
    )  # fmt: skip
    wanted = requirement("sequential", at_least=0.9)
    near, clear = settled(
        row(replace(rate(88, 100), p_value=0.03), wanted, sequential=test),
        row(replace(rate(70, 100), p_value=1e-6), wanted, sequential=test),
    )
    lone = wanted.model_copy(update={"binding": False})
    [unsure] = settled(row(replace(rate(88, 100), p_value=0.06), lone, sequential=test))
    [shown] = settled(row(replace(rate(88, 100), p_value=0.05), lone, sequential=test))
    ended = "stopping plan 2 ended against the service, but not surely among all outcomes "

    assert [one.conformity for one in (clear, near)] == [FAILS, FAILS], "Holm: the largest alone"
    assert (unsure.conformity, unsure.leaning, unsure.reasons[0]) == (
        INSUFFICIENT,
        "fail",
        f"{ended}(p 0.06)",
    )
    assert shown.conformity is FAILS
    [doubted, _] = settled(
        row(replace(rate(88, 100), p_value=0.03), wanted, sequential=test),
        row(replace(rate(100, 100), p_value=1.0), wanted),
    )
    assert doubted.reasons[0] == f"{ended}(Holm's correction over 2 outcomes: adjusted p 0.06)"


def test_an_open_plan_leans_nowhere_and_a_failure_by_it_is_the_plain_one() -> None:
    test = Sequential(
        plan=2, bad=0.9, good=0.98, alpha=0.05, beta=0.1, decision="continue",
        blocked=100, missed=0, doubtful=0, why_open="too few",
    )  # fmt: skip
    wanted = requirement("sequential", n_min=200, at_least=0.9)
    [still] = settled(row(rate(100, 100), wanted, sequential=test))
    low = replace(rate(10, 100), p_value=1e-9)
    [ended] = settled(row(low, wanted, sequential=replace(test, decision="fail")))

    assert (still.conformity, still.leaning) == (INSUFFICIENT, "")
    assert still.reasons == ("too few", "100 items were decided; the agreed minimum is 200")
    assert (ended.conformity, ended.reasons) == (FAILS, ())
    assert ended.decided_by.endswith("; bounds that hold at any time: 5.526 % to 16.37 %")
