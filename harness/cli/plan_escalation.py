"""``accredit plan escalate``: a plan by a person's decision, or all plans by rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import typer

from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import BY, SUPPLIER, clock, record
from harness.cli.printing import say
from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.errors import UsageError
from harness.follow.escalation import escalations_due, notice_of
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.action_plan import FollowUp
from harness.model.escalation import Level
from harness.model.event import PlanEscalated
from harness.ports.storage import Clock


class Notice(NamedTuple):
    """An escalation by rule, and the supplier of its plan."""

    supplier: str
    event: PlanEscalated

    def __str__(self) -> str:
        """The notice that is sent to the supplier."""
        event = self.event
        return (
            f"{self.supplier}, plan {event.plan}: {event.level} (rule {event.rule}): "
            f"{event.reason}. It ends when: {event.exit_criteria}"
        )


def escalate_command(
    plan: Annotated[
        str, typer.Argument(help="One plan, with --level; default: all that rules ask for.")
    ] = "",
    level: Annotated[
        Level | None, typer.Option(help="The new level; it must be higher than the present one.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why the plan is escalated.")] = "",
    exit_criteria: Annotated[
        str, typer.Option(help="What must happen for the escalation to end.")
    ] = "",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what rules ask for, and record nothing.")
    ] = False,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Escalate all plans for which a rule asks for it now, and print the notices.

    With a plan and a level, escalate that one. Run it daily: rules depend on the date.
    """
    if plan:
        if level is None:
            msg = f"plan {plan}: give the level (--level); without a plan, rules choose both"
            raise UsageError(msg)
        escalated = PlanEscalated(
            at=clock.now(),
            actor=by or current_user(),
            plan=plan,
            level=level,
            reason=reason,
            exit_criteria=exit_criteria,
        )
        record(plan, escalated, registry, supplier)
        return
    if level or reason or exit_criteria:
        msg = "say which plan to escalate; without one, rules choose the plans and their levels"
        raise UsageError(msg)
    from harness.cli.vouched_time import require_not_behind_any  # noqa: PLC0415 - imports this one

    require_not_behind_any(chosen_registry(registry), OUT, clock)
    with open_session(chosen_registry(registry), clock=clock) as session:
        actor = by or current_user()
        notices = tuple(_escalate_all(session, supplier, actor, dry_run=dry_run))
    for notice in notices:
        say(str(notice))
    if not notices:
        say("no rule asks for an escalation")


def _escalate_all(
    session: RegistrySession, supplier: str, actor: str, *, dry_run: bool
) -> Iterator[Notice]:
    only = session.stream_named(supplier) if supplier else ""
    for head in session.registry.heads():
        if only in ("", head.stream):
            yield from escalate_by_rule(session, head.stream, clock, actor, dry_run=dry_run)


def escalate_by_rule(
    session: RegistrySession, stream: str, at: Clock, actor: str, *, dry_run: bool = False
) -> tuple[Notice, ...]:
    """Escalate the plans of a stream for which rules ask for it now; return the notices.

    All of the stream's plans are made from its events.
    """
    with session.registry.writing(stream) as access:
        if access.head is None:
            return ()
        state = replay(access.events())
        events = tuple(_notices(state, at, actor))
        if events and not dry_run:
            session.append_to(access, state.after(*events), list(events))
    return tuple(Notice(state.name, event) for event in events)


def _notices(state: StreamState, at: Clock, actor: str) -> Iterator[PlanEscalated]:
    now = at.now()
    held = [
        FollowUp(finding=state.findings[plan.finding], plan=plan) for plan in state.plans.values()
    ]
    due = escalations_due(held, now)
    for name, trigger in due.items():
        finding = state.findings[state.plans[name].finding]
        yield notice_of(trigger, name, finding, now, actor)
