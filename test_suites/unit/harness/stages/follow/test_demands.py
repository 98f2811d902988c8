"""Words where words are asked for, and approval by somebody else."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.model.action_plan import ActionPlan
from harness.stages.follow.demands import is_same, require_approver, require_text


def test_one_person_has_one_name() -> None:
    assert is_same(" Acme", "ACME ")
    assert not is_same("Acme", "Acme Ltd")


def test_words_and_another_approver_are_asked_for(plan: ActionPlan) -> None:
    require_text(plan, "a reason", "parts")
    require_approver(plan, "extension", "Ann")

    with pytest.raises(UsageError, match="plan P-0001: needs a reason"):
        require_text(plan, "a reason", " ")
    with pytest.raises(UsageError, match="needs an approver"):
        require_approver(plan, "extension", "")
    with pytest.raises(UsageError, match="Acme owns it, and cannot approve its extension"):
        require_approver(plan, "extension", "acme")
