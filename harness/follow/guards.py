"""What every step of a plan asks of those who take it: words."""

from __future__ import annotations

from harness.errors import UsageError
from harness.model.action_plan import ActionPlan


def require_text(plan: ActionPlan, what: str, text: str) -> None:
    """Raise UsageError if there are no words where ``what`` is asked for."""
    if not text.strip():
        msg = f"plan {plan.id}: needs {what}"
        raise UsageError(msg)
