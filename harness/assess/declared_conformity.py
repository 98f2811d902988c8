"""Compare what a supplier declares of its own service with what was measured.

A declaration (ISO/IEC 17050-1) is no evidence, and changes no outcome. Of several outcomes of one
requirement, the worst stands: it conforms if all of them do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.people_answer import (
    DeclaredConformity,
    DeclaredDifference,
)
from harness.model.people_facts import Claim

SAYS: dict[Claim, str] = {
    "meets": "it is met",
    "partly": "it is met in part",
    "does-not-meet": "it is not met",
    "not-applicable": "it does not apply",
}
AGREES: dict[Claim, Conformity] = {
    "meets": Conformity.CONFORMS,
    "partly": Conformity.DOES_NOT_CONFORM,
    "does-not-meet": Conformity.DOES_NOT_CONFORM,
}
"""The outcome that says the same as a claim; none says that a requirement does not apply."""
MEASURED = {
    Conformity.CONFORMS: "it is met",
    Conformity.DOES_NOT_CONFORM: "it is not met",
    Conformity.INSUFFICIENT: "it could not be decided",
}


def compared(assessment: Assessment) -> Assessment:
    """Add the requirements of which the supplier says something else, in the order of their ids.

    An assessment without a declaration stays as it is.
    """
    if assessment.declared is None:
        return assessment
    declaration = assessment.declared.declaration
    by_id: defaultdict[str, list[Outcome]] = defaultdict(list)
    for one in assessment.outcomes:
        if one.requirement.rule != "report":
            by_id[one.requirement.id].append(one)
    differences = (
        difference
        for requirement, claim in sorted(declaration.claims.items())
        if (difference := _difference(requirement, claim, by_id.get(requirement, ()))) is not None
    )
    declared = DeclaredConformity(declaration=declaration, differences=tuple(differences))
    return replace(assessment, declared=declared)


def _difference(
    requirement: str, claim: Claim, outcomes: Iterable[Outcome]
) -> DeclaredDifference | None:
    outcomes = list(outcomes)
    if not outcomes:
        return None
    failed = [one.id for one in outcomes if one.conformity is Conformity.DOES_NOT_CONFORM]
    undecided = [one.id for one in outcomes if one.conformity is Conformity.INSUFFICIENT]
    if failed:
        measured, where = Conformity.DOES_NOT_CONFORM, failed
    elif undecided:
        measured, where = Conformity.INSUFFICIENT, undecided
    else:
        measured, where = Conformity.CONFORMS, [one.id for one in outcomes]
    if AGREES.get(claim) is measured:
        return None
    return DeclaredDifference(
        requirement=requirement,
        says=SAYS[claim],
        measured=MEASURED[measured],
        where=tuple(where),
        is_decided=measured is not Conformity.INSUFFICIENT,
    )
