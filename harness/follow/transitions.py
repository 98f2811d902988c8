"""The state machine of action plans: which event is possible in which state, and its effect.

The states are draft, submitted, returned, agreed, in progress, claimed, verifying, verified, and at
the end closed or superseded. A re-test that does not conform leads back to *in progress*, and so
does a campaign which shows that a verified fix did not hold. An insufficient re-test leads back to
*claimed*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from harness.errors import UsageError, known
from harness.follow.agreement import (
    agree,
    agreement_conflict_in,
    give_back,
    require_complete,
    submit,
    with_details,
)
from harness.follow.allowed_changes import allow_change
from harness.follow.deadlines import moved
from harness.follow.deviations import approve, check_in, deviate, reject, request
from harness.follow.escalation import escalate
from harness.follow.event_words import describe
from harness.follow.exit_query import exit_query_of, unmet
from harness.follow.guards import (
    DETAILS,
    acted_in,
    require_details,
    require_text,
    role_conflict_in,
)
from harness.follow.identities import key_of
from harness.follow.plan_terms import signature_fault_in
from harness.follow.soak import count_soak, require_soak, soak_fault_in
from harness.model.action_plan import (
    ENDED,
    ActionPlan,
    Extension,
    Finding,
    PlanEvidence,
    PlanSignature,
    PlanState,
    RetestResult,
)
from harness.model.event import (
    CanariesMade,
    ChangeAllowed,
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    EvidenceAdded,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDetailed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    PlanProposal,
    PlanReturned,
    PlanSigned,
    PlanSubmitted,
    PlanSuperseded,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    SoakMeasured,
    VendorCheckedIn,
)
from harness.model.event_times import in_utc

Step = Callable[[ActionPlan, Finding, Any], ActionPlan]


@dataclass(frozen=True, slots=True)
class Transition:
    """A verb: the states in which it is possible, and its effect on the plan."""

    verb: str
    states: frozenset[PlanState]
    step: Step


def advance(
    plan: ActionPlan, finding: Finding, event: PlanEvent, *, is_kept: bool = False
) -> ActionPlan:
    """The plan after ``event``. Raises UsageError with the possible verbs if it is not possible.

    An event that is in a registry already (``is_kept``) may mix roles or lack its origin, which
    earlier versions allowed: the fault is then added to the plan's ``breaches``.
    """
    transition = TRANSITIONS[type(event)]
    if plan.state not in transition.states:
        possible = known(verbs_in(plan.state)).removeprefix("known: ")
        msg = f"plan {plan.id} is {plan.state}: {transition.verb!r} is not possible; "
        raise UsageError(msg + (f"possible: {possible}" if verbs_in(plan.state) else "it is final"))
    fault = (
        agreement_conflict_in(plan, event)
        or role_conflict_in(plan, event)
        or origin_fault_in(plan, finding, event)
        or signature_fault_in(plan, finding, event)
        or soak_fault_in(plan, finding, event)
    )
    if fault and not is_kept:
        raise UsageError(fault)
    if not is_kept:
        _require_today(plan, finding, event)
    after = transition.step(plan, finding, event)
    entry = f"{event.at:%Y-%m-%d %H:%M} {event.actor}: {describe(event, after)}"
    breach = (f"{event.at:%Y-%m-%d %H:%M} {fault}",) if fault else ()
    return replace(
        after,
        reported=event.at if isinstance(event, REPORTS) else after.reported,
        history=(*after.history, entry),
        breaches=(*after.breaches, *breach),
        actors=tuple(dict.fromkeys((*after.actors, *acted_in(event)))),
    )


def _require_today(plan: ActionPlan, finding: Finding, event: PlanEvent) -> None:
    """Raise UsageError for what earlier versions allowed, and is not allowed any more."""
    if isinstance(event, PlanProposal):
        require_complete(plan, finding, event)
    if isinstance(event, FixClaimed):
        require_details(plan)
    if isinstance(event, PlanClosed):
        require_soak(plan)
    if isinstance(event, PlanDeviated):
        msg = f"plan {plan.id}: a deviation is requested first, and then decided by somebody else"
        raise UsageError(msg)


def verbs_in(state: PlanState) -> tuple[str, ...]:
    """The verbs that are possible for a plan in a state."""
    verbs = (each.verb for each in TRANSITIONS.values() if state in each.states)
    return tuple(dict.fromkeys(verbs))


def _detail(plan: ActionPlan, _: Finding, event: PlanDetailed) -> ActionPlan:
    if not any(getattr(event, name).strip() for name in DETAILS):
        msg = f"plan {plan.id}: give at least one detail"
        raise UsageError(msg)
    return with_details(plan, event)


def _add_evidence(plan: ActionPlan, _: Finding, event: EvidenceAdded) -> ActionPlan:
    require_text(plan, "a sentence on what the evidence shows (--what)", event.what)
    if any(one.sha256 == event.sha256 for one in plan.evidence):
        msg = f"plan {plan.id} has this document already; evidence is added once"
        raise UsageError(msg)
    added = PlanEvidence(
        sha256=event.sha256,
        name=event.name,
        size=event.size,
        what=event.what,
        by=event.actor,
        at=event.at,
    )
    return replace(plan, evidence=(*plan.evidence, added))


def _sign(plan: ActionPlan, _: Finding, event: PlanSigned) -> ActionPlan:
    for other in plan.signatures:
        if other.role == event.role and other.terms == event.terms:
            msg = f"plan {plan.id} is signed for the {event.role} already, by {other.signer}"
            raise UsageError(msg)
    signed = PlanSignature(
        role=event.role,
        signer=event.signer,
        key=event.key,
        terms=event.terms,
        signature=event.signature,
        at=event.at,
    )
    return replace(plan, signatures=(*plan.signatures, signed))


def _progress(plan: ActionPlan, _: Finding, event: PlanProgressed) -> ActionPlan:
    milestones = list(plan.milestones)
    if event.milestone:
        if not 1 <= event.milestone <= len(milestones):
            numbered = ", ".join(f"{n} {step.title}" for n, step in enumerate(milestones, 1))
            msg = f"plan {plan.id}: no milestone {event.milestone}; known: {numbered}"
            raise UsageError(msg)
        reached = milestones[event.milestone - 1]
        milestones[event.milestone - 1] = replace(reached, done=reached.done or event.at)
    return replace(plan, state=PlanState.IN_PROGRESS, milestones=tuple(milestones))


def _claim(plan: ActionPlan, _: Finding, event: FixClaimed) -> ActionPlan:
    require_text(plan, "a statement of what was fixed", event.statement)
    return replace(plan, state=PlanState.CLAIMED, claimed_by=event.actor)


def _add_canaries(plan: ActionPlan, _: Finding, event: CanariesMade) -> ActionPlan:
    canaries = event.canaries
    if not canaries.items or not canaries.pack.strip():
        msg = f"plan {plan.id}: a set of canaries needs a pack with items"
        raise UsageError(msg)
    is_aware = canaries.loaded_by.tzinfo is not None
    if not is_aware or not event.at < canaries.loaded_by <= event.at + LONGEST_LOADING:
        msg = (
            f"plan {plan.id}: give a time when the canaries are loaded, after now and within "
            f"{LONGEST_LOADING.days} days; no re-test is possible before it"
        )
        raise UsageError(msg)
    known_items = {item for earlier in plan.canaries for item in earlier.items}
    if known_items & set(canaries.items) or len(set(canaries.items)) < len(canaries.items):
        msg = f"plan {plan.id}: a canary is made once; make new ones"
        raise UsageError(msg)
    made = replace(canaries, made_by=event.actor)
    return replace(plan, canaries=(*plan.canaries, made))


def _postpone(plan: ActionPlan, _: Finding, event: RetestPostponed) -> ActionPlan:
    require_text(plan, "a reason", event.reason)
    return plan


def _start(plan: ActionPlan, _: Finding, event: RetestStarted) -> ActionPlan:
    return replace(plan, state=PlanState.VERIFYING, verifying=event.campaign)


def _conclude(plan: ActionPlan, finding: Finding, event: RetestConcluded) -> ActionPlan:
    retest = event.retest
    if retest.campaign != plan.verifying:
        msg = f"plan {plan.id}: re-test {plan.verifying!r} is running, not {retest.campaign!r}"
        raise UsageError(msg)
    lacks = list(unmet(exit_query_of(finding), event))
    if retest.outcome is RetestResult.CONFORMS and lacks:
        msg = f"plan {plan.id}: the re-test cannot conform without {', and '.join(lacks)}"
        raise UsageError(msg)
    return replace(
        plan,
        state=AFTER_RETEST[retest.outcome],
        verifying="",
        retests=(*plan.retests, retest),
        soaks=(),
    )


def _extend(plan: ActionPlan, _: Finding, event: PlanExtended) -> ActionPlan:
    require_text(plan, "a reason", event.reason)
    require_text(plan, "an approver", event.approver)
    if event.due <= plan.due:
        msg = f"plan {plan.id}: give an extension later than the due date {plan.due:%Y-%m-%d}"
        raise UsageError(msg)
    extension = Extension(
        at=event.at,
        was=plan.due,
        due=event.due,
        reason=event.reason,
        approver=event.approver,
        key=key_of(event),
    )
    return replace(
        plan,
        due=event.due,
        extensions=(*plan.extensions, extension),
        milestones=moved(plan, event.due),
        approvers=(*plan.approvers, event.approver),
    )


def _close(plan: ActionPlan, _: Finding, event: PlanClosed) -> ActionPlan:
    return replace(plan, state=PlanState.CLOSED, ended=event.at)


def _supersede(plan: ActionPlan, finding: Finding, event: PlanSuperseded) -> ActionPlan:
    require_text(plan, "a reason", event.reason)
    require_text(plan, "an approver", event.approver)
    require_text(plan, "the new version of the scheme", event.scheme_version)
    if event.scheme_version.strip() == finding.scheme_version.strip():
        msg = (
            f"plan {plan.id}: its finding is by {finding.scheme} {finding.scheme_version} already; "
            "only another version of the scheme supersedes a plan"
        )
        raise UsageError(msg)
    return replace(
        plan,
        state=PlanState.SUPERSEDED,
        ended=event.at,
        approvers=(*plan.approvers, event.approver),
    )


REPORTS = (
    PlanAgreed,
    PlanProgressed,
    PlanDetailed,
    EvidenceAdded,
    FixClaimed,
    RetestConcluded,
    SoakMeasured,
    VendorCheckedIn,
)
"""The events that say or measure how the work stands; a month later the next report is due."""

LONGEST_LOADING = timedelta(days=60)
"""How long a supplier may take to load canaries; a mistyped year would prevent every re-test."""

AFTER_RETEST = {
    RetestResult.CONFORMS: PlanState.VERIFIED,
    RetestResult.DOES_NOT_CONFORM: PlanState.IN_PROGRESS,
    RetestResult.INSUFFICIENT: PlanState.CLAIMED,
}
"""The state after a re-test; nothing else leads to *verified*."""

_RUNNING = frozenset(PlanState) - {PlanState.VERIFIED} - ENDED
_WORKING = frozenset({PlanState.AGREED, PlanState.IN_PROGRESS})
_BEFORE_RETEST = _WORKING | {PlanState.CLAIMED}
_BEFORE_END = frozenset(PlanState) - ENDED
_SUBMITTABLE = frozenset({PlanState.DRAFT, PlanState.RETURNED})
_AGREEABLE = frozenset({PlanState.DRAFT, PlanState.SUBMITTED})
_DETAILED = _BEFORE_RETEST | _SUBMITTABLE
_RETESTABLE = frozenset({PlanState.CLAIMED, PlanState.VERIFYING})
_COMPARED = _RETESTABLE | {PlanState.VERIFIED}

TRANSITIONS: dict[type[PlanEvent], Transition] = {
    PlanSubmitted: Transition("submit", _SUBMITTABLE, submit),
    PlanReturned: Transition("return", frozenset({PlanState.SUBMITTED}), give_back),
    PlanAgreed: Transition("agree", _AGREEABLE, agree),
    PlanDetailed: Transition("detail", _DETAILED, _detail),
    EvidenceAdded: Transition("evidence", _BEFORE_END, _add_evidence),
    PlanSigned: Transition("sign", _BEFORE_END - _SUBMITTABLE, _sign),
    PlanProgressed: Transition("progress", _WORKING, _progress),
    FixClaimed: Transition("claim", frozenset({PlanState.IN_PROGRESS}), _claim),
    CanariesMade: Transition("canaries", _BEFORE_RETEST, _add_canaries),
    RetestPostponed: Transition("retest", _RETESTABLE, _postpone),
    RetestStarted: Transition("retest", frozenset({PlanState.CLAIMED}), _start),
    RetestConcluded: Transition("conclude re-test", frozenset({PlanState.VERIFYING}), _conclude),
    SoakMeasured: Transition("soak", frozenset({PlanState.VERIFIED}), count_soak),
    ChangeAllowed: Transition("allow a change", _COMPARED, allow_change),
    PlanExtended: Transition("extend", _RUNNING, _extend),
    PlanDeviated: Transition("deviate", _RUNNING, deviate),
    DeviationRequested: Transition("deviate", _RUNNING, request),
    DeviationApproved: Transition("decide-deviation", _RUNNING, approve),
    DeviationRejected: Transition("decide-deviation", _RUNNING, reject),
    VendorCheckedIn: Transition("check-in", _RUNNING, check_in),
    PlanEscalated: Transition("escalate", _RUNNING, escalate),
    PlanSuperseded: Transition("supersede", _BEFORE_END, _supersede),
    PlanClosed: Transition("close", frozenset({PlanState.VERIFIED}), _close),
}
"""Every verb, by the event that it records."""


def _early_fault(plan: ActionPlan, at: datetime) -> str | None:
    """The reason why a re-test at that time is too early; ``None`` if it is not."""
    if plan.loaded_by is None or at >= plan.loaded_by:
        return None
    return (
        f"plan {plan.id}: its new canaries are loaded by {in_utc(plan.loaded_by)}; "
        "re-test after that time"
    )


def origin_fault_in(plan: ActionPlan, finding: Finding, event: PlanEvent) -> str | None:
    """The reason why a re-test's campaign, service or time is wrong; ``None`` if all are right."""
    match event:
        case RetestStarted(campaign=campaign):
            return _campaign_fault(plan, finding, campaign) or _early_fault(plan, event.at)
        case RetestConcluded(retest=retest, service=service):
            if fault := _campaign_fault(plan, finding, retest.campaign):
                return fault
            if not service.strip():
                return f"plan {plan.id}: the re-test does not name the service it measured"
            if finding.service and service != finding.service:
                return (
                    f"plan {plan.id}: the re-test measured the service {service!r}, but the "
                    f"finding is about {finding.service!r}; measure that one"
                )
    return None


def _campaign_fault(plan: ActionPlan, finding: Finding, campaign: str) -> str | None:
    if not campaign.strip():
        return f"plan {plan.id}: the re-test does not name its campaign"
    used = {finding.campaign, *(retest.campaign for retest in plan.retests)}
    if _plain(campaign) in map(_plain, used):
        return f"plan {plan.id}: a re-test needs a campaign of its own, not {campaign!r}"
    return None


def _plain(campaign: str) -> str:
    """The name for comparison: some file systems take names that differ in case for one folder."""
    return campaign.strip().casefold()
