"""How a plan is agreed: a supplier submits it, and the assessor agrees it or returns it.

In a meeting a draft can be agreed directly, without being submitted. The person who submitted a
plan, and its owner, cannot agree it once it was submitted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from harness.errors import UsageError
from harness.follow.deadlines import agreed_milestones, level_of, require_order
from harness.follow.guards import DETAILS, require_text
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.event import (
    PlanAgreed,
    PlanDetailed,
    PlanEvent,
    PlanProposal,
    PlanReturned,
    PlanSubmitted,
)
from harness.model.person_names import is_same_person


def submit(plan: ActionPlan, _: Finding, event: PlanSubmitted) -> ActionPlan:
    """The plan as the supplier proposes it. Raises UsageError if something is missing."""
    return replace(_proposed(plan, event), state=PlanState.SUBMITTED, submitted_by=event.actor)


def agree(plan: ActionPlan, _: Finding, event: PlanAgreed) -> ActionPlan:
    """The agreed plan. Raises UsageError if something is missing, or is not as submitted."""
    return replace(_proposed(plan, event), state=PlanState.AGREED)


def give_back(plan: ActionPlan, _: Finding, event: PlanReturned) -> ActionPlan:
    """The plan that has to be changed and submitted again."""
    require_text(plan, "a reason: what has to change", event.reason)
    return replace(plan, state=PlanState.RETURNED)


def with_details(plan: ActionPlan, event: PlanProposal | PlanDetailed) -> ActionPlan:
    """The plan with the details that an event gives; blank texts leave those of the plan."""

    def given(new: str, old: str) -> str:
        return new if new.strip() else old

    return replace(
        plan,
        root_cause=given(event.root_cause, plan.root_cause),
        containment=given(event.containment, plan.containment),
        preventive_action=given(event.preventive_action, plan.preventive_action),
        explanation=given(event.explanation, plan.explanation),
    )


def _proposed(plan: ActionPlan, event: PlanProposal) -> ActionPlan:
    due = due_of(plan, event)
    require_text(plan, "an owner", event.owner)
    require_text(plan, "a corrective action", event.corrective_action)
    if due > plan.latest_due:
        msg = (
            f"plan {plan.id}: due {due:%Y-%m-%d} is later than {plan.latest_due:%Y-%m-%d}; "
            "only an extension with a reason and an approver moves it back"
        )
        raise UsageError(msg)
    if due <= event.at:
        msg = f"plan {plan.id}: due {due:%Y-%m-%d} is not in the future; extend it first"
        raise UsageError(msg)
    return replace(
        with_details(plan, event),
        owner=event.owner,
        corrective_action=event.corrective_action,
        milestones=agreed_milestones(plan, event.milestones, due),
        due=due,
    )


def due_of(plan: ActionPlan, event: PlanProposal) -> datetime:
    """The due date that a proposal gives, or that of the plan."""
    return event.due or plan.due


def require_complete(plan: ActionPlan, finding: Finding, event: PlanProposal) -> None:
    """Raise UsageError if a proposal lacks containment, or has milestones out of order.

    A plan for which containment is required names it when it is submitted or agreed. A submitted
    plan is agreed as it is.
    """
    if level_of(finding).contain and not plan.containment.strip():
        what = "containment: what limits the failure until the fix (--containment)"
        require_text(plan, what, event.containment)
    due = due_of(plan, event)
    if event.at < due <= plan.latest_due:  # any other date is refused for itself
        require_order(plan, agreed_milestones(plan, event.milestones, due), due)
    if isinstance(event, PlanAgreed) and plan.state is PlanState.SUBMITTED:
        _require_as_submitted(plan, event)


def _require_as_submitted(plan: ActionPlan, event: PlanAgreed) -> None:
    changed = [
        name.replace("_", " ")
        for name in ("owner", "corrective_action", *DETAILS)
        if getattr(event, name).strip() not in ("", getattr(plan, name).strip())
    ]
    changed += ["due date"] if due_of(plan, event) != plan.due else []
    changed += ["milestones"] if event.milestones not in ((), plan.milestones) else []
    if changed:
        msg = (
            f"plan {plan.id} is submitted: it is agreed as it is, but this changes its "
            f"{', '.join(changed)}; return it ('accredit plan return') with what has to change"
        )
        raise UsageError(msg)


def agreement_conflict_in(plan: ActionPlan, event: PlanEvent) -> str | None:
    """The reason why a person may not agree a plan that was submitted; ``None`` if they may."""
    if not isinstance(event, PlanAgreed) or plan.state is not PlanState.SUBMITTED:
        return None
    for part, name in (("submitted it", plan.submitted_by), ("owns it", plan.owner)):
        if is_same_person(event.actor, name):
            return f"plan {plan.id}: {event.actor} {part} and cannot agree it; somebody else must"
    return None
