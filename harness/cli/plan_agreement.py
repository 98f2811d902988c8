"""``accredit plan submit``, ``return`` and ``agree``: how a plan comes to be agreed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple

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


class PlanTerms(NamedTuple):
    """Who does what until when, as it is given; ``due`` is a date, milestones are ``TITLE=DATE``.

    What is empty stays as it is in the plan.
    """

    owner: str = ""
    action: str = ""
    cause: str = ""
    containment: str = ""
    prevention: str = ""
    explanation: str = ""
    due: str = ""
    milestones: tuple[str, ...] = ()


def submitted(plan: str, terms: PlanTerms, at: datetime, actor: str) -> PlanSubmitted:
    """The event that submits a plan. Raises UsageError for a date or milestone that is none."""
    return PlanSubmitted(
        at=at,
        actor=actor,
        plan=plan,
        owner=terms.owner,
        corrective_action=terms.action,
        root_cause=terms.cause,
        containment=terms.containment,
        preventive_action=terms.prevention,
        explanation=terms.explanation,
        milestones=tuple(map(_milestone, terms.milestones)),
        due=end_of(terms.due) if terms.due else None,
    )


def agreed(before: ActionPlan, terms: PlanTerms, at: datetime, actor: str) -> PlanAgreed:
    """The event that agrees a plan: as it was submitted, or a draft with its owner and action.

    Raises UsageError for a date or milestone that is none.
    """
    is_submitted = before.state is PlanState.SUBMITTED
    return PlanAgreed(
        at=at,
        actor=actor,
        plan=before.id,
        owner=terms.owner or (before.owner if is_submitted else ""),
        corrective_action=terms.action or (before.corrective_action if is_submitted else ""),
        root_cause=terms.cause,
        containment=terms.containment,
        preventive_action=terms.prevention,
        explanation=terms.explanation,
        milestones=tuple(map(_milestone, terms.milestones)),
        due=end_of(terms.due) if terms.due else None,
    )


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
    terms = PlanTerms(owner, action, cause, containment, prevention, explanation, due)
    terms = terms._replace(milestones=tuple(milestone or ()))
    record(plan, submitted(plan, terms, clock.now(), by or current_user()), registry, supplier)


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
    terms = PlanTerms(owner, action, cause, containment, prevention, explanation, due)
    terms = terms._replace(milestones=tuple(milestone or ()))
    at, actor = clock.now(), by or current_user()
    record(plan, lambda before: agreed(before, terms, at, actor), registry, supplier)


def _milestone(text: str) -> Milestone:
    """A milestone that is written as TITLE=DATE. Raises UsageError."""
    title, separator, day = text.rpartition("=")
    if not separator or not title.strip():
        msg = f"--milestone {text!r}: write TITLE=DATE, such as 'Fix in the service=2026-03-31'"
        raise UsageError(msg)
    return Milestone(title=title.strip(), due=end_of(day.strip()))
