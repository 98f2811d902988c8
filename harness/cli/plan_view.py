"""A plan for JSON (``as_data``), and for people (``lines_of``)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from harness.cli.registry_session import ClockNotes, HeldPlan
from harness.follow.exit_query import exit_query_of, in_words
from harness.follow.next_step import next_step
from harness.follow.plan_terms import digest_of
from harness.follow.retest_levels import level_words
from harness.follow.soak import describe_soak
from harness.follow.transitions import verbs_in
from harness.model.action_plan import ActionPlan, Extension, PlanSignature, Retest, RetestResult
from harness.model.deviation import Deviation, DeviationState
from harness.model.event import ClockCorrected
from harness.model.event_times import in_utc

MOST_BACKWARD = 5
"""How many events dated before earlier ones are listed."""


def as_data(held: HeldPlan, now: datetime, supplier: str = "") -> dict[str, Any]:
    """The plan, its finding and the possible next steps, ready for JSON.

    ``supplier`` is named in the next step if it is given.
    """
    plan = held.plan
    data: dict[str, Any] = msgspec.to_builtins(plan)
    return {
        **data,
        "supplier": held.supplier,
        "signatures": [
            {**msgspec.to_builtins(one), "is_current": is_current}
            for one, is_current in _checked_signatures(held)
        ],
        "finding": msgspec.to_builtins(held.finding),
        "exit_query": msgspec.to_builtins(exit_query_of(held.finding)),
        "retest_levels": level_words(plan, held.finding),
        "level": plan.level,
        "soak_ends": msgspec.to_builtins(plan.soak_ends),
        "overdue": plan.is_overdue(now),
        "overdue_since": msgspec.to_builtins(plan.overdue_since(now)),
        "possible": verbs_in(plan.state),
        "next": next_step(plan, held.finding, now, supplier),
        "backward_events": [str(each) for each in held.clock.backward],
        "clock_corrections": [_correction(each) for each in held.clock.corrections],
    }


def lines_of(held: HeldPlan, now: datetime, supplier: str = "") -> list[tuple[str, str]]:
    """The plan as pairs of name and value, in reading order.

    ``supplier`` is named in the next step if it is given.
    """
    plan, finding = held.plan, held.finding
    moved = "" if plan.due == plan.original_due else f" (at first {plan.original_due:%Y-%m-%d})"
    late = ", overdue" if plan.is_overdue(now) else ""
    lines = [
        ("plan", f"{plan.id}, {plan.state}{late}"),
        ("supplier", held.supplier),
        ("finding", f"{finding.id} ({finding.severity}): {finding.title}"),
        ("measured", finding.statement),
        ("missed", ", ".join(finding.missed) or "no single item"),
        ("owner", plan.owner),
        ("action", plan.corrective_action),
        ("root cause", plan.root_cause or "not given"),
        *((name, text) for name, text in _details(plan) if text),
        ("due", f"{plan.due:%Y-%m-%d}{moved}"),
    ]
    if finding.recurrence_of:
        lines.insert(2, ("recurrence of", finding.recurrence_of))
    for number, step in enumerate(plan.milestones, 1):
        done = f"done {step.done:%Y-%m-%d}" if step.done else f"due {step.due:%Y-%m-%d}"
        lines.append((f"milestone {number}", f"{step.title}, {done}"))
    lines += _exceptions(plan, now)
    lines += [
        ("canaries", f"{len(each.items)} in {each.pack}, loaded by {in_utc(each.loaded_by)}")
        for each in plan.canaries
    ]
    lines += [
        (_retest_title(retest), f"{retest.campaign}: {retest.outcome}. {retest.statement}")
        for retest in plan.retests
    ]
    lines += [("soak period", describe_soak(one)) for one in plan.soaks]
    lines.append(("verified when", in_words(exit_query_of(finding))))
    lines += [("re-tests", sentence) for sentence in level_words(plan, finding)]
    lines += [
        ("evidence", f"{one.name}: {one.what} (SHA-256 {one.sha256})") for one in plan.evidence
    ]
    lines += _signatures(held)
    lines += [("history", entry) for entry in plan.history]
    lines += [("not independent", entry) for entry in plan.breaches]
    lines += [("clock", entry) for entry in _clock_lines(held.clock)]
    lines.append(
        ("possible now", ", ".join(verbs_in(plan.state)) or f"nothing: it is {plan.state}")
    )
    lines.append(("next", next_step(plan, finding, now, supplier)))
    return lines


def _details(plan: ActionPlan) -> list[tuple[str, str]]:
    return [
        ("containment", plan.containment),
        ("prevention", plan.preventive_action),
        ("explanation", plan.explanation),
    ]


def _signatures(held: HeldPlan) -> list[tuple[str, str]]:
    """Who signed, and whether the terms are still those that were signed."""
    return [
        (
            "signed",
            f"for the {one.role} by {one.signer}, {one.at:%Y-%m-%d}, key {one.key[:16]}"
            + ("" if is_current else ": earlier terms, to be signed again"),
        )
        for one, is_current in _checked_signatures(held)
    ]


def _checked_signatures(held: HeldPlan) -> list[tuple[PlanSignature, bool]]:
    """The signatures of a plan, each with whether it is of the present terms."""
    if not held.plan.signatures:
        return []
    present = digest_of(held.plan, held.finding)
    return [(one, one.terms == present) for one in held.plan.signatures]


def _retest_title(retest: Retest) -> str:
    is_open = retest.outcome is RetestResult.INSUFFICIENT
    number = f" {retest.attempt}" if retest.attempt else ""
    return f"re-test{number} without a result" if is_open else f"re-test{number}"


def _clock_lines(notes: ClockNotes) -> list[str]:
    """Lines on events dated before earlier ones, and on corrections of the clock."""
    backward = [str(each) for each in notes.backward]
    left = len(backward) - MOST_BACKWARD
    more = [f"and {left} more events dated before earlier ones"] if left > 0 else []
    corrections = [_correction(each) for each in notes.corrections]
    return backward[:MOST_BACKWARD] + more + corrections


def _correction(event: ClockCorrected) -> str:
    return (
        f"{event.at:%Y-%m-%d %H:%M} {event.actor}: events before this may be dated too late: "
        f"{event.reason}"
    )


def _exceptions(plan: ActionPlan, now: datetime) -> list[tuple[str, str]]:
    """Lines on extensions, deviations, vendor check-ins and escalations of the plan."""
    lines = [
        ("extended", f"from {one.was:%Y-%m-%d} to {one.due:%Y-%m-%d} {_approved(one)}")
        for one in plan.extensions
    ]
    lines += [("deviation", _deviation(plan, one, now)) for one in plan.deviations]
    if (due := plan.next_check_in) is not None:
        late = ", overdue" if now > due else ""
        heard = f"{plan.check_ins[-1].vendor}, " if plan.check_ins else ""
        lines.append(("vendor check-in", f"{heard}due {due:%Y-%m-%d}{late}"))
    lines += [
        (
            "escalated",
            f"{one.at:%Y-%m-%d} to {one.level}: {one.reason}; ends when: {one.exit_criteria}",
        )
        for one in plan.counted_escalations
    ]
    lines += [
        (
            "escalation dropped",
            f"{one.at:%Y-%m-%d} to {one.level} (rule {one.rule}) counts no more: {one.dropped}",
        )
        for one in plan.escalations
        if one.dropped
    ]
    return lines


def _approved(one: Extension) -> str:
    return f"({one.at:%Y-%m-%d}), approved by {one.approver} ({one.identity}): {one.reason}"


def _deviation(plan: ActionPlan, deviation: Deviation, now: datetime) -> str:
    """A deviation in words: what, until when, who decided, and whether it has ended."""
    of = f" to {deviation.severity}" if deviation.severity else ""
    of += f" on {deviation.vendor}" if deviation.vendor else ""
    terms = f"{deviation.kind}{of} until {deviation.until:%Y-%m-%d}"
    if deviation.state is DeviationState.APPROVED:
        until = plan.excused_until(deviation)
        ended = " (ended)" if now > until else ""
        if ended and until < deviation.until:
            ended = f" (ended {until:%Y-%m-%d}, for want of a check-in)"
        terms += f"{ended}, approved by {deviation.decided_by} ({deviation.identity})"
    elif deviation.state is DeviationState.REJECTED:
        terms += f", rejected by {deviation.decided_by} ({deviation.identity}): "
        terms += deviation.decision
    else:
        terms += f", requested by {deviation.requested_by}"
    return f"{terms}. {deviation.reason}; mitigated by {deviation.mitigation}"
