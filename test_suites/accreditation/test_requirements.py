"""Tests the supplier: one test per requirement, profile and line.

They read outcomes and are synchronous; nothing here sends a packet. A requirement that is not
binding can pass, but neither fails nor breaks the run: it is skipped with what was measured.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.model.outcome import Assessment, Conformity, Outcome
from test_suites.accreditation.insufficient import Insufficient
from test_suites.accreditation.notes import message, properties, tell_allure


def test_requirement(
    outcome: Outcome,
    assessment: Assessment,
    record_property: Callable[[str, object], None],
) -> None:
    """The service meets the requirement, and the evidence is strong enough to say so."""
    for name, text in properties(outcome, assessment).items():
        record_property(name, text)
    tell_allure(outcome, assessment)
    if outcome.conformity is Conformity.CONFORMS:
        return
    if not outcome.requirement.binding:
        pytest.skip(f"not binding: {message(outcome, shown=0)}")
    if outcome.conformity is Conformity.INSUFFICIENT:
        raise Insufficient(message(outcome))
    raise AssertionError(message(outcome))
