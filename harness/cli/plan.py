"""``accredit plan``: follows action plans. Only ``accredit retest`` can verify one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from harness.cli.drawing import terminal
from harness.cli.paths import REGISTRY as PLACE
from harness.cli.printing import say, say_json
from harness.cli.registry_session import open_book, user
from harness.errors import UsageError
from harness.follow.state import Ledger
from harness.follow.transitions import verbs_in
from harness.model.action_plan import ActionPlan, DeviationKind, Level
from harness.model.event import (
    ClockCorrected,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    VendorCheckedIn,
)
from harness.ports.storage import Clock, WallClock

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


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""Where the commands take the time from; tests put their own here."""

PLAN = Annotated[str, typer.Argument(help="The plan's id, such as P-0001.")]
REGISTRY = Annotated[
    str, typer.Option(envvar=PLACE, help="The registry: a file, or a database URL.")
]
BY = Annotated[str, typer.Option(help="Who does this; default: you.")]
DUE = Annotated[str, typer.Option(help="A date, 2026-03-31: the end of that day, UTC.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

WHERE = "out/registry.sqlite"


@app.command("list")
def list_plans(
    registry: REGISTRY = WHERE,
    *,
    every: Annotated[bool, typer.Option("--all", help="Closed plans too.")] = False,
    json: JSON = False,
) -> None:
    """List the plans that are open, the next due first."""
    with open_book(registry, clock=clock) as book:
        ledger = book.ledger
    now = clock.now()
    plans = sorted(ledger.plans.values(), key=lambda plan: (plan.due, plan.id))
    shown = [plan for plan in plans if every or plan.state != "closed"]
    if json:
        _print_json([as_data(plan, ledger, now) for plan in shown])
        return
    table = Table("plan", "state", "due", "severity", "requirement", "owner", box=None)
    for column in (*table.columns[:2], table.columns[4]):
        column.no_wrap = True
    for plan in shown:
        finding = ledger.finding(plan.finding)
        late = " (overdue)" if plan.is_overdue(now) else ""
        where = f"{finding.requirement}[{finding.profile}-{finding.line}]"
        due = f"{plan.due:%Y-%m-%d}{late}"
        table.add_row(plan.id, plan.state, due, finding.severity, where, plan.owner)
    terminal().print(table if shown else "no plan is open")


@app.command("show")
def show_plan(plan: PLAN, registry: REGISTRY = WHERE, *, json: JSON = False) -> None:
    """Show a plan with its finding, its re-tests, and everything that happened to it."""
    with open_book(registry, clock=clock) as book:
        ledger = book.ledger
    chosen, now = ledger.plan(plan), clock.now()
    if json:
        _print_json(as_data(chosen, ledger, now))
        return
    table = Table(show_header=False, box=None)
    for name, value in lines_of(chosen, ledger, now):
        table.add_row(name, value)
    terminal().print(table)


@app.command("agree")
def agree(
    plan: PLAN,
    owner: Annotated[str, typer.Option(help="Who puts it right.")],
    action: Annotated[str, typer.Option(help="The corrective action.")],
    cause: Annotated[str, typer.Option(help="The root cause, if known.")] = "",
    due: DUE = "",
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Agree a draft: who does what, and by when if earlier than its severity allows."""
    agreed = PlanAgreed(
        at=clock.now(),
        actor=by or user(),
        plan=plan,
        owner=owner,
        corrective_action=action,
        root_cause=cause,
        due=_date(due) if due else None,
    )
    _record(agreed, registry)


@app.command("progress")
def progress(
    plan: PLAN,
    note: Annotated[str, typer.Option(help="What was done.")],
    milestone: Annotated[int, typer.Option(help="The number of a milestone reached.")] = 0,
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Note progress on an agreed plan."""
    _record(
        PlanProgressed(
            at=clock.now(), actor=by or user(), plan=plan, note=note, milestone=milestone
        ),
        registry,
    )


@app.command("claim")
def claim(
    plan: PLAN,
    statement: Annotated[str, typer.Option(help="What was fixed, and how.")],
    by: Annotated[str, typer.Option(help="Who claims it; default: the plan's owner.")] = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Claim that the fix is in. This verifies nothing; a re-test by somebody else does."""
    with open_book(registry, clock=clock) as book:
        actor = by or book.ledger.plan(plan).owner
        ledger = book.record(
            FixClaimed(at=clock.now(), actor=actor, plan=plan, statement=statement)
        )
    _tell(ledger.plan(plan))


@app.command("extend")
def extend(
    plan: PLAN,
    due: DUE,
    reason: Annotated[str, typer.Option(help="Why it takes longer.")],
    approver: Annotated[str, typer.Option(help="Who approved it; has no other part in the plan.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Move the due date back. The original date stays on record."""
    _record(
        PlanExtended(
            at=clock.now(),
            actor=by or user(),
            plan=plan,
            due=_date(due),
            reason=reason,
            approver=approver,
        ),
        registry,
    )


@app.command("deviate")
def deviate(
    plan: PLAN,
    kind: Annotated[DeviationKind, typer.Option(help="Why the service may depart.")],
    until: DUE,
    reason: Annotated[str, typer.Option(help="Why it cannot be mended before.")],
    mitigation: Annotated[str, typer.Option(help="What makes it bearable meanwhile.")],
    approver: Annotated[str, typer.Option(help="Who approved it; has no other part in the plan.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Record a departure that was agreed. The plan stays open; it is not overdue until then."""
    agreed = PlanDeviated(
        at=clock.now(),
        actor=by or user(),
        plan=plan,
        kind=kind,
        reason=reason,
        mitigation=mitigation,
        approver=approver,
        until=_date(until),
    )
    _record(agreed, registry)


@app.command("check-in")
def check_in(
    plan: PLAN,
    vendor: Annotated[str, typer.Option(help="On whom the fix waits.")],
    result: Annotated[str, typer.Option(help="What they said.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Note what a vendor said on whom the fix waits; the next time is within 30 days."""
    told = VendorCheckedIn(
        at=clock.now(), actor=by or user(), plan=plan, vendor=vendor, result=result
    )
    _record(told, registry)


@app.command("escalate")
def escalate(
    plan: PLAN,
    level: Annotated[Level, typer.Option(help="The rung; only upwards.")],
    reason: Annotated[str, typer.Option(help="What led to it.")],
    exit_criteria: Annotated[str, typer.Option(help="What ends it.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Take a plan a rung up. Every notice says what ends it."""
    _record(
        PlanEscalated(
            at=clock.now(),
            actor=by or user(),
            plan=plan,
            level=level,
            reason=reason,
            exit_criteria=exit_criteria,
        ),
        registry,
    )


@app.command("correct-clock")
def correct_clock(
    reason: Annotated[str, typer.Option(help="Since when the clock was wrong, and why.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Record that earlier events are dated too late, so that events of today can follow them."""
    with open_book(registry, clock=clock) as book:
        before = book.ledger.latest
        now = clock.now()
        book.record(ClockCorrected(at=now, actor=by or user(), reason=reason))
    was = f"{before:%Y-%m-%d %H:%M}"
    say(f"recorded: the newest event was dated {was}; it is {now:%Y-%m-%d %H:%M}")


@app.command("close")
def close(
    plan: PLAN,
    note: Annotated[str, typer.Option(help="A closing remark.")] = "",
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Close a verified plan. It never opens again."""
    _record(PlanClosed(at=clock.now(), actor=by or user(), plan=plan, note=note), registry)


def _record(event: PlanEvent, registry: str) -> None:
    with open_book(registry, clock=clock) as book:
        ledger = book.record(event)
    _tell(ledger.plan(event.plan))


def _tell(plan: ActionPlan) -> None:
    say(f"plan {plan.id} is {plan.state}, due {plan.due:%Y-%m-%d}")


def _date(text: str) -> datetime:
    """The last second of a day. Raises UsageError for anything else."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        msg = f"{text!r}: not a date; write it as 2026-03-31"
        raise UsageError(msg) from None
    return day.replace(hour=23, minute=59, second=59)


def _print_json(data: Any) -> None:
    say_json(msgspec.json.format(msgspec.json.encode(data), indent=2))
