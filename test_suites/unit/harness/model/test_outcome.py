"""The worst binding outcome speaks for the assessment, and nothing decided is no pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.model.corpus import PackKind
from harness.model.metric import Metric
from harness.model.outcome import Assessment, Conformity, Outcome, Precondition
from harness.model.scheme import Measure, Requirement, Threshold
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_outcome,
    example_requirement,
)
from test_suites.unit.harness.assess.test_outcomes import held, precondition, rate, requirement

METRIC = Metric(
    name="block_rate",
    unit="ratio",
    value=1.0,
    k=60,
    n=60,
    indeterminate=0,
    lower=0.95,
    upper=1.0,
    method="x",
    alpha=0.05,
)


def outcome(conformity: Conformity, *, binding: bool = True) -> Outcome:
    """An outcome of a made-up requirement."""
    requirement = Requirement(
        id="URL-01",
        title="t",
        area="url",
        severity="Crit",
        rule="guarded",
        measure=Measure(metric="block_rate"),
        threshold=Threshold(at_least=0.9, provenance="reported", source="x"),
        binding=binding,
    )
    return Outcome(
        requirement=requirement,
        profile="ks2",
        line="proxy",
        conformity=conformity,
        metric=METRIC,
        decided_by="guarded",
    )


def assessment(*outcomes: Outcome) -> Assessment:
    """An assessment of nothing but these outcomes."""
    return Assessment(
        campaign="c",
        title="",
        service="s",
        supplier="",
        scheme="x",
        scheme_version="1",
        scheme_title="",
        rules_version="1",
        concluded=datetime(2026, 11, 24, tzinfo=UTC),
        observations=0,
        outcomes=outcomes,
        preconditions=(),
        rates=(),
        mechanisms={},
        latencies={},
        corpora=(),
    )


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("conforms",), 0),
        (("conforms", "insufficient"), 3),
        (("conforms", "insufficient", "does-not-conform"), 1),
        ((), 3),
    ],
)
def test_the_worst_outcome_decides(words: tuple[str, ...], exit_code: int) -> None:
    made = assessment(*(outcome(Conformity(word)) for word in words))

    assert exit_code == made.exit_code


def test_what_is_not_binding_does_not_decide() -> None:
    made = assessment(
        outcome(Conformity.CONFORMS), outcome(Conformity.DOES_NOT_CONFORM, binding=False)
    )

    assert Conformity.CONFORMS is made.conformity
    assert 3 == assessment(outcome(Conformity.CONFORMS, binding=False)).exit_code


def test_an_outcome_is_named_by_requirement_profile_and_line() -> None:
    assert "URL-01[ks2-proxy]" == outcome(Conformity.CONFORMS).id


@pytest.mark.parametrize(
    ("line", "profile", "concerned"),
    [("proxy", "ks2", True), ("*", "", True), ("resolver", "*", False), ("proxy", "ks4", False)],
)
def test_a_precondition_concerns_its_place(line: str, profile: str, concerned: bool) -> None:
    one = Precondition(name="n", line=line, profile=profile, held=True, detail="")

    assert one.concerns("proxy", "ks2") is concerned


@pytest.mark.parametrize(("items", "code"), [("real", 3), ("agreed", 0)])
def test_a_limited_pass_is_one_only_for_who_declared_the_limit(items: PackKind, code: int) -> None:
    limited = example_outcome(kind="agreed", qualifier="agreed list only")
    assessment = example_assessment(outcomes=(example_outcome(), limited), items=items)

    assert assessment.conformity is Conformity.CONFORMS
    assert assessment.qualifier == "agreed list only"
    assert assessment.exit_code == code
    assert assessment.is_granted(limited) == (code == 0)
    assert assessment.is_granted(example_outcome())


def test_a_limit_of_what_does_not_bind_limits_nothing() -> None:
    loose = example_requirement(binding=False)
    limited = example_outcome(requirement=loose, qualifier="agreed list only")
    assessment = example_assessment(outcomes=(example_outcome(), limited))

    assert (assessment.qualifier, assessment.exit_code) == ("", 0)


def test_what_does_not_conform_has_no_limit() -> None:
    failed = example_outcome(Conformity.DOES_NOT_CONFORM, "URL-02")
    limited = example_outcome(qualifier="agreed list only")
    assessment = example_assessment(outcomes=(failed, limited), items="agreed")

    assert (assessment.qualifier, assessment.exit_code) == ("", 1)


def test_one_precondition_that_voids_forbids_every_favourable_outcome() -> None:
    wanted, sound = requirement(at_least=0.9), precondition(is_held=True)
    failed = replace(precondition(is_held=False), voids=True)

    good = held(wanted, rate(100, 100), failed, sound)
    bad = held(wanted, rate(10, 100), failed, sound)

    assert (good.conformity, good.leaning) == (Conformity.INSUFFICIENT, "pass")
    assert "a precondition of the test failed, so no favourable outcome counts" in good.reasons
    assert bad.conformity is Conformity.DOES_NOT_CONFORM


def test_one_that_voids_does_not_stand_in_for_the_others_when_it_held() -> None:
    wanted, kept = requirement(at_least=0.9), replace(precondition(is_held=True), voids=True)

    outcome = held(wanted, rate(100, 100), precondition(is_held=False), kept)

    assert outcome.conformity is Conformity.INSUFFICIENT
