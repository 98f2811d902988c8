"""``accredit plan``: the commands that show and advance action plans.

Only ``accredit retest`` can verify a plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from harness.cli.canaries import canaries_command
from harness.cli.drawing import terminal
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_agreement import agree_command, return_command, submit_command
from harness.cli.plan_calendar import calendar_command
from harness.cli.plan_digest import digest_command
from harness.cli.plan_escalation import escalate_command
from harness.cli.plan_exceptions import (
    check_in_command,
    decide_deviation_command,
    deviate_command,
    extend_command,
    supersede_command,
)
from harness.cli.plan_export import export_command
from harness.cli.plan_import import import_command
from harness.cli.plan_record import detail_command, evidence_command, sign_command
from harness.cli.plan_soak import soak_command
from harness.cli.plan_step import BY, PLAN, SUPPLIER, clock, record
from harness.cli.plan_view import as_data, lines_of
from harness.cli.printing import say, say_data
from harness.cli.registry_session import HeldPlan, current_user, open_session
from harness.cli.vouched_time import known_now
from harness.follow.next_step import next_step
from harness.model.event import FixClaimed, PlanClosed, PlanProgressed
from harness.untrusted.passwords import is_database

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_plans(
    registry: REGISTRY_OPTION = "",
    supplier: Annotated[str, typer.Option(help="Only the plans of this supplier.")] = "",
    *,
    every: Annotated[bool, typer.Option("--all", help="Include plans that have ended.")] = False,
    json: JSON = False,
) -> None:
    """List the open plans, the next due first. Where no registry was made yet there are none."""
    from harness.store.registry.opening import NoRegistry  # noqa: PLC0415 - sqlalchemy is heavy

    nothing, held = "no open plans", tuple[HeldPlan, ...]()
    try:
        with open_session(chosen_registry(registry), clock=clock) as session:
            held = session.plans(supplier=supplier, every=every)
    except NoRegistry as none:
        if registry and not is_database(registry):
            raise  # a file that somebody names must be there
        nothing = f"{nothing}: {none}"
    now = known_now(chosen_registry(registry), OUT, clock)
    shown = sorted(held, key=lambda each: (each.plan.due, each.plan.id))
    if json:
        say_data([as_data(each, now, supplier) for each in shown])
        return
    terminal().print(_table(shown, now) if shown else nothing)
    if shown:
        first = shown[0]
        named = first.supplier if len({each.stream for each in shown}) > 1 else supplier
        say(f"next, for {first.plan.id}: {next_step(first.plan, first.finding, now, named)}")


def _table(shown: Sequence[HeldPlan], now: datetime) -> Table:
    """A row for each plan; suppliers are named if there are several."""
    are_several = len({each.stream for each in shown}) > 1
    has_levels = any(each.plan.level for each in shown)
    first, last = ("supplier",) if are_several else (), ("escalated",) if has_levels else ()
    columns = (*first, "plan", "state", "due", "severity", "requirement", "owner", *last)
    table = Table(*columns, box=None)
    for column in table.columns:
        column.no_wrap = column.header in {"plan", "state", "requirement"}
    for each in shown:
        plan, finding = each.plan, each.finding
        late = " (overdue)" if plan.is_overdue(now) else ""
        state = f"{plan.state}, waits for a vendor" if plan.is_waiting(now) else plan.state
        level = (plan.level or "",) if has_levels else ()
        where = f"{finding.requirement}[{finding.profile}-{finding.line}]"
        due = f"{plan.due:%Y-%m-%d}{late}"
        named = (each.supplier,) if are_several else ()
        table.add_row(*named, plan.id, state, due, finding.severity, where, plan.owner, *level)
    return table


@app.command("show")
def show_plan(
    plan: PLAN, registry: REGISTRY_OPTION = "", supplier: SUPPLIER = "", *, json: JSON = False
) -> None:
    """Show a plan with its finding, re-tests and history."""
    with open_session(chosen_registry(registry), clock=clock) as session:
        held = session.plan(plan, supplier)
    now = known_now(chosen_registry(registry), OUT, clock)
    if json:
        say_data(as_data(held, now, supplier))
        return
    table = Table(show_header=False, box=None)
    for name, value in lines_of(held, now, supplier):
        table.add_row(name, value)
    terminal().print(table)


@app.command("progress")
def progress(
    plan: PLAN,
    note: Annotated[str, typer.Option(help="What was done.")],
    milestone: Annotated[
        int, typer.Option(help="The number of the milestone that was reached.")
    ] = 0,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Record progress on an agreed plan."""
    progressed = PlanProgressed(
        at=clock.now(), actor=by or current_user(), plan=plan, note=note, milestone=milestone
    )
    record(plan, progressed, registry, supplier)


@app.command("claim")
def claim(
    plan: PLAN,
    statement: Annotated[str, typer.Option(help="What was fixed, and how.")],
    by: Annotated[str, typer.Option(help="Who claims it; default: the plan's owner.")] = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Record the claim that the fix is done. Only a re-test by somebody else can verify it."""
    record(
        plan,
        lambda before: FixClaimed(
            at=clock.now(), actor=by or before.owner, plan=plan, statement=statement
        ),
        registry,
        supplier,
    )


@app.command("correct-clock")
def correct_clock(
    reason: Annotated[str, typer.Option(help="Since when the clock was wrong, and why.")],
    by: BY = "",
    registry: REGISTRY_OPTION = "",
) -> None:
    """Record that earlier events are dated too late, so that new events can follow them.

    Escalations by rule, soak periods that were over, closed plans, accreditations and certificates
    that are dated after this time count no more.
    """
    with open_session(chosen_registry(registry), clock=clock) as session:
        corrected = session.correct_clock(reason, by or current_user())
    for head, dropped, undone in corrected:
        was, now = f"{head.latest:%Y-%m-%d %H:%M}", f"{clock.now():%Y-%m-%d %H:%M}"
        say(f"recorded for {head.name}: the newest event was dated {was}; the time now is {now}")
        for name, one in dropped:
            say(
                f"{head.name}, plan {name}: the escalation of {one.at:%Y-%m-%d} to {one.level} "
                f"(rule {one.rule}) counts no more; withdraw its notice"
            )
        for sentence in undone:
            say(f"{head.name}, {sentence}")
    if any(each.dropped for each in corrected):
        say("next: accredit plan escalate (what rules ask for by the right date)")


@app.command("close")
def close(
    plan: PLAN,
    note: Annotated[str, typer.Option(help="A closing remark.")] = "",
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Close a verified plan. A closed plan cannot be reopened."""
    closed = PlanClosed(at=clock.now(), actor=by or current_user(), plan=plan, note=note)
    record(plan, closed, registry, supplier)


for name, command in (
    ("digest", digest_command),
    ("calendar", calendar_command),
    ("import", import_command),
    ("submit", submit_command),
    ("return", return_command),
    ("agree", agree_command),
    ("detail", detail_command),
    ("sign", sign_command),
    ("evidence", evidence_command),
    ("canaries", canaries_command),
    ("soak", soak_command),
    ("extend", extend_command),
    ("deviate", deviate_command),
    ("decide-deviation", decide_deviation_command),
    ("check-in", check_in_command),
    ("escalate", escalate_command),
    ("supersede", supersede_command),
    ("export", export_command),
):
    app.command(name)(command)
