"""What the commands of ``accredit plan`` share: options, the clock, dates, and recording a step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.paths import chosen_registry
from harness.cli.printing import say
from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.follow.identities import signed_event
from harness.follow.next_step import next_step
from harness.follow.planned_rows import end_of_day
from harness.model.action_plan import ActionPlan
from harness.model.event import PlanEvent
from harness.ports.storage import Clock, WallClock

PLAN = Annotated[str, typer.Argument(help="The plan's id, such as P-0001.")]
BY = Annotated[str, typer.Option(help="Who does this; default: you.")]
SUPPLIER = Annotated[str, typer.Option(help="The supplier, if several have a plan of this id.")]
DUE = Annotated[
    str, typer.Option(help="A date such as 2026-03-31; the end of that day, UTC, counts.")
]
APPROVER = Annotated[str, typer.Option(help="Who approved it; has no other part in the plan.")]


class _Clock:
    """The clock of the commands on plans; tests replace ``source``."""

    source: Clock = WallClock()

    def now(self) -> datetime:
        return self.source.now()

    def monotonic(self) -> float:
        return self.source.monotonic()


clock = _Clock()


def record(
    plan: str,
    step: PlanEvent | Callable[[ActionPlan], PlanEvent],
    registry: str,
    supplier: str,
    identity: Path | None = None,
) -> None:
    """Record a step of a plan, signed with a private key if given, and say where it stands now."""
    with open_session(chosen_registry(registry), clock=clock) as session:
        if identity is not None:
            stream = session.plan(plan, supplier).supplier
            step = partial(_signed_step, step, stream, identity)
        after = session.advance(plan, step, supplier=supplier)
        finding = session.plan(plan, supplier).finding
    say(
        f"plan {after.id} is {after.state}, due {after.due:%Y-%m-%d}",
        f"next: {next_step(after, finding, clock.now(), supplier)}",
    )


def _signed_step(
    step: PlanEvent | Callable[[ActionPlan], PlanEvent],
    stream: str,
    identity: Path,
    before: ActionPlan,
) -> PlanEvent:
    event = step if isinstance(step, PlanEvent) else step(before)
    return signed_event(event, stream, identity)


def end_of(text: str) -> datetime:
    """The last second of a day given as text. Raises UsageError if it is not a date."""
    try:
        return end_of_day(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date())
    except ValueError:
        msg = f"{text!r} is not a date; write it like 2026-03-31"
        raise UsageError(msg) from None
