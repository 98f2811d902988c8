"""``accredit plan submit``, ``return`` and ``agree``: how a plan comes to be agreed."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.paths import REGISTRY_OPTION
from harness.cli.plan_step import BY, DUE, PLAN, SUPPLIER, clock, end_of, record
from harness.cli.registry_session import current_user
from harness.errors import UsageError
from harness.model.action_plan import ActionPlan, Milestone, PlanState
from harness.model.event import PlanAgreed, PlanReturned, PlanSubmitted

OWNER = Annotated[str, typer.Option(help="Who is responsible for the fix.")]
ACTION = Annotated[str, typer.Option(help="The corrective action: how the failure is fixed.")]
CAUSE = Annotated[str, typer.Option(help="The root cause, if known.")]
CONTAINMENT = Annotated[
    str, typer.Option(help="What limits the failure until then; required if it is critical.")
]
PREVENTION = Annotated[str, typer.Option(help="What keeps it from coming back.")]
EXPLANATION = Annotated[str, typer.Option(help="The supplier's own explanation.")]
MILESTONE = Annotated[
    list[str] | None,
    typer.Option(help="TITLE=DATE, in order; all of them replace those of the draft."),
]


def submit_command(
    plan: PLAN,
    owner: OWNER,
    action: ACTION,
    cause: CAUSE = "",
    containment: CONTAINMENT = "",
    prevention: PREVENTION = "",
    *,
    explanation: EXPLANATION = "",
    milestone: MILESTONE = None,
    due: DUE = "",
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Submit a draft plan, for a supplier. The assessor then agrees it, or returns it."""
    submitted = PlanSubmitted(
        at=clock.now(),
        actor=by or current_user(),
        plan=plan,
        owner=owner,
        corrective_action=action,
        root_cause=cause,
        containment=containment,
        preventive_action=prevention,
        explanation=explanation,
        milestones=tuple(map(_milestone, milestone or ())),
        due=end_of(due) if due else None,
    )
    record(plan, submitted, registry, supplier)


def return_command(
    plan: PLAN,
    reason: Annotated[str, typer.Option(help="What has to change before it can be agreed.")],
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Return a submitted plan, so that it is changed and submitted again."""
    returned = PlanReturned(at=clock.now(), actor=by or current_user(), plan=plan, reason=reason)
    record(plan, returned, registry, supplier)


def agree_command(
    plan: PLAN,
    owner: OWNER = "",
    action: ACTION = "",
    cause: CAUSE = "",
    containment: CONTAINMENT = "",
    prevention: PREVENTION = "",
    *,
    explanation: EXPLANATION = "",
    milestone: MILESTONE = None,
    due: DUE = "",
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Agree a plan: as it was submitted, or a draft with its owner and what is done.

    The root cause and a preventive action may follow ('plan detail'), before the fix is claimed.
    """

    def agreed(before: ActionPlan) -> PlanAgreed:
        is_submitted = before.state is PlanState.SUBMITTED
        return PlanAgreed(
            at=clock.now(),
            actor=by or current_user(),
            plan=plan,
            owner=owner or (before.owner if is_submitted else ""),
            corrective_action=action or (before.corrective_action if is_submitted else ""),
            root_cause=cause,
            containment=containment,
            preventive_action=prevention,
            explanation=explanation,
            milestones=tuple(map(_milestone, milestone or ())),
            due=end_of(due) if due else None,
        )

    record(plan, agreed, registry, supplier)


def _milestone(text: str) -> Milestone:
    """A milestone that is written as TITLE=DATE. Raises UsageError."""
    title, separator, day = text.rpartition("=")
    if not separator or not title.strip():
        msg = f"--milestone {text!r}: write TITLE=DATE, such as 'Fix in the service=2026-03-31'"
        raise UsageError(msg)
    return Milestone(title=title.strip(), due=end_of(day.strip()))
