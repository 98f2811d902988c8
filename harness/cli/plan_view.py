"""An action plan as people and programs see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from harness.model.action_plan import ActionPlan
from harness.stages.follow.ledger import Ledger
from harness.stages.follow.transitions import verbs_in


def as_data(plan: ActionPlan, ledger: Ledger, now: datetime) -> dict[str, Any]:
    """The plan, its finding and what can be done now, ready for JSON."""
    data: dict[str, Any] = msgspec.to_builtins(plan)
    return {
        **data,
        "finding": msgspec.to_builtins(ledger.finding(plan.finding)),
        "overdue": plan.is_overdue(now),
        "possible": verbs_in(plan.state),
    }


def lines_of(plan: ActionPlan, ledger: Ledger, now: datetime) -> list[tuple[str, str]]:
    """The plan as names and values, in the order in which a person reads them."""
    finding = ledger.finding(plan.finding)
    moved = "" if plan.due == plan.original_due else f" (at first {plan.original_due:%Y-%m-%d})"
    late = ", overdue" if plan.is_overdue(now) else ""
    lines = [
        ("plan", f"{plan.id}, {plan.state}{late}"),
        ("finding", f"{finding.id} ({finding.severity}): {finding.title}"),
        ("measured", finding.statement),
        ("missed", ", ".join(finding.missed) or "no single item"),
        ("owner", plan.owner),
        ("action", plan.corrective_action),
        ("root cause", plan.root_cause or "not given"),
        ("due", f"{plan.due:%Y-%m-%d}{moved}"),
    ]
    if finding.recurrence_of:
        lines.insert(2, ("recurrence of", finding.recurrence_of))
    for number, step in enumerate(plan.milestones, 1):
        done = f"done {step.done:%Y-%m-%d}" if step.done else f"due {step.due:%Y-%m-%d}"
        lines.append((f"milestone {number}", f"{step.title}, {done}"))
    lines += _exceptions(plan, now)
    lines += [
        ("re-test", f"{one.campaign}: {one.outcome}. {one.statement}") for one in plan.retests
    ]
    lines += [("history", said) for said in plan.history]
    lines.append(("possible now", ", ".join(verbs_in(plan.state)) or "nothing: it is closed"))
    return lines


def _exceptions(plan: ActionPlan, now: datetime) -> list[tuple[str, str]]:
    """What departs from the ordinary course: deviation, waiting for a vendor, escalation."""
    lines = []
    if (agreed := plan.deviation) is not None:
        ended = " (over)" if now > agreed.until else ""
        told = f"{agreed.kind} until {agreed.until:%Y-%m-%d}{ended}, approved by {agreed.approver}"
        lines.append(("deviation", f"{told}: {agreed.reason}; mitigated by {agreed.mitigation}"))
    if (due := plan.next_check_in) is not None:
        late = ", overdue" if now > due else ""
        lines.append(("vendor check-in", f"{plan.check_ins[-1].vendor}, due {due:%Y-%m-%d}{late}"))
    if plan.level is not None:
        lines.append(("escalated", f"{plan.level}; ends when: {plan.exit_criteria}"))
    return lines
