"""Who must act next on a plan, and what to do, in words."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from harness.follow.deadlines import AGREEMENT, RETEST, level_of
from harness.follow.soak import has_held
from harness.model.action_plan import (
    CONTAINED,
    TO_AGREE,
    ActionPlan,
    Finding,
    Milestone,
    PlanState,
)
from harness.model.event_times import in_utc
from harness.model.obligation import Party
from harness.model.person_names import shown_name


class NextAct(NamedTuple):
    """Who must act next, as a party and in words, and what to do."""

    party: Party
    who: str
    act: str


def next_act(plan: ActionPlan, finding: Finding, now: datetime, supplier: str) -> NextAct | None:
    """Who must act next on a plan of a supplier; ``None`` if it has ended."""
    if plan.is_ended:
        return None
    if plan.requested is not None:
        return deviation_act(plan)
    if plan.state in TO_AGREE:
        return agreement_act(plan, finding, supplier)
    if plan.state is PlanState.VERIFIED:
        return soak_act(plan, now)
    if plan.state in {PlanState.CLAIMED, PlanState.VERIFYING}:
        return _retest(plan, now)
    return _work(plan, now, supplier)


def deviation_act(plan: ActionPlan) -> NextAct:
    """Who decides on the deviation that was asked for."""
    asked = plan.requested
    what = f"the {asked.kind} until {asked.until:%Y-%m-%d}" if asked else "the deviation"
    who = "an assessor without another part in the plan"
    return NextAct(Party.ASSESSOR, who, f"approve or reject {what}")


def agreement_act(plan: ActionPlan, finding: Finding, supplier: str) -> NextAct:
    """Who brings a plan nearer to being agreed."""
    if plan.state is PlanState.SUBMITTED:
        who = f"the assessor (not {shown_name(plan.submitted_by)})"
        return NextAct(Party.ASSESSOR, who, "agree the plan, or return it with a reason")
    if plan.state is PlanState.RETURNED:
        act = "change the plan as the assessor asked, and submit it again"
        return NextAct(Party.SUPPLIER, supplier, act)
    asks = ["who owns it", "the corrective action"]
    asks += ["containment"] if level_of(finding).contain and not plan.containment.strip() else []
    said = f"{', '.join(asks[:-1])} and {asks[-1]}"
    return NextAct(Party.SUPPLIER, supplier, f"submit the plan: say {said}")


def soak_act(plan: ActionPlan, now: datetime) -> NextAct:
    """Who shows that a verified fix has held."""
    ends = plan.soak_ends
    who = f"the assessor (not {shown_name(plan.claimed_by)})"
    if ends is None or has_held(plan):
        return NextAct(Party.ASSESSOR, "the assessor", "close the plan: its fix has held")
    after = f"from {in_utc(ends)} on, " if now < ends else ""
    act = f"{after}measure the service again under a new campaign name"
    return NextAct(Party.ASSESSOR, who, act)


def milestone_act(plan: ActionPlan, step: Milestone, supplier: str) -> NextAct:
    """Who reaches a milestone."""
    if step.title == CONTAINED:
        when = "once the plan is agreed" if plan.state in TO_AGREE else "with the milestone"
        act = f"contain the failure, and report it {when}"
    elif step.title == RETEST:
        return NextAct(Party.ASSESSOR, "the assessor", "re-test the fix")
    else:
        act = f"reach the milestone {step.title!r}, and report it"
    return NextAct(Party.SUPPLIER, owner_of(plan, supplier), act)


def open_milestones(plan: ActionPlan) -> tuple[tuple[int, Milestone], ...]:
    """The milestones that are to be reached in the plan's state, with their numbers from 1.

    Before a plan is agreed only the failure has to be contained. The milestone of the agreement
    needs no report, and after the claim only the re-test is left.
    """
    left = ((n, step) for n, step in enumerate(plan.milestones, 1) if step.done is None)
    if plan.state in TO_AGREE:
        return tuple(each for each in left if each[1].title == CONTAINED)
    if plan.state in {PlanState.AGREED, PlanState.IN_PROGRESS}:
        return tuple(each for each in left if each[1].title != AGREEMENT)
    if plan.state in {PlanState.CLAIMED, PlanState.VERIFYING}:
        return tuple(each for each in left if each[1].title == RETEST)
    return ()


def owner_of(plan: ActionPlan, supplier: str) -> str:
    """The supplier, with the owner of the plan if that is another name."""
    is_named = plan.state not in TO_AGREE and plan.owner.strip() not in ("", supplier)
    return f"{supplier} ({plan.owner})" if is_named else supplier


def _work(plan: ActionPlan, now: datetime, supplier: str) -> NextAct:
    """Who acts next on an agreed plan: milestones first, then what a claim needs."""
    steps = [step for _, step in open_milestones(plan) if step.title != RETEST]
    if plan.is_waiting(now) and plan.containment_due is None:
        due = plan.next_check_in
        when = f" by {due:%Y-%m-%d}" if due else ""
        act = f"ask the vendor for an update{when}, and record it"
        return NextAct(Party.SUPPLIER, owner_of(plan, supplier), act)
    if steps:
        first = min(steps, key=lambda step: (step.title != CONTAINED, step.due))
        return milestone_act(plan, first, supplier)
    lacks = [
        name
        for name, text in (
            ("the root cause", plan.root_cause),
            ("a preventive action", plan.preventive_action),
        )
        if not text.strip()
    ]
    act = f"give {' and '.join(lacks)}" if lacks else "finish the fix, and claim it"
    return NextAct(Party.SUPPLIER, owner_of(plan, supplier), act)


def _retest(plan: ActionPlan, now: datetime) -> NextAct:
    who = f"the assessor (not {shown_name(plan.claimed_by)})"
    if plan.state is PlanState.VERIFYING:
        return NextAct(Party.ASSESSOR, who, f"finish the re-test {plan.verifying!r}")
    loaded = plan.loaded_by
    after = f"from {in_utc(loaded)} on, " if loaded is not None and now < loaded else ""
    more = f" on {plan.extension} fresh items of each kind" if plan.extension else ""
    return NextAct(Party.ASSESSOR, who, f"{after}re-test the fix{more}")
