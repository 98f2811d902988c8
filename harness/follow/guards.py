"""Separation of roles in action plans, and the details that a claim needs.

The person who claimed a fix, or submitted the plan, may not verify it. The person who approves an
extension or a deviation of a plan is neither its owner nor the actor of any of its other events
(ISO/IEC 17065, 7.6: decisions are made by persons who did not evaluate). Names that look alike
count as the same person.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.errors import UsageError
from harness.model.action_plan import ActionPlan
from harness.model.event import (
    OUTCOMES,
    AppealDecided,
    CanariesMade,
    ChangeAllowed,
    DeviationApproved,
    DeviationRejected,
    FixClaimed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProposal,
    PlanSuperseded,
    RecordClosed,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
)
from harness.model.person_names import find_person, identity_of, is_same_person
from harness.model.registry_record import Complaint

Approved = PlanExtended | PlanDeviated | PlanSuperseded
"""Events that name their approver beside the person who records them."""

Decision = DeviationApproved | DeviationRejected
"""Events whose actor is the approver."""

APPROVED: Mapping[type[PlanEvent], str] = {
    PlanExtended: "extension",
    PlanDeviated: "deviation",
    PlanSuperseded: "end",
    DeviationApproved: "deviation",
    DeviationRejected: "deviation",
}
"""What somebody without another part in the plan approves or rejects."""


def acted_in(event: PlanEvent) -> tuple[str, ...]:
    """The persons who take part in a plan by an event.

    Who only decides takes none, nor who runs a command that escalates by rule.
    """
    if isinstance(event, Decision) or (isinstance(event, PlanEscalated) and event.rule):
        return ()
    return (event.actor, event.owner) if isinstance(event, PlanProposal) else (event.actor,)


def role_conflict_in(plan: ActionPlan, event: PlanEvent) -> str | None:
    """The reason why ``event`` mixes roles that must be separate; ``None`` if it does not."""
    if not identity_of(event.actor):
        return f"plan {plan.id}: the actor's name must have letters, not {event.actor!r}"
    if isinstance(event, Decision):
        return _approver(plan, event, event.actor)
    conflict = _claims_and_verifies(plan, event) or _decided_before(plan, event)
    if conflict is None and isinstance(event, PlanProposal):
        return _owner(plan, event)
    if conflict is None and isinstance(event, Approved):
        return _approver(plan, event, event.approver)
    return conflict


def _decided_before(plan: ActionPlan, event: PlanEvent) -> str | None:
    """Say that a person who decided something of a plan would now take part in it."""
    approver = find_person(event.actor, plan.approvers) if acted_in(event) else None
    if approver is None:
        return None
    return (
        f"plan {plan.id}: {approver} decided on its extension or deviation and cannot take any "
        "other part in it; somebody else must do this"
    )


def _claims_and_verifies(plan: ActionPlan, event: PlanEvent) -> str | None:
    """Say that one person would claim a fix and verify it, or make the canaries that verify it."""
    verifies = isinstance(
        event, CanariesMade | ChangeAllowed | RetestPostponed | RetestStarted | RetestConcluded
    )
    if verifies and is_same_person(event.actor, plan.claimed_by):
        return (
            f"plan {plan.id}: {event.actor} claimed the fix and cannot verify it; "
            "somebody else must"
        )
    if verifies and is_same_person(event.actor, plan.submitted_by):
        return (
            f"plan {plan.id}: {event.actor} submitted it and cannot verify it; somebody else must"
        )
    makers = tuple(canaries.made_by for canaries in plan.canaries)
    if isinstance(event, FixClaimed) and find_person(event.actor, makers) is not None:
        return (
            f"plan {plan.id}: {event.actor} made its canaries and cannot claim the fix; "
            "somebody else must"
        )
    return None


def _owner(plan: ActionPlan, event: PlanProposal) -> str | None:
    if not identity_of(event.owner):
        return f"plan {plan.id}: needs an owner: a name with letters, not {event.owner!r}"
    if (approver := find_person(event.owner, plan.approvers)) is not None:
        return (
            f"plan {plan.id}: {approver} decided on its extension or deviation and cannot become "
            "its owner; name another owner"
        )
    return None


def _approver(plan: ActionPlan, event: Approved | Decision, who: str) -> str | None:
    """Say why a person may not approve or reject something of a plan."""
    what = APPROVED[type(event)]
    verb = "reject" if isinstance(event, DeviationRejected) else "approve"
    if not identity_of(who):
        return f"plan {plan.id}: needs an approver: a name with letters, not {who!r}"
    if is_same_person(who, plan.owner):
        return f"plan {plan.id}: {plan.owner} is its owner and cannot {verb} its {what}"
    if isinstance(event, Approved) and is_same_person(who, event.actor):
        return (
            f"plan {plan.id}: {event.actor} records the {what} and cannot also approve it; "
            "name another approver, or let somebody else record it (--by)"
        )
    if (actor := find_person(who, plan.actors)) is not None:
        return f"plan {plan.id}: {actor} acted on it before and cannot {verb} its {what}"
    return None


def require_text(plan: ActionPlan, what: str, text: str) -> None:
    """Raise UsageError if ``text``, which gives ``what``, is empty."""
    if not text.strip():
        msg = f"plan {plan.id}: needs {what}"
        raise UsageError(msg)


DETAILS = ("root_cause", "containment", "preventive_action", "explanation")
"""The texts of a plan that may be given when it is agreed, or later."""


def require_details(plan: ActionPlan) -> None:
    """Raise UsageError unless the root cause and a preventive action are on record.

    Only then can a fix be claimed.
    """
    for what, text, option in (
        ("the root cause", plan.root_cause, "--cause"),
        ("a preventive action", plan.preventive_action, "--prevention"),
    ):
        if not text.strip():
            msg = (
                f"plan {plan.id}: needs {what} before the fix can be claimed; "
                f"record it: accredit plan detail {plan.id} {option} TEXT"
            )
            raise UsageError(msg)


def require_fair_answer(
    complaint: Complaint, closed: RecordClosed, others: tuple[str, ...]
) -> None:
    """Raise UsageError unless a complaint gets an outcome from somebody without a part in it.

    ``others`` measured or judged the service, speak for it, or decided about it (ISO/IEC 17065,
    7.13.5).
    """
    subject = f"complaint {complaint.id!r}"
    if closed.outcome is msgspec.UNSET:
        msg = f"{subject}: say what became of it (--outcome {', '.join(OUTCOMES)})"
        raise UsageError(msg)
    if (other := find_person(closed.actor, (complaint.complainant, *others))) is not None:
        msg = (
            f"{subject}: {other} complained, or assessed, speaks for or decided about "
            f"{complaint.of}; somebody else must answer it (--by NAME)"
        )
        raise UsageError(msg)


def require_fair_appeal(event: AppealDecided, *, is_kept: bool) -> None:
    """Raise UsageError unless somebody else than the appellant decided, on other labels.

    Of an event that is in a registry already (``is_kept``), only the same spelling is refused.
    """
    appeal = event.appeal
    subject = f"appeal on {appeal.pack} {appeal.item}"
    if not appeal.reason.strip() or not appeal.appellant.strip():
        msg = f"{subject}: an appeal needs a reason and the name of the appellant"
        raise UsageError(msg)
    is_one = appeal.appellant == event.actor
    if is_one or (not is_kept and is_same_person(appeal.appellant, event.actor)):
        msg = f"{subject}: {event.actor} appealed, so somebody else must decide"
        raise UsageError(msg)
    if not appeal.labels or appeal.labels == appeal.before:
        msg = f"{subject}: the labels are {'|'.join(appeal.before)} already; give other labels"
        raise UsageError(msg)
