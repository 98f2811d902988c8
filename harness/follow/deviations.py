"""Deviations of plans: who may ask for which, until when, and who decides.

Every deviation ends. It only excuses lateness: the finding stays, and only a re-test closes its
plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from harness.errors import UsageError, known
from harness.follow.deadlines import LEVELS, is_critical, level_of
from harness.follow.guards import require_text
from harness.follow.identities import key_of
from harness.model.action_plan import ActionPlan, CheckIn, Finding
from harness.model.deviation import Deviation, DeviationKind, DeviationState
from harness.model.event import (
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    PlanDeviated,
    VendorCheckedIn,
)

LONGEST: Mapping[DeviationKind, timedelta] = {
    DeviationKind.FALSE_POSITIVE: timedelta(days=30),
    DeviationKind.RISK_ADJUSTMENT: timedelta(days=180),
    DeviationKind.OPERATIONAL_REQUIREMENT: timedelta(days=180),
    DeviationKind.VENDOR_DEPENDENCY: timedelta(days=180),
}
"""The longest time from a request to the end; then it is asked for again, or the fix is made."""

CRITICAL_WAIT = timedelta(days=30)
"""How long a critical finding may wait for a vendor, from its opening (FedRAMP, ``poam.md``)."""

LOWER = {"Crit": ("Maj", "Min"), "Maj": ("Min",)}
"""The severities that a risk adjustment may lower a finding to."""


def latest_end(finding: Finding, kind: DeviationKind, severity: str, at: datetime) -> datetime:
    """The end of the latest day until which a deviation may be asked for at a time.

    A risk adjustment ends no later than a finding of the lower severity is due.
    """
    end = at + LONGEST[kind]
    if kind is DeviationKind.RISK_ADJUSTMENT and severity in LEVELS:
        end = min(end, finding.opened + LEVELS[severity].fix)
    if kind is DeviationKind.VENDOR_DEPENDENCY and is_critical(finding):
        end = min(end, finding.opened + CRITICAL_WAIT)
    return end.astimezone(UTC).replace(hour=23, minute=59, second=59, microsecond=0)


def request(plan: ActionPlan, finding: Finding, event: DeviationRequested) -> ActionPlan:
    """Add a request to the plan. Raises UsageError if such a deviation is never allowed."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "what reduces the risk until then (--mitigation)", event.mitigation)
    if plan.requested is not None:
        msg = f"plan {plan.id}: a deviation is requested already; it must be decided first"
        raise UsageError(msg)
    _require_allowed(plan, finding, event)
    _require_end(plan, finding, event)
    asked = Deviation(
        kind=event.kind,
        reason=event.reason,
        mitigation=event.mitigation,
        until=event.until,
        state=DeviationState.REQUESTED,
        requested_by=event.actor,
        requested=event.at,
        severity=event.severity,
        vendor=event.vendor,
    )
    return replace(plan, deviations=(*plan.deviations, asked))


def _require_allowed(plan: ActionPlan, finding: Finding, event: DeviationRequested) -> None:
    kind, is_illegal = event.kind, level_of(finding) is LEVELS["illegal"]
    if kind is DeviationKind.OPERATIONAL_REQUIREMENT and is_critical(finding):
        msg = f"plan {plan.id}: a critical finding cannot have an {kind}; fix it"
        raise UsageError(msg)
    if kind is DeviationKind.RISK_ADJUSTMENT:
        lower = () if is_illegal else LOWER.get(finding.severity, ())
        if not lower:
            what = "about illegal content" if is_illegal else f"of severity {finding.severity}"
            msg = f"plan {plan.id}: a finding {what} cannot have a {kind}"
            raise UsageError(msg)
        if event.severity not in lower:
            msg = f"plan {plan.id}: a {kind} names the lower severity (--severity); {known(lower)}"
            raise UsageError(msg)
    elif event.severity:
        msg = f"plan {plan.id}: a {kind} leaves the severity as it is; leave --severity out"
        raise UsageError(msg)
    if kind is DeviationKind.VENDOR_DEPENDENCY:
        require_text(plan, "the vendor that the fix waits for (--vendor)", event.vendor)


def _require_end(plan: ActionPlan, finding: Finding, event: DeviationRequested) -> None:
    if event.until <= event.at:
        msg = f"plan {plan.id}: {event.until:%Y-%m-%d} is past; give a later date for the deviation"
        raise UsageError(msg)
    end = latest_end(finding, event.kind, event.severity, event.at)
    if event.until > end:
        ended = " (which is past)" if end <= event.at else ""
        msg = (
            f"plan {plan.id}: such a deviation ends on {end:%Y-%m-%d}{ended} at the latest, "
            f"not {event.until:%Y-%m-%d}"
        )
        raise UsageError(msg)


def approve(plan: ActionPlan, _: Finding, event: DeviationApproved) -> ActionPlan:
    """Approve what was asked for. Raises UsageError if nothing was, or its time is over."""
    asked = plan.requested
    if asked is not None and asked.until <= event.at:
        msg = (
            f"plan {plan.id}: the deviation was requested until {asked.until:%Y-%m-%d}, which is "
            "past; reject it"
        )
        raise UsageError(msg)
    return _decided(plan, event, DeviationState.APPROVED)


def reject(plan: ActionPlan, _: Finding, event: DeviationRejected) -> ActionPlan:
    """Reject what was asked for. Raises UsageError if nothing was."""
    return _decided(plan, event, DeviationState.REJECTED)


def _decided(
    plan: ActionPlan, event: DeviationApproved | DeviationRejected, state: DeviationState
) -> ActionPlan:
    require_text(plan, "a reason", event.reason)
    asked = plan.requested
    if asked is None:
        msg = f"plan {plan.id}: no deviation is requested that could be decided"
        raise UsageError(msg)
    decided = replace(
        asked,
        state=state,
        decided_by=event.actor,
        decided=event.at,
        decision=event.reason,
        key=key_of(event),
    )
    return replace(
        plan,
        deviations=(*plan.deviations[:-1], decided),
        approvers=(*plan.approvers, event.actor),
    )


def deviate(plan: ActionPlan, finding: Finding, event: PlanDeviated) -> ActionPlan:
    """Add a deviation that an earlier version recorded; it ends as early as one of today."""
    require_text(plan, "a reason", event.reason)
    require_text(plan, "what mitigates it", event.mitigation)
    require_text(plan, "an approver", event.approver)
    agreed = Deviation(
        kind=event.kind,
        reason=event.reason,
        mitigation=event.mitigation,
        until=min(event.until, latest_end(finding, event.kind, "", event.at)),
        state=DeviationState.APPROVED,
        requested_by=event.actor,
        requested=event.at,
        decided_by=event.approver,
        decided=event.at,
        decision=event.reason,
    )
    return replace(
        plan,
        deviations=(*plan.deviations, agreed),
        approvers=(*plan.approvers, event.approver),
    )


def check_in(plan: ActionPlan, _: Finding, event: VendorCheckedIn) -> ActionPlan:
    """Add a vendor's update to the plan. Raises UsageError if it is empty."""
    require_text(plan, "the vendor's name", event.vendor)
    require_text(plan, "what the vendor said", event.result)
    update = CheckIn(at=event.at, vendor=event.vendor, result=event.result)
    return replace(plan, check_ins=(*plan.check_ins, update))
