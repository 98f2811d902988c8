"""The state machine of action plans: which event is possible in which state, and its effect.

The states are draft, agreed, in progress, claimed, verifying, verified, closed. A re-test that does
not conform leads back to *in progress*, an insufficient one back to *claimed*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from harness.errors import UsageError, known
from harness.follow.guards import (
    check_in,
    describe,
    deviate,
    escalate,
    require_text,
    role_conflict_in,
)
from harness.model.action_plan import ActionPlan, Finding, PlanState, RetestResult
from harness.model.event import (
    CanariesMade,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDeviated,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    VendorCheckedIn,
    in_utc,
)

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
    fault = role_conflict_in(plan, event) or origin_fault_in(plan, finding, event)
    if fault and not is_kept:
        raise UsageError(fault)
    after = transition.step(plan, finding, event)
    entry = f"{event.at:%Y-%m-%d %H:%M} {event.actor}: {_describe(event, after)}"
    breach = (f"{event.at:%Y-%m-%d %H:%M} {fault}",) if fault else ()
    actors = (event.actor, event.owner) if isinstance(event, PlanAgreed) else (event.actor,)
    return replace(
        after,
        history=(*after.history, entry),
        breaches=(*after.breaches, *breach),
        actors=tuple(dict.fromkeys((*after.actors, *actors))),
    )


def verbs_in(state: PlanState) -> tuple[str, ...]:
    """The verbs that are possible for a plan in a state."""
    verbs = (each.verb for each in TRANSITIONS.values() if state in each.states)
    return tuple(dict.fromkeys(verbs))


def _agree(plan: ActionPlan, _: Finding, event: PlanAgreed) -> ActionPlan:
    due = event.due or plan.due
    require_text(plan, "an owner", event.owner)
    require_text(plan, "a corrective action", event.corrective_action)
    if due > plan.due:
        msg = (
            f"plan {plan.id}: due {due:%Y-%m-%d} is later than {plan.due:%Y-%m-%d}; "
            "only an extension with a reason and an approver moves it back"
        )
        raise UsageError(msg)
    if due <= event.at:
        msg = f"plan {plan.id}: due {due:%Y-%m-%d} is not in the future; extend it first"
        raise UsageError(msg)
    return replace(
        plan,
        state=PlanState.AGREED,
        owner=event.owner,
        corrective_action=event.corrective_action,
        root_cause=event.root_cause or plan.root_cause,
        due=due,
    )


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
    if retest.outcome is RetestResult.CONFORMS:
        lacks = [
            what
            for what, holds in (
                ("every missed item tested again", retest.missed_tested >= len(finding.missed)),
                ("no missed item still failing", not retest.missed_still_failing),
                ("a fresh sample", retest.fresh_tested > 0),
            )
            if not holds
        ]
        if lacks:
            msg = f"plan {plan.id}: the re-test cannot conform without {', and '.join(lacks)}"
            raise UsageError(msg)
    return replace(
        plan, state=AFTER_RETEST[retest.outcome], verifying="", retests=(*plan.retests, retest)
    )


def _extend(plan: ActionPlan, _: Finding, event: PlanExtended) -> ActionPlan:
    require_text(plan, "a reason", event.reason)
    require_text(plan, "an approver", event.approver)
    if event.due <= plan.due:
        msg = f"plan {plan.id}: give an extension later than the due date {plan.due:%Y-%m-%d}"
        raise UsageError(msg)
    return replace(plan, due=event.due, approvers=(*plan.approvers, event.approver))


def _close(plan: ActionPlan, _: Finding, __: PlanClosed) -> ActionPlan:
    return replace(plan, state=PlanState.CLOSED)


LONGEST_LOADING = timedelta(days=60)
"""How long a supplier may take to load canaries; a mistyped year would prevent every re-test."""

AFTER_RETEST = {
    RetestResult.CONFORMS: PlanState.VERIFIED,
    RetestResult.DOES_NOT_CONFORM: PlanState.IN_PROGRESS,
    RetestResult.INSUFFICIENT: PlanState.CLAIMED,
}
"""The state after a re-test; nothing else leads to *verified*."""

_RUNNING = frozenset(PlanState) - {PlanState.VERIFIED, PlanState.CLOSED}
_WORKING = frozenset({PlanState.AGREED, PlanState.IN_PROGRESS})
_BEFORE_RETEST = _WORKING | {PlanState.CLAIMED}
_RETESTABLE = frozenset({PlanState.CLAIMED, PlanState.VERIFYING})

TRANSITIONS: dict[type[PlanEvent], Transition] = {
    PlanAgreed: Transition("agree", frozenset({PlanState.DRAFT}), _agree),
    PlanProgressed: Transition("progress", _WORKING, _progress),
    FixClaimed: Transition("claim", frozenset({PlanState.IN_PROGRESS}), _claim),
    CanariesMade: Transition("canaries", _BEFORE_RETEST, _add_canaries),
    RetestPostponed: Transition("retest", _RETESTABLE, _postpone),
    RetestStarted: Transition("retest", frozenset({PlanState.CLAIMED}), _start),
    RetestConcluded: Transition("conclude re-test", frozenset({PlanState.VERIFYING}), _conclude),
    PlanExtended: Transition("extend", _RUNNING, _extend),
    PlanDeviated: Transition("deviate", _RUNNING, deviate),
    VendorCheckedIn: Transition("check-in", _RUNNING, check_in),
    PlanEscalated: Transition("escalate", _RUNNING, escalate),
    PlanClosed: Transition("close", frozenset({PlanState.VERIFIED}), _close),
}
"""Every verb, by the event that it records."""


def _describe(event: PlanEvent, after: ActionPlan) -> str:
    match event:
        case PlanAgreed():
            text = f"agreed, owner {after.owner}, due {after.due:%Y-%m-%d}"
        case PlanProgressed(note=note, milestone=0):
            text = f"progress: {note}"
        case PlanProgressed(note=note, milestone=number):
            text = f"milestone reached: {after.milestones[number - 1].title}. {note}"
        case FixClaimed(statement=statement):
            text = f"fix claimed: {statement}"
        case RetestStarted(campaign=campaign):
            text = f"re-test {campaign} started"
        case RetestConcluded(retest=retest):
            text = f"re-test {retest.outcome}: {retest.statement}"
        case PlanExtended(due=due, reason=reason, approver=approver):
            text = f"extended to {due:%Y-%m-%d}, approved by {approver}: {reason}"
        case PlanClosed():
            text = "closed"
        case _:
            text = describe(event)
    return text.strip()


def next_step(plan: ActionPlan, now: datetime) -> str:
    """The command to type next for a plan, in words."""
    verb = f"accredit plan {{}} {plan.id}"
    match plan.state:
        case PlanState.DRAFT:
            return verb.format("agree") + " --owner NAME --action TEXT"
        case PlanState.AGREED:
            return verb.format("progress") + " --note TEXT"
        case PlanState.IN_PROGRESS:
            return verb.format("claim") + " --statement TEXT"
        case PlanState.CLAIMED | PlanState.VERIFYING:
            command = f"accredit retest {plan.id} CAMPAIGN.yaml --by NAME"
            loaded = plan.loaded_by
            when = f"from {in_utc(loaded)} on: " if loaded is not None and now < loaded else ""
            is_begun = plan.state is PlanState.VERIFYING
            what = "it resumes" if is_begun else f"NAME is not {plan.claimed_by}"
            return f"{when}{command} ({what})"
        case PlanState.VERIFIED:
            return verb.format("close")
        case PlanState.CLOSED:
            return "nothing: it is closed"


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
