"""Failures among several outcomes are corrected for multiple testing (Holm); passes are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.assess.outcomes import assess
from harness.model.metric import Metric, Span, Spread
from harness.model.outcome import Measurement, Outcome
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

NINETY = requirement(at_least=0.9)
LOOSE = requirement(at_least=0.9).model_copy(update={"binding": False})
CENSUS = requirement("census", at_most=0)


def measured(*rows: tuple[Requirement, Metric]) -> tuple[Outcome, ...]:
    """The outcomes of requirements that are decided together."""
    taken = [
        Measurement(requirement=wanted, profile=f"p{n}", line="proxy", metric=metric)
        for n, (wanted, metric) in enumerate(rows)
    ]
    return assess(taken, Decision())


def below(p_value: float, alpha: float = 0.05) -> Metric:
    """A rate whose upper bound is below 90 %, at a given level."""
    return replace(rate(80, 100), p_value=p_value, alpha=alpha, upper=0.89)


FINE = replace(rate(100, 100), p_value=1.0)


def test_a_failure_among_several_outcomes_needs_a_smaller_p_value() -> None:
    alone = measured((NINETY, below(0.03)))
    among = measured((NINETY, below(0.03)), (NINETY, FINE))

    assert [one.conformity for one in alone] == [FAILS]
    assert [one.conformity for one in among] == [INSUFFICIENT, CONFORMS]
    assert among[0].leaning == "fail"
    [reason] = among[0].reasons
    assert reason == (
        "not met if looked at alone, but not surely among all outcomes "
        "(Holm's correction over 2 outcomes: adjusted p 0.06)"
    )
    assert among[0].decided_by.endswith(
        "; to fail: Holm's correction over 2 outcomes: adjusted p 0.06"
    )
    assert "Holm" not in alone[0].decided_by


def test_holm_corrects_each_next_outcome_by_the_number_of_those_left() -> None:
    found = measured((NINETY, below(0.02)), (NINETY, below(0.03)), (NINETY, below(1e-9)))

    assert [one.conformity for one in found] == [FAILS, FAILS, FAILS]
    assert [one.conformity for one in measured((NINETY, below(0.03)), (NINETY, below(0.03)))] == [
        INSUFFICIENT,
        INSUFFICIENT,
    ]


def test_non_binding_and_census_outcomes_do_not_count_in_the_correction() -> None:
    found = measured((NINETY, below(0.03)), (LOOSE, below(0.04)), (CENSUS, count(1, 60)))

    assert [one.conformity for one in found] == [FAILS, FAILS, FAILS]
    empty = replace(rate(0, 0), p_value=0.5, upper=None)
    assert measured((NINETY, below(0.03)), (NINETY, empty))[0].conformity is FAILS


def test_each_outcome_is_corrected_at_its_own_alpha() -> None:
    strict = NINETY.model_copy(update={"alpha": 0.01})
    found = measured((NINETY, below(0.02)), (strict, below(0.006, alpha=0.01)))

    assert [one.conformity for one in found] == [FAILS, FAILS]
    missed = measured((NINETY, FINE), (strict, below(0.006, alpha=0.01)))
    assert [one.conformity for one in missed] == [CONFORMS, INSUFFICIENT]


@pytest.mark.parametrize(("domains", "conformity"), [(49, INSUFFICIENT), (50, CONFORMS)])
def test_n_min_counts_domains(domains: int, conformity: object) -> None:
    wanted = requirement(at_least=0.9, n_min=50)
    spread = Spread(domains=domains, rate=1.0, tried=domains, least=domains, most=domains)
    found = held(wanted, replace(rate(500, 500), spread=spread))

    assert found.conformity is conformity
    if domains < 50:
        assert "49 domains were decided; the agreed minimum is 50" in found.reasons


def test_a_pooled_rate_below_the_threshold_prevents_a_pass_but_is_no_failure() -> None:
    large = replace(rate(400, 600), lower=0.95, upper=1.0, pooled=Span(0.67, 0.67))
    found = held(NINETY, large)

    assert (found.conformity, found.leaning) == (INSUFFICIENT, "fail")
    assert "large domains fare worse" in found.reasons[0]
    assert held(NINETY, replace(large, pooled=Span(0.9, 0.9))).conformity is CONFORMS
