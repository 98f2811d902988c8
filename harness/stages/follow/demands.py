"""What every step of a plan asks of those who take it: words, and somebody else's approval."""

from __future__ import annotations

from harness.errors import UsageError
from harness.model.action_plan import ActionPlan


def is_same(one: str, other: str) -> bool:
    """Whether two names are one, case and white space around them aside."""
    return one.strip().casefold() == other.strip().casefold()


def require_text(plan: ActionPlan, what: str, text: str) -> None:
    """Raise UsageError if there are no words where ``what`` is asked for."""
    if not text.strip():
        msg = f"plan {plan.id}: needs {what}"
        raise UsageError(msg)


def require_approver(plan: ActionPlan, what: str, approver: str) -> None:
    """Raise UsageError if nobody approves ``what``, or the owner does."""
    require_text(plan, "an approver", approver)
    if is_same(approver, plan.owner):
        msg = f"plan {plan.id}: {plan.owner} owns it, and cannot approve its {what}"
        raise UsageError(msg)
