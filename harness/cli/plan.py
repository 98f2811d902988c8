"""``accredit plan``: the commands that show and advance action plans.

Only ``accredit retest`` can verify a plan. ``as_data`` and ``lines_of`` describe a plan for JSON
and for people.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from harness.cli.canaries import canaries_command
from harness.cli.drawing import terminal
from harness.cli.paths import REGISTRY as REGISTRY_VARIABLE
from harness.cli.printing import say, say_json
from harness.cli.registry_session import current_user, open_session
from harness.errors import UsageError
from harness.follow.state import RegistryState
from harness.follow.transitions import next_step, verbs_in
from harness.model.action_plan import ActionPlan, DeviationKind, Level, Retest, RetestResult
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
    in_utc,
)
from harness.ports.storage import Clock, WallClock

MOST_BACKWARD = 5
"""How many events dated before earlier ones are listed."""


def as_data(plan: ActionPlan, state: RegistryState, now: datetime) -> dict[str, Any]:
    """The plan, its finding and the possible next steps, ready for JSON."""
    data: dict[str, Any] = msgspec.to_builtins(plan)
    return {
        **data,
        "finding": msgspec.to_builtins(state.finding(plan.finding)),
        "overdue": plan.is_overdue(now),
        "possible": verbs_in(plan.state),
        "next": next_step(plan, now),
        "backward_events": [str(each) for each in state.backward],
        "clock_corrections": [_correction(each) for each in state.clock_corrections],
    }


def lines_of(plan: ActionPlan, state: RegistryState, now: datetime) -> list[tuple[str, str]]:
    """The plan as pairs of name and value, in reading order."""
    finding = state.finding(plan.finding)
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
        ("canaries", f"{len(each.items)} in {each.pack}, loaded by {in_utc(each.loaded_by)}")
        for each in plan.canaries
    ]
    lines += [
        (_retest_title(retest), f"{retest.campaign}: {retest.outcome}. {retest.statement}")
        for retest in plan.retests
    ]
    lines += [("history", entry) for entry in plan.history]
    lines += [("not independent", entry) for entry in plan.breaches]
    lines += [("clock", entry) for entry in _clock_lines(state)]
    lines.append(("possible now", ", ".join(verbs_in(plan.state)) or "nothing: it is closed"))
    lines.append(("next", next_step(plan, now)))
    return lines


def _retest_title(retest: Retest) -> str:
    is_open = retest.outcome is RetestResult.INSUFFICIENT
    return "re-test without a result" if is_open else "re-test"


def _clock_lines(state: RegistryState) -> list[str]:
    """Lines on events dated before earlier ones, and on corrections of the clock."""
    backward = [str(each) for each in state.backward]
    left = len(backward) - MOST_BACKWARD
    more = [f"and {left} more events dated before earlier ones"] if left > 0 else []
    corrections = [_correction(each) for each in state.clock_corrections]
    return backward[:MOST_BACKWARD] + more + corrections


def _correction(event: ClockCorrected) -> str:
    return (
        f"{event.at:%Y-%m-%d %H:%M} {event.actor}: events before this may be dated too late: "
        f"{event.reason}"
    )


def _exceptions(plan: ActionPlan, now: datetime) -> list[tuple[str, str]]:
    """Lines on a deviation, a vendor check-in and an escalation, where the plan has them."""
    lines = []
    if (agreed := plan.deviation) is not None:
        ended = " (ended)" if now > agreed.until else ""
        terms = f"{agreed.kind} until {agreed.until:%Y-%m-%d}{ended}, approved by {agreed.approver}"
        lines.append(("deviation", f"{terms}: {agreed.reason}; mitigated by {agreed.mitigation}"))
    if (due := plan.next_check_in) is not None:
        late = ", overdue" if now > due else ""
        lines.append(("vendor check-in", f"{plan.check_ins[-1].vendor}, due {due:%Y-%m-%d}{late}"))
    if plan.level is not None:
        lines.append(("escalated", f"{plan.level}; ends when: {plan.exit_criteria}"))
    return lines


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

clock: Clock = WallClock()
"""The clock of the commands; tests replace it."""

PLAN = Annotated[str, typer.Argument(help="The plan's id, such as P-0001.")]
REGISTRY = Annotated[
    str, typer.Option(envvar=REGISTRY_VARIABLE, help="The registry: a file or a database URL.")
]
BY = Annotated[str, typer.Option(help="Who does this; default: you.")]
DUE = Annotated[
    str, typer.Option(help="A date such as 2026-03-31; the end of that day, UTC, counts.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

WHERE = "out/registry.sqlite"


@app.command("list")
def list_plans(
    registry: REGISTRY = WHERE,
    *,
    every: Annotated[bool, typer.Option("--all", help="Include closed plans.")] = False,
    json: JSON = False,
) -> None:
    """List the open plans, the next due first. Where no registry was made yet there are none."""
    from harness.store.registry import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    nothing = "no open plans"
    try:
        with open_session(registry, clock=clock) as session:
            state = session.state
    except NoRegistry as none:
        if registry != WHERE and "://" not in registry:
            raise  # a file that somebody names must be there
        state, nothing = RegistryState(), f"{nothing}: {none}"
    now, plans = clock.now(), sorted(state.plans.values(), key=lambda plan: (plan.due, plan.id))
    shown = [plan for plan in plans if every or plan.state != "closed"]
    if json:
        _print_json([as_data(plan, state, now) for plan in shown])
        return
    table = Table("plan", "state", "due", "severity", "requirement", "owner", box=None)
    for column in (*table.columns[:2], table.columns[4]):
        column.no_wrap = True
    for plan in shown:
        finding = state.finding(plan.finding)
        late = " (overdue)" if plan.is_overdue(now) else ""
        where = f"{finding.requirement}[{finding.profile}-{finding.line}]"
        due = f"{plan.due:%Y-%m-%d}{late}"
        table.add_row(plan.id, plan.state, due, finding.severity, where, plan.owner)
    terminal().print(table if shown else nothing)
    if shown:
        say(f"next, for {shown[0].id}: {next_step(shown[0], now)}")


@app.command("show")
def show_plan(plan: PLAN, registry: REGISTRY = WHERE, *, json: JSON = False) -> None:
    """Show a plan with its finding, re-tests and history."""
    with open_session(registry, clock=clock) as session:
        state = session.state
    chosen, now = state.plan(plan), clock.now()
    if json:
        _print_json(as_data(chosen, state, now))
        return
    table = Table(show_header=False, box=None)
    for name, value in lines_of(chosen, state, now):
        table.add_row(name, value)
    terminal().print(table)


@app.command("agree")
def agree(
    plan: PLAN,
    owner: Annotated[str, typer.Option(help="Who is responsible for the fix.")],
    action: Annotated[str, typer.Option(help="The corrective action.")],
    cause: Annotated[str, typer.Option(help="The root cause, if known.")] = "",
    due: DUE = "",
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Agree a draft plan: its owner, the action, and optionally an earlier due date."""
    agreed = PlanAgreed(
        at=clock.now(),
        actor=by or current_user(),
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
    milestone: Annotated[
        int, typer.Option(help="The number of the milestone that was reached.")
    ] = 0,
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Record progress on an agreed plan."""
    _record(
        PlanProgressed(
            at=clock.now(), actor=by or current_user(), plan=plan, note=note, milestone=milestone
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
    """Record the claim that the fix is done. Only a re-test by somebody else can verify it."""
    with open_session(registry, clock=clock) as session:
        actor = by or session.state.plan(plan).owner
        state = session.record(
            FixClaimed(at=clock.now(), actor=actor, plan=plan, statement=statement)
        )
    _print_state(state.plan(plan))


@app.command("extend")
def extend(
    plan: PLAN,
    due: DUE,
    reason: Annotated[str, typer.Option(help="Why the fix takes longer.")],
    approver: Annotated[str, typer.Option(help="Who approved it; has no other part in the plan.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Extend the due date. The original date stays on record."""
    _record(
        PlanExtended(
            at=clock.now(),
            actor=by or current_user(),
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
    kind: Annotated[DeviationKind, typer.Option(help="The kind of deviation.")],
    until: DUE,
    reason: Annotated[str, typer.Option(help="Why it cannot be fixed earlier.")],
    mitigation: Annotated[str, typer.Option(help="What reduces the risk until then.")],
    approver: Annotated[str, typer.Option(help="Who approved it; has no other part in the plan.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Record a deviation agreed until a date. The plan stays open, and is not overdue before it."""
    agreed = PlanDeviated(
        at=clock.now(),
        actor=by or current_user(),
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
    vendor: Annotated[str, typer.Option(help="The vendor the fix depends on.")],
    result: Annotated[str, typer.Option(help="What the vendor said.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Record an update from the vendor the fix depends on; the next one is due within 30 days."""
    checked_in = VendorCheckedIn(
        at=clock.now(), actor=by or current_user(), plan=plan, vendor=vendor, result=result
    )
    _record(checked_in, registry)


@app.command("escalate")
def escalate(
    plan: PLAN,
    level: Annotated[
        Level, typer.Option(help="The new level; it must be higher than the present one.")
    ],
    reason: Annotated[str, typer.Option(help="Why the plan is escalated.")],
    exit_criteria: Annotated[str, typer.Option(help="What must happen for the escalation to end.")],
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Escalate a plan to a higher level, with the criteria that end the escalation."""
    _record(
        PlanEscalated(
            at=clock.now(),
            actor=by or current_user(),
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
    """Record that earlier events are dated too late, so that new events can follow them."""
    with open_session(registry, clock=clock) as session:
        before = session.state.latest
        now = clock.now()
        session.record(ClockCorrected(at=now, actor=by or current_user(), reason=reason))
    was = f"{before:%Y-%m-%d %H:%M}"
    say(f"recorded: the newest event was dated {was}; the time now is {now:%Y-%m-%d %H:%M}")


@app.command("close")
def close(
    plan: PLAN,
    note: Annotated[str, typer.Option(help="A closing remark.")] = "",
    by: BY = "",
    registry: REGISTRY = WHERE,
) -> None:
    """Close a verified plan. A closed plan cannot be reopened."""
    _record(PlanClosed(at=clock.now(), actor=by or current_user(), plan=plan, note=note), registry)


app.command("canaries")(canaries_command)


def _record(event: PlanEvent, registry: str) -> None:
    with open_session(registry, clock=clock) as session:
        state = session.record(event)
    _print_state(state.plan(event.plan))


def _print_state(plan: ActionPlan) -> None:
    say(
        f"plan {plan.id} is {plan.state}, due {plan.due:%Y-%m-%d}",
        f"next: {next_step(plan, clock.now())}",
    )


def _date(text: str) -> datetime:
    """The last second of a day given as text. Raises UsageError if it is not a date."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        msg = f"{text!r} is not a date; write it like 2026-03-31"
        raise UsageError(msg) from None
    return day.replace(hour=23, minute=59, second=59)


def _print_json(data: Any) -> None:
    say_json(msgspec.json.format(msgspec.json.encode(data), indent=2))
