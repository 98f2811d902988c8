"""Who may not do what with a plan: approvers stand apart, and nobody verifies a fix of their own.

Whoever approves an extension or a deviation of a plan is neither its owner nor the actor of any
of its events, before or after (ISO/IEC 17065, 7.6: who decides did not evaluate).
"""

from __future__ import annotations

from harness.follow.person_names import find_person, identity_of, is_same_person
from harness.model.action_plan import ActionPlan
from harness.model.event import (
    PlanAgreed,
    PlanDeviated,
    PlanEvent,
    PlanExtended,
    RetestConcluded,
    RetestStarted,
)


def dependence_in(plan: ActionPlan, event: PlanEvent) -> str | None:
    """Why ``event`` mixes roles that must be apart, in one sentence; nothing if it does not."""
    if not identity_of(event.actor):
        return f"plan {plan.id}: the name of who does this needs letters, not {event.actor!r}"
    if isinstance(event, RetestStarted | RetestConcluded) and is_same_person(
        event.actor, plan.claimed_by
    ):
        return (
            f"plan {plan.id}: {event.actor} claimed the fix, and cannot verify it; "
            "somebody else must"
        )
    if (approver := find_person(event.actor, plan.approvers)) is not None:
        return (
            f"plan {plan.id}: {approver} approved its extension or deviation, and can do nothing "
            "else with it; somebody else must"
        )
    if isinstance(event, PlanAgreed):
        return _owner(plan, event)
    if isinstance(event, PlanExtended | PlanDeviated):
        return _approver(plan, event)
    return None


def _owner(plan: ActionPlan, event: PlanAgreed) -> str | None:
    if not identity_of(event.owner):
        return f"plan {plan.id}: needs an owner: a name with letters, not {event.owner!r}"
    if (approver := find_person(event.owner, plan.approvers)) is not None:
        return (
            f"plan {plan.id}: {approver} approved its extension or deviation, and cannot become "
            "its owner; name another owner"
        )
    return None


def _approver(plan: ActionPlan, event: PlanExtended | PlanDeviated) -> str | None:
    what = "extension" if isinstance(event, PlanExtended) else "deviation"
    who = event.approver
    if not identity_of(who):
        return f"plan {plan.id}: needs an approver: a name with letters, not {who!r}"
    if is_same_person(who, plan.owner):
        return f"plan {plan.id}: {plan.owner} owns it, and cannot approve its {what}"
    if is_same_person(who, event.actor):
        return (
            f"plan {plan.id}: {event.actor} records the {what}, and cannot approve it as well; "
            "name another approver, or let somebody else record it (--by)"
        )
    if (actor := find_person(who, plan.actors)) is not None:
        return f"plan {plan.id}: {actor} acted on it before, and cannot approve its {what}"
    return None
