"""The command to type next for a plan."""

from __future__ import annotations

import shlex
from datetime import datetime

from harness.follow.soak import has_held, soak_step
from harness.model.action_plan import CONTAINED, ActionPlan, Finding, PlanState
from harness.model.event_times import in_utc


def next_step(plan: ActionPlan, finding: Finding, now: datetime, supplier: str = "") -> str:
    """The command to type next for a plan, in words; ``supplier`` is named if it is given."""
    of = f" --supplier {shlex.quote(supplier)}" if supplier else ""
    if plan.is_ended:
        return f"nothing: it is {plan.state}"
    if (ends := plan.soak_ends) is not None and not has_held(plan):
        return soak_step(plan, ends)
    if plan.state in {PlanState.CLAIMED, PlanState.VERIFYING}:
        return _retest(plan, now, of) if finding.rests_on_items else _measure_again(plan, of)
    verb, options = _verb(plan)
    return f"accredit plan {verb} {plan.id}{of}{options}"


def _verb(plan: ActionPlan) -> tuple[str, str]:
    """The verb of ``accredit plan``, and its options."""
    if plan.requested is not None:
        return "decide-deviation", " --approve --reason TEXT --by NAME (or --reject)"
    is_complete = plan.root_cause.strip() and plan.preventive_action.strip()
    if plan.state is PlanState.IN_PROGRESS and not is_complete:
        return "detail", " --cause TEXT --prevention TEXT"
    verb, options = VERBS[plan.state]
    if plan.state is PlanState.SUBMITTED:
        options += f" (NAME is not {plan.submitted_by}; or return it)"
    contains = any(step.title == CONTAINED for step in plan.milestones)
    if plan.state is PlanState.DRAFT and contains and not plan.containment:
        options += " --containment TEXT"
    return verb, options


VERBS = {
    PlanState.DRAFT: ("agree", " --owner NAME --action TEXT"),
    PlanState.SUBMITTED: ("agree", " --by NAME"),
    PlanState.RETURNED: ("submit", " --owner NAME --action TEXT"),
    PlanState.AGREED: ("progress", " --note TEXT"),
    PlanState.IN_PROGRESS: ("claim", " --statement TEXT"),
    PlanState.VERIFIED: ("close", ""),
}
"""What leads on from each state, with its options."""


def _measure_again(plan: ActionPlan, of: str) -> str:
    return (
        f"measure a new campaign, then: accredit retest {plan.id} out/CAMPAIGN --by NAME{of} "
        f"(NAME is not {plan.claimed_by})"
    )


def _retest(plan: ActionPlan, now: datetime, of: str) -> str:
    loaded = plan.loaded_by
    when = f"from {in_utc(loaded)} on: " if loaded is not None and now < loaded else ""
    what = "it resumes" if plan.state is PlanState.VERIFYING else f"NAME is not {plan.claimed_by}"
    if plan.extension and plan.state is PlanState.CLAIMED:
        what += f"; test extension: {plan.extension} fresh items of each kind"
    return f"{when}accredit retest {plan.id} CAMPAIGN.yaml --by NAME{of} ({what})"
