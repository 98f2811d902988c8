"""Each event of a plan in words, for its history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.follow.guards import DETAILS
from harness.follow.soak import describe_soak
from harness.model.action_plan import ActionPlan
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


def describe(event: PlanEvent, after: ActionPlan) -> str:
    """Return what an event says; ``after`` is the plan after it."""
    return WORDS[type(event)](event, after).strip()


def _agreed(_: PlanAgreed, after: ActionPlan) -> str:
    return f"agreed, owner {after.owner}, due {after.due:%Y-%m-%d}"


def _submitted(_: PlanSubmitted, after: ActionPlan) -> str:
    return f"submitted, owner {after.owner}, due {after.due:%Y-%m-%d}"


def _detailed(event: PlanDetailed, _: ActionPlan) -> str:
    given = [name.replace("_", " ") for name in DETAILS if getattr(event, name).strip()]
    return f"details: {', '.join(given)}"


def _progressed(event: PlanProgressed, after: ActionPlan) -> str:
    if not event.milestone:
        return f"progress: {event.note}"
    return f"milestone reached: {after.milestones[event.milestone - 1].title}. {event.note}"


def _evidence(event: EvidenceAdded, _: ActionPlan) -> str:
    return f"evidence {event.name} ({event.sha256[:16]}): {event.what}"


def _signed(event: PlanSigned, _: ActionPlan) -> str:
    return f"signed for the {event.role} by {event.signer}, key {event.key[:16]}"


def _canaries(event: CanariesMade, _: ActionPlan) -> str:
    loaded = in_utc(event.canaries.loaded_by)
    return f"{len(event.canaries.items)} canaries made, loaded by {loaded}"


def _postponed(event: RetestPostponed, _: ActionPlan) -> str:
    return f"re-test postponed, no item was tried this time: {event.reason}"


def _allowed(event: ChangeAllowed, _: ActionPlan) -> str:
    return f"change allowed for {event.campaign}: {'; '.join(event.differences)}: {event.reason}"


def _concluded(event: RetestConcluded, _: ActionPlan) -> str:
    return f"re-test {event.retest.outcome}: {event.retest.statement}"


def _extended(event: PlanExtended, _: ActionPlan) -> str:
    return f"extended to {event.due:%Y-%m-%d}, approved by {event.approver}: {event.reason}"


def _deviated(event: PlanDeviated, after: ActionPlan) -> str:
    until = f"{after.deviations[-1].until:%Y-%m-%d}"
    return f"{event.kind} until {until}, approved by {event.approver}: {event.reason}"


def _requested(event: DeviationRequested, _: ActionPlan) -> str:
    return f"{event.kind} until {event.until:%Y-%m-%d} requested: {event.reason}"


def _decided(event: DeviationApproved | DeviationRejected, after: ActionPlan) -> str:
    decided = after.deviations[-1]
    return f"{decided.kind} until {decided.until:%Y-%m-%d} {decided.state}: {event.reason}"


def _escalated(event: PlanEscalated, _: ActionPlan) -> str:
    rule = f" (rule {event.rule})" if event.rule else ""
    return f"escalated to {event.level}{rule}: {event.reason}. It ends when: {event.exit_criteria}"


def _superseded(event: PlanSuperseded, _: ActionPlan) -> str:
    return (
        f"superseded by version {event.scheme_version} of the scheme, approved by "
        f"{event.approver}: {event.reason}"
    )


WORDS: Mapping[type[PlanEvent], Callable[[Any, ActionPlan], str]] = {
    PlanSubmitted: _submitted,
    PlanReturned: lambda event, _: f"returned: {event.reason}",
    PlanAgreed: _agreed,
    PlanDetailed: _detailed,
    PlanProgressed: _progressed,
    EvidenceAdded: _evidence,
    PlanSigned: _signed,
    FixClaimed: lambda event, _: f"fix claimed: {event.statement}",
    CanariesMade: _canaries,
    RetestPostponed: _postponed,
    ChangeAllowed: _allowed,
    RetestStarted: lambda event, _: f"re-test {event.campaign} started",
    RetestConcluded: _concluded,
    SoakMeasured: lambda event, _: f"soak period: {describe_soak(event.soak)}",
    PlanExtended: _extended,
    PlanDeviated: _deviated,
    DeviationRequested: _requested,
    DeviationApproved: _decided,
    DeviationRejected: _decided,
    VendorCheckedIn: lambda event, _: f"{event.vendor} checked in: {event.result}",
    PlanEscalated: _escalated,
    PlanSuperseded: _superseded,
    PlanClosed: lambda *_: "closed",
}
"""What each kind of event says."""
