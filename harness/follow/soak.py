"""The soak period: a verified plan is closed only after the fix has held (METHOD (d)).

While it lasts, each later campaign of the service counts. The plan is in progress again as soon as
one shows that the fix did not hold. It is closed by a campaign that began when the period was over
and in which the requirement conforms: silence is no evidence.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from harness.errors import UsageError
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.event import SoakMeasured
from harness.model.event_times import TOLERANCE
from harness.model.person_names import is_same_person
from harness.model.soak import SoakCampaign, split_marks


def has_held(plan: ActionPlan) -> bool:
    """Whether a campaign that began after the soak period showed that the fix still works."""
    ends = plan.soak_ends
    return ends is not None and any(one.conforms and one.begun >= ends for one in plan.soaks)


def seen_in_soak(plan: ActionPlan) -> frozenset[str]:
    """The marks of the items that campaigns of the soak period tried."""
    return frozenset().union(*(split_marks(one.items) for one in plan.soaks))


def counts_for_soak(plan: ActionPlan, campaign: str, begun: datetime) -> bool:
    """Whether a campaign that began then can say whether the fix holds, and was not counted yet."""
    used = {*(one.campaign for one in plan.retests), *(one.campaign for one in plan.soaks)}
    is_verified = plan.state is PlanState.VERIFIED and bool(plan.retests)
    return is_verified and campaign not in used and begun >= plan.retests[-1].at


def soak_fault_in(plan: ActionPlan, finding: Finding, event: object) -> str | None:
    """The reason why a campaign says nothing about the soak period; ``None`` if it does."""
    if not isinstance(event, SoakMeasured):
        return None
    soak = event.soak
    is_other = finding.service and event.service != finding.service
    if is_other or event.scheme != finding.scheme:
        return (
            f"plan {plan.id}: the campaign measured {event.service!r} by scheme {event.scheme}; "
            f"its finding is about {finding.service!r} by scheme {finding.scheme}"
        )
    if soak.begun.tzinfo is None or soak.begun > event.at + TOLERANCE:
        return f"plan {plan.id}: campaign {soak.campaign!r} begins later than it is recorded"
    if not counts_for_soak(plan, soak.campaign, soak.begun):
        return (
            f"plan {plan.id}: campaign {soak.campaign!r} counts already, or began before the fix "
            "was verified; measure a new one"
        )
    mixes = next(
        (
            f"{who} {what}"
            for who, what in (
                (plan.claimed_by, "claimed the fix"),
                (plan.submitted_by, "submitted the plan"),
            )
            if is_same_person(event.actor, who)
        ),
        None,
    )
    if mixes and not soak.fault:
        return (
            f"plan {plan.id}: {mixes}, and cannot show that it holds; somebody else records "
            f"the campaign: accredit plan soak {plan.id} RESULTS --by NAME"
        )
    return None


def count_soak(plan: ActionPlan, _: Finding, event: SoakMeasured) -> ActionPlan:
    """The plan after a campaign of its soak period: in progress again if the fix did not hold."""
    after = replace(plan, soaks=(*plan.soaks, event.soak))
    if not event.soak.fault:
        return after
    return replace(after, state=PlanState.IN_PROGRESS, relapses=plan.relapses + 1)


def require_soak(plan: ActionPlan) -> None:
    """Raise UsageError unless the fix has held for the soak period."""
    ends = plan.soak_ends
    if ends is not None and not has_held(plan):
        msg = f"plan {plan.id} cannot be closed yet: {soak_step(plan, ends)}"
        raise UsageError(msg)


def soak_step(plan: ActionPlan, ends: datetime) -> str:
    """What closes a verified plan, as a command."""
    return (
        f"its soak period ends on {ends:%Y-%m-%d %H:%M} UTC; measure the service after that under "
        f"a new campaign name (accredit run CAMPAIGN.yaml); it is closed if the requirement of "
        f"{plan.finding} still conforms"
    )


def describe_soak(soak: SoakCampaign) -> str:
    """What a campaign of the soak period showed, in words."""
    if soak.fault:
        return f"campaign {soak.campaign}: the fix did not hold: {soak.fault}"
    said = "conforms" if soak.conforms else "decides nothing"
    new = f"{soak.missed:g} of {soak.tested} new items fail" if soak.tested else "no new items"
    return f"campaign {soak.campaign} {said} ({new})"
