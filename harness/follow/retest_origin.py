"""Where a re-test's result comes from: a campaign of its own, over the finding's own service."""

from __future__ import annotations

from harness.model.action_plan import ActionPlan
from harness.model.event import PlanEvent, RetestConcluded, RetestStarted
from harness.model.finding import Finding


def origin_fault_in(plan: ActionPlan, finding: Finding, event: PlanEvent) -> str | None:
    """Why a re-test does not come from where it must, in one sentence; nothing if it does."""
    match event:
        case RetestStarted(campaign=campaign):
            return _campaign_fault(plan, finding, campaign)
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
    """Names that some file systems hold for one folder are one campaign."""
    return campaign.strip().casefold()
