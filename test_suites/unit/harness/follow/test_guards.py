"""Words where words are asked for."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.follow.guards import require_text
from harness.model.action_plan import ActionPlan


def test_words_are_asked_for(plan: ActionPlan) -> None:
    require_text(plan, "a reason", "parts")

    with pytest.raises(UsageError, match="plan P-0001: needs a reason"):
        require_text(plan, "a reason", " ")
