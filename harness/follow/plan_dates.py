"""The due dates of a plan: each with who must act, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.follow.deadlines import agreed_by
from harness.follow.escalation import SETTLED
from harness.follow.next_act import (
    NextAct,
    agreement_act,
    deviation_act,
    milestone_act,
    next_act,
    open_milestones,
    owner_of,
    soak_act,
)
from harness.model.action_plan import (
    CONTAINED,
    TO_AGREE,
    ActionPlan,
    Finding,
    PlanState,
)
from harness.model.event_times import in_utc
from harness.model.obligation import ObligationKind, Party

REPORT = timedelta(days=30)
"""The longest time between two reports on the work of an agreed plan (METHOD (d): monthly)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDate:
    """A due date of a plan, a decision or a review (``about``), and who must act.

    ``part`` tells several of one kind apart. ``revision`` grows whenever a decision or a
    review changed; that of a plan follows from its history.
    """

    about: str
    kind: ObligationKind
    what: str
    due: datetime
    act: NextAct
    part: str = ""
    service: str = ""
    original_due: datetime | None = None
    revision: int = 0

    @property
    def id(self) -> str:
        """What it is called in its stream, also if its date moves: ``P-0001 milestone 2``."""
        return f"{self.about} {self.kind} {self.part}".rstrip()


def dates_of_plan(
    plan: ActionPlan, finding: Finding, now: datetime, supplier: str
) -> Iterator[DueDate]:
    """Yield the due dates of a plan of a supplier, in no order; none if it has ended."""
    if plan.is_ended:
        return
    if plan.state in TO_AGREE:
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.AGREEMENT,
            what="agreement of the plan",
            due=agreed_by(finding),
            act=agreement_act(plan, finding, supplier),
        )
    if plan.state not in SETTLED:
        yield from _of_open(plan, finding, now, supplier)
    if (ends := plan.soak_ends) is not None:
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.SOAK,
            what="measurement after the soak period",
            due=ends,
            act=soak_act(plan, now),
        )


def _of_open(plan: ActionPlan, finding: Finding, now: datetime, supplier: str) -> Iterator[DueDate]:
    """Yield the dates of a plan whose fix is not verified."""
    act = next_act(plan, finding, now, supplier)
    due = plan.effective_due
    if act is not None:
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.PLAN,
            what="fix, verified by a re-test",
            due=due,
            act=act,
            original_due=None if due == plan.original_due else plan.original_due,
        )
    yield from _milestones(plan, now, supplier)
    yield from _updates(plan, now, supplier)
    yield from _deviations(plan, now, supplier)
    if plan.loaded_by is not None and now < plan.loaded_by:
        act = NextAct(
            Party.SUPPLIER,
            owner_of(plan, supplier),
            f"load the new canaries by {in_utc(plan.loaded_by)}",
        )
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.CANARIES,
            what="new canaries loaded",
            due=plan.loaded_by,
            act=act,
        )


def _milestones(plan: ActionPlan, now: datetime, supplier: str) -> Iterator[DueDate]:
    """Yield the milestones that are left and earlier than the plan's own date.

    A deviation in force excuses them all but containment, which only a possible false positive
    excuses.
    """
    excused = plan.deviation_at(now)
    for number, step in open_milestones(plan):
        if step.title != CONTAINED and (excused is not None or step.due >= plan.due):
            continue
        due = plan.contained_by(step.due) if step.title == CONTAINED else step.due
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.MILESTONE,
            what=f"milestone {number}: {step.title}",
            due=due,
            act=milestone_act(plan, step, supplier),
            part=str(number),
            original_due=None if due == step.due else step.due,
        )


def _updates(plan: ActionPlan, now: datetime, supplier: str) -> Iterator[DueDate]:
    """Yield the check-in with a vendor, or else the monthly report of an agreed plan."""
    who = owner_of(plan, supplier)
    if (due := plan.next_check_in) is not None:
        act = NextAct(Party.SUPPLIER, who, "ask the vendor for an update, and record it")
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.CHECK_IN,
            what="check-in with the vendor",
            due=due,
            act=act,
        )
    working = plan.state in {PlanState.AGREED, PlanState.IN_PROGRESS}
    if working and not plan.is_waiting(now):
        last = plan.reported or plan.opened
        act = NextAct(
            Party.SUPPLIER, who, f"report how the work stands (last said {last:%Y-%m-%d})"
        )
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.PROGRESS,
            what="monthly report",
            due=last + REPORT,
            act=act,
        )


def _deviations(plan: ActionPlan, now: datetime, supplier: str) -> Iterator[DueDate]:
    """Yield the decision on a deviation that was asked for, and the end of the one in force."""
    if (asked := plan.requested) is not None:
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.DEVIATION_DECISION,
            what=f"decision on the {asked.kind} that was asked for",
            due=min(asked.until, max(plan.due, asked.requested)),
            act=deviation_act(plan),
        )
    if (held := plan.deviation_at(now)) is not None:
        act = NextAct(
            Party.SUPPLIER,
            owner_of(plan, supplier),
            "fix the failure before then, or ask for another deviation",
        )
        yield DueDate(
            about=plan.id,
            kind=ObligationKind.DEVIATION_END,
            what=f"end of the {held.kind}",
            due=held.until,
            act=act,
        )
