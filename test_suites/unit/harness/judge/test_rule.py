"""A rule is data."""

from __future__ import annotations

import pytest

from harness.judge.trial_features import Rule
from harness.model.verdict import Mechanism, State


def test_a_rule_cannot_be_changed_and_names_no_mechanism_by_itself() -> None:
    rule = Rule(id="x", matches=lambda _: True, state=State.ALLOWED, says="it is so")

    assert rule.mechanism is Mechanism.NONE
    assert not rule.origin_refusal
    with pytest.raises(AttributeError):
        rule.id = "y"  # type: ignore[misc]
