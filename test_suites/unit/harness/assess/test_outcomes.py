"""The three-way decision: METHOD table 2, and what can never become a pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special

from harness.assess.outcomes import assess
from harness.model.metric import (
    CANNOT_DECIDE,
    CANNOT_MEASURE,
    NOT_IMPLEMENTED,
    PEOPLE_JUDGE,
    Metric,
)
from harness.model.outcome import Conformity, Measurement, Outcome, Precondition
from harness.model.scheme import Decision, Requirement

CONFORMS, FAILS, INSUFFICIENT = (
    Conformity.CONFORMS,
    Conformity.DOES_NOT_CONFORM,
    Conformity.INSUFFICIENT,
)
RANK = {FAILS: 0, INSUFFICIENT: 1, CONFORMS: 2}

SIZES = (100, 200, 300, 500, 1000, 2000, 5000, 10000)
TABLE_2 = {
    0.90: "4/16 12/28 21/40 38/62 84/117 177/223 464/536 950/1051",
    0.95: "1/10 4/16 8/22 16/34 38/63 83/117 224/277 463/537",
    0.98: "-/6 0/8 1/11 4/16 12/29 29/52 83/118 176/224",
    0.99: "-/4 -/6 0/7 1/10 4/16 12/29 38/63 83/118",
    0.999: "-/2 -/2 -/2 -/3 -/4 -/6 1/10 4/16",
}


def requirement(rule: str = "guarded", n_min: int = 0, **threshold: float) -> Requirement:
    return Requirement.model_validate(
        {
            "id": "URL-01",
            "title": "t",
            "area": "url",
            "severity": "Crit",
            "rule": rule,
            "n_min": n_min,
            "measure": {"metric": "m"},
            "threshold": {**threshold, "provenance": "proposed", "source": "test"},
        }
    )


def rate(k: int, n: int, indeterminate: int = 0) -> Metric:
    """A rate with the exact bounds that the reference states, made with scipy alone."""
    whole = n + indeterminate
    top = k + indeterminate
    return Metric(
        name="m",
        unit="share",
        value=k / n if n else None,
        k=k,
        n=n,
        indeterminate=indeterminate,
        lower=float(special.betaincinv(k, whole - k + 1, 0.05)) if k and n else 0.0 if n else None,
        upper=1.0 if top == whole else float(special.betaincinv(top + 1, whole - top, 0.95)),
        method="exact",
        alpha=0.05,
    )


def count(k: int, n: int, indeterminate: int = 0) -> Metric:
    value = float(k) if n else None
    return replace(rate(0, n, indeterminate), unit="items", k=k, value=value)


def held(wanted: Requirement, metric: Metric, *preconditions: Precondition) -> Outcome:
    taken = Measurement(requirement=wanted, profile="ks2", line="proxy", metric=metric)
    return assess([taken], Decision(), preconditions)[0]


@pytest.mark.parametrize("threshold", TABLE_2)
def test_the_decisions_are_those_of_method_table_2(threshold: float) -> None:
    wanted = requirement(at_least=threshold)
    for n, cell in zip(SIZES, TABLE_2[threshold].split(), strict=True):
        misses, failing = cell.split("/")
        if misses == "-":
            assert held(wanted, rate(n, n)).conformity is INSUFFICIENT
        else:
            assert held(wanted, rate(n - int(misses), n)).conformity is CONFORMS
            assert held(wanted, rate(n - int(misses) - 1, n)).conformity is INSUFFICIENT
        assert held(wanted, rate(n - int(failing), n)).conformity is FAILS
        assert held(wanted, rate(n - int(failing) + 1, n)).conformity is INSUFFICIENT


def test_over_blocking_is_the_mirror_of_the_same_table() -> None:
    wanted = requirement(at_most=0.05)

    assert held(wanted, rate(0, 60)).conformity is CONFORMS
    assert held(wanted, rate(4, 200)).conformity is CONFORMS
    assert held(wanted, rate(5, 200)).conformity is INSUFFICIENT
    assert held(wanted, rate(16, 200)).conformity is FAILS


@given(st.data(), st.integers(1, 400), st.integers(0, 20), st.sampled_from([0.5, 0.9, 0.99]))
def test_one_more_miss_never_improves_an_outcome(
    data: st.DataObject, n: int, indeterminate: int, threshold: float
) -> None:
    k = data.draw(st.integers(1, n))
    wanted = requirement(at_least=threshold)

    before = held(wanted, rate(k, n, indeterminate)).conformity
    after = held(wanted, rate(k - 1, n, indeterminate)).conformity

    assert RANK[after] <= RANK[before]


@given(st.data(), st.integers(2, 400), st.integers(0, 20))
def test_a_block_that_becomes_doubtful_never_helps_a_pass(
    data: st.DataObject, n: int, indeterminate: int
) -> None:
    k = data.draw(st.integers(1, n))
    wanted = requirement(at_least=0.9)
    assume(held(wanted, rate(k, n, indeterminate)).conformity is not CONFORMS)

    assert held(wanted, rate(k - 1, n - 1, indeterminate + 1)).conformity is not CONFORMS


def test_at_the_threshold_a_lucky_pass_is_no_likelier_than_alpha() -> None:
    wanted = requirement(at_least=0.9)
    draws = [int(k) for k in np.random.default_rng(2008).binomial(200, 0.9, size=10_000)]
    outcomes = {k: held(wanted, rate(k, 200)).conformity for k in set(draws)}

    assert sum(outcomes[k] is CONFORMS for k in draws) <= 0.05 * len(draws)
    assert sum(outcomes[k] is FAILS for k in draws) <= 0.05 * len(draws)


def test_an_insufficient_outcome_leans_and_says_why() -> None:
    outcome = held(requirement(at_least=0.9), rate(92, 100))

    assert (outcome.conformity, outcome.leaning) == (INSUFFICIENT, "pass")
    assert outcome.reasons[0] == (
        "100 items are too few to be sure that the true rate is at least 90 %; "
        "about 900 would be enough if the rest behave the same"
    )
    assert held(requirement(at_least=0.9), rate(88, 100)).leaning == "fail"
    assert "no practical number" in held(requirement(at_least=0.9), rate(90, 100)).reasons[0]


@pytest.mark.parametrize(("k", "n", "threshold"), [(92, 100, 0.9), (20, 20, 0.9), (85, 100, 0.9)])
def test_the_number_of_items_that_is_told_would_do(k: int, n: int, threshold: float) -> None:
    wanted = requirement(at_least=threshold)
    told = held(wanted, rate(k, n)).reasons[0]
    needed = int(told.partition("about ")[2].partition(" would")[0].replace(",", ""))

    assert held(wanted, rate(round(needed * k / n), needed)).conformity is not INSUFFICIENT


def test_the_historic_point_rule_is_printed_beside_the_guarded_one() -> None:
    assert held(requirement(at_least=0.9), rate(92, 100)).decided_by == (
        "guarded: at least 90 % must hold for the one-sided 95 % confidence bound "
        "(86.03 % to 95.96 %); by the measured value alone (92 %): met"
    )


def test_too_many_doubtful_items_forbid_a_pass_but_not_a_fail() -> None:
    wanted = requirement(at_least=0.9)

    assert held(wanted, rate(1000, 1000, 28)).conformity is CONFORMS
    assert held(wanted, rate(1000, 1000, 29)).conformity is INSUFFICIENT
    assert held(wanted, rate(100, 1000, 100)).conformity is FAILS


def test_fewer_items_than_agreed_forbid_a_pass_but_not_a_fail() -> None:
    wanted = requirement(at_least=0.9, n_min=500)

    assert held(wanted, rate(400, 400)).conformity is INSUFFICIENT
    assert "the agreed minimum is 500" in held(wanted, rate(400, 400)).reasons[0]
    assert held(wanted, rate(100, 400)).conformity is FAILS


@pytest.mark.parametrize("rule", ["guarded", "quantile", "census", "report", "evidence"])
@pytest.mark.parametrize("indeterminate", [0, 50])
def test_nothing_counted_is_never_favourable(rule: str, indeterminate: int) -> None:
    metric = replace(rate(0, 0), indeterminate=indeterminate, upper=None)
    for wanted in (requirement(rule, at_least=0.0), requirement(rule, at_most=1.0)):
        outcome = held(wanted, metric)

        assert (outcome.conformity, outcome.leaning) == (INSUFFICIENT, "")
        assert outcome.reasons


def test_a_census_fails_by_one_miss_and_passes_only_with_none_undecided() -> None:
    wanted = requirement("census", n_min=10, at_most=0)

    assert held(wanted, count(1, 6000)).conformity is FAILS
    assert held(wanted, count(1, 6000, 9)).conformity is FAILS
    assert held(wanted, count(0, 6000, 1)).conformity is INSUFFICIENT
    assert held(wanted, count(0, 9)).conformity is INSUFFICIENT
    assert held(wanted, count(0, 10)).conformity is CONFORMS


def test_a_deterministic_check_must_hold_for_each_item() -> None:
    wanted = requirement("functional", at_least=1.0)

    assert held(wanted, rate(5, 5)).conformity is CONFORMS
    assert held(wanted, rate(4, 5)).conformity is FAILS
    assert held(wanted, rate(5, 5, 1)).conformity is INSUFFICIENT


def test_a_gate_never_fails_a_service() -> None:
    wanted = requirement("gate", at_least=1.0)

    assert held(wanted, rate(5, 5)).conformity is CONFORMS
    assert held(wanted, rate(4, 5)).conformity is INSUFFICIENT
    assert held(wanted, rate(4, 5)).reasons[0] == "80 % was measured; at least 100 % is required"


def test_a_report_is_never_decided_and_binds_nobody() -> None:
    outcome = held(requirement("report", at_least=0.9), rate(100, 100))

    assert outcome.conformity is INSUFFICIENT
    assert not outcome.requirement.binding
    assert outcome.reasons == ("for information only: nothing is decided",)


def test_what_is_not_built_is_insufficient_and_says_so() -> None:
    unbuilt = replace(rate(0, 0), method=NOT_IMPLEMENTED, upper=None)

    assert held(requirement(at_least=0.9), unbuilt).reasons[0] == CANNOT_MEASURE
    of_people = replace(rate(0, 0), name="signature_age")
    assert held(requirement(at_least=0.9), of_people).reasons[0] == PEOPLE_JUDGE
    undecided = held(requirement("evidence", at_least=0.9), rate(9, 9))
    assert undecided.reasons[0] == CANNOT_DECIDE


def test_an_unbounded_quantile_is_insufficient() -> None:
    metric = replace(rate(5, 5), unit="s", value=0.01, lower=None, upper=None)

    outcome = held(requirement("quantile", at_most=0.15), metric)

    assert (outcome.conformity, outcome.leaning) == (INSUFFICIENT, "pass")
    assert "sure that the true value is at most 150 ms" in outcome.reasons[0]


def precondition(*, is_held: bool, **place: Any) -> Precondition:
    place = {"line": "proxy", "profile": "ks2"} | place
    return Precondition(name="filter on", held=is_held, detail="must-block was allowed", **place)


def test_a_failed_precondition_is_named_where_it_matters() -> None:
    wanted, metric = requirement(at_least=0.9), rate(92, 100)

    named = held(wanted, metric, precondition(is_held=False)).reasons
    elsewhere = held(wanted, metric, precondition(is_held=False, line="resolver")).reasons

    assert "filter on: must-block was allowed" in named
    assert "filter on: must-block was allowed" not in elsewhere


def test_no_pass_stands_where_no_precondition_held() -> None:
    wanted, metric = requirement(at_least=0.9), rate(100, 100)

    assert held(wanted, metric).conformity is CONFORMS
    assert held(wanted, metric, precondition(is_held=False)).conformity is INSUFFICIENT
    assert (
        held(wanted, metric, precondition(is_held=False), precondition(is_held=True)).conformity
        is CONFORMS
    )


def test_no_failure_stands_where_no_precondition_held() -> None:
    wanted, metric = requirement(at_least=0.9), rate(10, 100)
    undecided = held(wanted, metric, precondition(is_held=False, line="*", profile="*"))

    assert held(wanted, metric).conformity is FAILS
    assert (undecided.conformity, undecided.leaning) == (INSUFFICIENT, "fail")
    assert "no precondition of the test was met" in undecided.reasons


def test_items_left_out_are_told() -> None:
    metric = replace(rate(100, 100), left_out={"down": 3})
    told = held(requirement(at_least=0.9), metric).reasons

    assert told == ("3 left out: not working on the unfiltered line either",)


def test_a_range_must_be_met_on_both_sides() -> None:
    wanted = requirement(at_least=0.2, at_most=0.8)

    assert held(wanted, rate(50, 100)).conformity is CONFORMS
    assert held(wanted, rate(24, 100)).conformity is INSUFFICIENT  # one side alone is certain
    assert held(wanted, rate(99, 100)).conformity is FAILS
    assert held(wanted, rate(1, 100)).conformity is FAILS
    assert "sure that the true rate is at most 80 %" in held(wanted, rate(78, 100)).reasons[0]


def test_a_census_of_half_a_list_is_none() -> None:
    wanted = requirement("census", at_most=0)
    half = replace(count(0, 60), frame=120)
    with_dead = replace(count(0, 118), frame=120, left_out={"down": 2})

    assert Conformity.INSUFFICIENT is held(wanted, half).conformity
    assert ("60 of 120 entries were tried; all must be",) == held(wanted, half).reasons
    assert "2 entries were left out; all must be tried" in held(wanted, with_dead).reasons
    assert Conformity.DOES_NOT_CONFORM is held(wanted, replace(count(1, 60), frame=120)).conformity
