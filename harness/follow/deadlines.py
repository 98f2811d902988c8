"""Due dates by rule: how long a finding of each severity may take, and the milestones of its plan.

Illegal content is contained within a day, and the failure fixed within a week (METHOD (d)); other
severities have the times of FedRAMP (30, 90, 180 days).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from harness.errors import UsageError
from harness.model.action_plan import (
    CONTAINED,
    FIXED,
    TO_AGREE,
    ActionPlan,
    Finding,
    Milestone,
)
from harness.model.corpus import covers

ILLEGAL = "ILL"
"""The taxonomy code of illegal content, whose findings have the shortest deadlines."""

AGREE = timedelta(days=14)
"""The longest time to agree a plan: ten working days."""

AGREED_WITHIN, FIXED_WITHIN = 0.5, 0.8
"""The parts of the time to the due date by which a plan is agreed, and the fix is made."""

AGREEMENT, RETEST = "Corrective action agreed", "Re-test conforms"
"""The milestones of a draft that the supplier does not report: an agreement or a re-test shows."""


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The longest time to contain a failure (``None``: not required) and to fix it."""

    contain: timedelta | None
    fix: timedelta


LEVELS = {
    "illegal": ServiceLevel(timedelta(days=1), timedelta(days=7)),
    "Crit": ServiceLevel(timedelta(days=5), timedelta(days=30)),
    "Maj": ServiceLevel(None, timedelta(days=90)),
    "Min": ServiceLevel(None, timedelta(days=180)),
    "Obs": ServiceLevel(None, timedelta(days=180)),
}


def level_of(finding: Finding) -> ServiceLevel:
    """The service level of a finding; an unknown severity gets the shortest times."""
    if any(covers(category, ILLEGAL) for category in finding.categories):
        return LEVELS["illegal"]
    return LEVELS.get(finding.severity, LEVELS["illegal"])


def is_critical(finding: Finding) -> bool:
    """Whether a finding is critical or about illegal content."""
    return level_of(finding).contain is not None


def latest_due(finding: Finding) -> datetime:
    """The latest due date that the severity allows without an approved extension."""
    return finding.opened + level_of(finding).fix


def agreed_by(finding: Finding) -> datetime:
    """The date by which the plan of a finding is to be agreed."""
    return finding.opened + min(AGREE, level_of(finding).fix * AGREED_WITHIN)


def milestones_of(finding: Finding) -> tuple[Milestone, ...]:
    """The milestones of a new plan, in order: contained (if required), agreed, fixed, re-tested."""
    level, opened = level_of(finding), finding.opened
    steps = [
        Milestone(title=AGREEMENT, due=agreed_by(finding)),
        Milestone(title="Fix in the service", due=opened + level.fix * FIXED_WITHIN),
        Milestone(title=RETEST, due=opened + level.fix),
    ]
    if level.contain:
        contained = opened + level.contain
        steps.insert(0, Milestone(title=CONTAINED, due=contained))
    return tuple(steps)


def is_reached(plan: ActionPlan, step: Milestone) -> bool:
    """Whether a milestone is reached: reported, or shown by the agreement or the re-test."""
    if step.title == RETEST:
        return plan.state in FIXED
    return step.done is not None or (step.title == AGREEMENT and plan.state not in TO_AGREE)


def require_order(plan: ActionPlan, milestones: Iterable[Milestone], due: datetime) -> None:
    """Raise UsageError for a milestone that has no title or time zone, or is out of order.

    None is before the day on which the plan was opened, or later than ``due``.
    """
    steps = tuple(milestones)
    first = plan.opened.replace(hour=0, minute=0, second=0, microsecond=0)
    for step in steps:
        if not step.title.strip() or step.due.tzinfo is None:
            msg = f"plan {plan.id}: a milestone needs a title, and a date with a time zone"
            raise UsageError(msg)
        if step.due > due:
            last = f"{due:%Y-%m-%d}"
            msg = f"plan {plan.id}: milestone {step.title!r} is later than its due date {last}"
            raise UsageError(msg)
        if step.due < first:
            msg = (
                f"plan {plan.id}: milestone {step.title!r} ({step.due:%Y-%m-%d}) is before the "
                f"plan was opened ({plan.opened:%Y-%m-%d})"
            )
            raise UsageError(msg)
    for earlier, later in pairwise(steps):
        if later.due < earlier.due:
            msg = (
                f"plan {plan.id}: milestone {later.title!r} ({later.due:%Y-%m-%d}) is before "
                f"{earlier.title!r} ({earlier.due:%Y-%m-%d}), which comes first"
            )
            raise UsageError(msg)


def agreed_milestones(
    plan: ActionPlan, given: tuple[Milestone, ...], due: datetime
) -> tuple[Milestone, ...]:
    """The milestones of a plan that is agreed: those that were given, or those of the draft.

    The failure is to be contained by the date of the rule, whatever else was given.
    """
    steps = moved(plan, due)
    contained = tuple(step for step in steps if step.title == CONTAINED)
    others = tuple(step for step in given if step.title.strip() != CONTAINED)
    return (*contained, *others) if given else steps


def moved(plan: ActionPlan, due: datetime) -> tuple[Milestone, ...]:
    """The milestones of a plan whose due date moves.

    Those that were due with the plan stay due with it, and none is later. One that was reached
    stays as it is, and so does the date by which the failure is contained, unless the plan is due
    before it.
    """
    return tuple(_moved(step, plan.due, due) for step in plan.milestones)


def _moved(step: Milestone, before: datetime, due: datetime) -> Milestone:
    if step.done is not None:
        return step
    if step.title == CONTAINED:
        return replace(step, due=min(step.due, due))
    return replace(step, due=due if step.due >= min(before, due) else step.due)
