"""A supplier's self-certification beside the outcomes: every difference, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.assess.declared_conformity import compared
from harness.model.outcome import Conformity, Outcome
from harness.model.people_answer import DeclaredConformity, DeclaredDifference, SupplierDeclaration
from harness.model.people_facts import Claim
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_outcome,
    example_requirement,
)

MET, FAILED, OPEN = Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT


def differences(claim: Claim, *outcomes: Outcome) -> tuple[DeclaredDifference, ...]:
    declaration = SupplierDeclaration(
        supplier="Acme",
        signed=datetime(2026, 1, 1, tzinfo=UTC),
        sha256="a",
        claims={"URL-01": claim},
    )
    declared = DeclaredConformity.of(declaration)
    found = compared(example_assessment(outcomes=outcomes, declared=declared)).declared
    assert found is not None
    assert found.declaration == declaration
    return found.differences


@pytest.mark.parametrize(
    ("claim", "measured", "said"),
    [
        ("meets", MET, None),
        ("meets", FAILED, ("it is met", "it is not met", True)),
        ("meets", OPEN, ("it is met", "it could not be decided", False)),
        ("partly", MET, ("it is met in part", "it is met", True)),
        ("partly", FAILED, None),
        ("does-not-meet", MET, ("it is not met", "it is met", True)),
        ("does-not-meet", FAILED, None),
        ("does-not-meet", OPEN, ("it is not met", "it could not be decided", False)),
        ("not-applicable", MET, ("it does not apply", "it is met", True)),
        ("not-applicable", FAILED, ("it does not apply", "it is not met", True)),
    ],
)
def test_each_difference_is_told_in_both_directions(
    claim: Claim, measured: Conformity, said: tuple[str, str, bool] | None
) -> None:
    found = differences(claim, example_outcome(measured))
    assert [(one.says, one.measured, one.is_decided) for one in found] == ([said] if said else [])


def test_the_worst_outcome_of_all_lines_stands() -> None:
    outcomes = [
        example_outcome(MET),
        example_outcome(FAILED, line="dns"),
        example_outcome(OPEN, line="pac"),
    ]
    (found,) = differences("meets", *outcomes)

    assert (found.measured, found.where) == ("it is not met", ("URL-01[ks2-dns]",))


def test_what_was_not_asked_or_is_only_reported_is_no_difference() -> None:
    reported = example_requirement("URL-01", rule="report", binding=False, threshold=None)
    assert differences("meets", example_outcome(OPEN, requirement=reported)) == ()
    assert differences("meets", example_outcome(FAILED, code="URL-02")) == ()
    undeclared = example_assessment(declared=DeclaredConformity.of(None))
    assert compared(undeclared) is undeclared
