"""An action plan as people and programs see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from harness.follow.state import Ledger
from harness.follow.transitions import verbs_in
from harness.model.action_plan import ActionPlan
from harness.model.event import ClockCorrected

MOST_BACKWARD = 5
"""How many events that run backwards are named one by one."""


def as_data(plan: ActionPlan, ledger: Ledger, now: datetime) -> dict[str, Any]:
    """The plan, its finding and what can be done now, ready for JSON."""
    data: dict[str, Any] = msgspec.to_builtins(plan)
    return {
        **data,
        "finding": msgspec.to_builtins(ledger.finding(plan.finding)),
        "overdue": plan.is_overdue(now),
        "possible": verbs_in(plan.state),
        "backward_events": [str(each) for each in ledger.backward],
        "clock_corrections": [_correction(each) for each in ledger.clock_corrections],
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
    lines += [("not independent", said) for said in plan.breaches]
    lines += [("clock", said) for said in _clock_lines(ledger)]
    lines.append(("possible now", ", ".join(verbs_in(plan.state)) or "nothing: it is closed"))
    return lines


def _clock_lines(ledger: Ledger) -> list[str]:
    """Events of the whole registry whose times cannot all be right; the first few by name."""
    backward = [str(each) for each in ledger.backward]
    left = len(backward) - MOST_BACKWARD
    more = [f"and {left} more events that are dated before earlier ones"] if left > 0 else []
    corrections = [_correction(each) for each in ledger.clock_corrections]
    return backward[:MOST_BACKWARD] + more + corrections


def _correction(event: ClockCorrected) -> str:
    return (
        f"{event.at:%Y-%m-%d %H:%M} {event.actor}: events before this may be dated too late: "
        f"{event.reason}"
    )


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
