"""Tests the supplier: one test per requirement, profile and line.

They read outcomes and are synchronous; nothing here sends a packet. A requirement that is not
binding can pass, but neither fails nor breaks the run: it is skipped with what was measured.
"""

from __future__ import annotations

import pytest

from harness.cli.expect import Comparison
from harness.model.outcome import Assessment, Conformity, Outcome
from test_suites.accreditation.insufficient import Insufficient
from test_suites.accreditation.nonconformity import DoesNotConform
from test_suites.accreditation.notes import message, properties, tell_allure

NEEDS_A_CAMPAIGN = True
"""Without one the suite fails: a skipped accreditation must not look like a passed one."""


def test_requirement(
    outcome: Outcome,
    assessment: Assessment,
    expected_results: Comparison | None,
    journal_source: str,
    request: pytest.FixtureRequest,
) -> None:
    """The service meets the requirement, and the evidence is strong enough to say so."""
    # Not by record_property, which warns of xunit2 although properties are written all the same.
    told = properties(outcome, assessment) | {"journal": journal_source}
    request.node.user_properties.extend(told.items())
    tell_allure(outcome, assessment)
    if expected_results is not None:
        if entry := expected_results.known.get(outcome.id):
            pytest.xfail(
                f"expected until {entry.until}: {entry.reason}: {message(outcome, shown=0)}"
            )
        if sentence := expected_results.differences.get(outcome.id):
            raise DoesNotConform(f"{outcome.id}: {sentence}\n{message(outcome)}")
    if assessment.is_granted(outcome):
        return
    if not outcome.requirement.binding:
        pytest.skip(f"not binding: {message(outcome, shown=0)}")
    if outcome.conformity is not Conformity.DOES_NOT_CONFORM:
        raise Insufficient(message(outcome))
    raise DoesNotConform(message(outcome))
