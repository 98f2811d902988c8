"""Policies inherit downwards; a scheme's numbers have bounds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.model.scheme import Policy, Threshold

POLICY = Policy(
    id="p",
    title="P",
    provenance="proposed",
    source="test",
    rows={"PORN": {"ks2": "block", "staff": "block"}, "PORN.NUDE": {"staff": "allow"}},
)


def test_a_code_without_a_row_inherits_its_parents() -> None:
    assert "block" == POLICY.expects("PORN.NUDE", "ks2")
    assert "allow" == POLICY.expects("PORN.NUDE", "staff")
    assert "block" == POLICY.expects("PORN.OTHER.DEEP", "staff")


def test_what_the_policy_does_not_name_it_does_not_judge() -> None:
    assert POLICY.expects("GAMB", "ks2") is None


def test_a_rate_above_one_is_refused() -> None:
    with pytest.raises(ValidationError):
        Threshold(at_least=1.1, provenance="seen", source="x")


def test_a_number_without_a_source_is_refused() -> None:
    with pytest.raises(ValidationError):
        Threshold(at_least=0.9, provenance="seen", source="")
