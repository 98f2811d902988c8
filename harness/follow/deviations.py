"""What departs from a plan's ordinary course: deviations, waiting for a vendor, escalation.

None of these moves a plan to another state, so none mends anything (METHOD (d)).
"""

from __future__ import annotations

from dataclasses import replace

from harness.errors import UsageError, known
from harness.follow.deadlines import LEVELS, level_of
from harness.follow.guards import require_text
from harness.model.action_plan import ActionPlan, CheckIn, Deviation, DeviationKind, Level
from harness.model.event import PlanDeviated, PlanEscalated, PlanEvent, VendorCheckedIn
from harness.model.finding import Finding

LADDER = tuple(Level)
"""Escalation only goes up."""


def deviate(plan: ActionPlan, finding: Finding, event: PlanDeviated) -> ActionPlan:
    """Agree a departure. Raises UsageError if it may not be agreed."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "what mitigates it", event.mitigation)
    require_text(plan, "an approver", event.approver)
    if event.until <= event.at:
        msg = f"plan {plan.id}: a deviation until {event.until:%Y-%m-%d} would be over already"
        raise UsageError(msg)
    is_never = event.kind is DeviationKind.OPERATIONAL_REQUIREMENT
    if is_never and level_of(finding) in (LEVELS["Crit"], LEVELS["illegal"]):
        msg = f"plan {plan.id}: a critical finding has no {event.kind}; mend it"
        raise UsageError(msg)
    agreed = Deviation(
        kind=event.kind,
        reason=event.reason,
        mitigation=event.mitigation,
        approver=event.approver,
        until=event.until,
    )
    return replace(plan, deviation=agreed, approvers=(*plan.approvers, event.approver))


def check_in(plan: ActionPlan, _: Finding, event: VendorCheckedIn) -> ActionPlan:
    """Note what a vendor said. Raises UsageError if it says nothing."""
    require_text(plan, "the vendor's name", event.vendor)
    require_text(plan, "what the vendor said", event.result)
    told = CheckIn(at=event.at, vendor=event.vendor, result=event.result)
    return replace(plan, check_ins=(*plan.check_ins, told))


def escalate(plan: ActionPlan, _: Finding, event: PlanEscalated) -> ActionPlan:
    """Take the plan a rung up. Raises UsageError if it is none."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "exit criteria", event.exit_criteria)
    higher = LADDER[LADDER.index(plan.level) + 1 :] if plan.level else LADDER
    if event.level not in higher:
        above = known(higher) if higher else "nothing is above it"
        msg = f"plan {plan.id} is escalated to {plan.level}: {event.level} is no higher; {above}"
        raise UsageError(msg)
    return replace(plan, level=event.level, exit_criteria=event.exit_criteria)


def describe(event: PlanEvent) -> str:
    """Such an event in words."""
    match event:
        case PlanDeviated(kind=kind, until=until, approver=approver, reason=reason):
            return f"{kind} until {until:%Y-%m-%d}, approved by {approver}: {reason}"
        case VendorCheckedIn(vendor=vendor, result=result):
            return f"{vendor} checked in: {result}"
        case PlanEscalated(level=level, reason=reason, exit_criteria=criteria):
            return f"escalated to {level}: {reason}. It ends when: {criteria}"
        case _:
            return "changed"
