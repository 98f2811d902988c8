"""What the plans of failures, and other open plans, allow to propose."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from harness.follow.proposal import propose
from harness.model.action_plan import (
    ActionPlan,
    Finding,
    FollowUp,
    Milestone,
    PlanState,
    RetestResult,
)
from harness.model.decision import Condition, Status
from harness.model.deviation import Deviation, DeviationKind, DeviationState
from harness.model.escalation import Escalation, Level
from harness.model.soak import SOAK_DAYS, SoakCampaign
from test_suites.unit.harness.follow.conftest import NOW
from test_suites.unit.harness.follow.proposal_cases import (
    BEGUN,
    DAY,
    FAILED,
    MET,
    Assess,
    Make,
    Propose,
    proposal_by,
    retest,
    says,
)


@pytest.fixture
def proposed(make_assessment: Assess) -> Propose:
    return partial(proposal_by, make_assessment)


@pytest.fixture
def major(finding: Finding) -> Finding:
    return replace(finding, severity="Maj")


def escalated(plan: ActionPlan, level: Level) -> ActionPlan:
    notice = Escalation(at=NOW, level=level, reason="late", exit_criteria="the fix holds")
    return replace(plan, escalations=(*plan.escalations, notice))


def replace_soak(soak: SoakCampaign, *, conforms: bool = True, fault: str = "") -> SoakCampaign:
    return SoakCampaign(campaign=soak.campaign, begun=soak.begun, conforms=conforms, fault=fault)


@pytest.mark.parametrize(
    ("level", "accredited", "status"),
    [
        (Level.WITHDRAWN, True, Status.WITHDRAWN),
        (Level.WITHDRAWN, False, Status.WITHDRAWN),
        (Level.SUSPENDED, True, Status.SUSPENDED),
        (Level.SUSPENDED, False, Status.NOT_YET),
        (Level.CORRECTIVE_ACTION_PLAN, True, Status.WITH_ACTION_PLAN),
    ],
)
def test_an_escalated_plan_decides(
    proposed: Propose,
    make_outcome: Make,
    major: Finding,
    plan: ActionPlan,
    level: Level,
    accredited: bool,
    status: Status,
) -> None:
    held = escalated(replace(plan, state=PlanState.AGREED), level)
    each = FollowUp(finding=major, plan=held)

    with_campaign = proposed(make_outcome(MET), followed=[each], accredited=accredited)
    without = propose(None, None, [each], NOW, is_accredited=accredited)
    ended = FollowUp(finding=major, plan=replace(held, state=PlanState.CLOSED))

    assert with_campaign.status is status
    assert without.status is (Status.NOT_YET if status is Status.WITH_ACTION_PLAN else status)
    if level is not Level.CORRECTIVE_ACTION_PLAN:
        says(with_campaign, status, f"P-0001 of URL-01[ks2-proxy] was escalated to: {level}")
    says(proposed(make_outcome(MET), followed=[ended], accredited=accredited), Status.ACCREDITED)


@pytest.mark.parametrize(
    ("severity", "state", "late", "statuses"),
    [
        ("Crit", PlanState.AGREED, False, (Status.NOT_YET, Status.SUSPENDED)),
        ("Crit", PlanState.VERIFYING, False, (Status.NOT_YET, Status.SUSPENDED)),
        ("Crit", PlanState.SUPERSEDED, False, (Status.NOT_YET, Status.SUSPENDED)),
        ("Crit", PlanState.VERIFIED, False, (Status.WITH_ACTION_PLAN, Status.WITH_ACTION_PLAN)),
        ("Crit", PlanState.CLOSED, False, (Status.ACCREDITED, Status.ACCREDITED)),
        ("Maj", PlanState.DRAFT, False, (Status.NOT_YET, Status.NOT_YET)),
        ("Maj", PlanState.SUBMITTED, False, (Status.NOT_YET, Status.NOT_YET)),
        ("Maj", PlanState.RETURNED, True, (Status.NOT_YET, Status.SUSPENDED)),
        ("Maj", PlanState.AGREED, False, (Status.WITH_ACTION_PLAN, Status.WITH_ACTION_PLAN)),
        ("Maj", PlanState.CLAIMED, True, (Status.NOT_YET, Status.SUSPENDED)),
        ("Maj", PlanState.VERIFIED, True, (Status.WITH_ACTION_PLAN, Status.WITH_ACTION_PLAN)),
        ("Maj", PlanState.SUPERSEDED, False, (Status.NOT_YET, Status.NOT_YET)),
        ("Min", PlanState.CLAIMED, False, (Status.WITH_ACTION_PLAN, Status.WITH_ACTION_PLAN)),
        ("Min", PlanState.IN_PROGRESS, True, (Status.NOT_YET, Status.NOT_YET)),
    ],
)
def test_a_failure_counts_by_its_plan(
    proposed: Propose,
    make_outcome: Make,
    finding: Finding,
    plan: ActionPlan,
    severity: str,
    state: PlanState,
    late: bool,
    statuses: tuple[Status, Status],
) -> None:
    each = FollowUp(
        finding=replace(finding, severity=severity),
        plan=replace(plan, state=state, retests=(retest(NOW),)),
    )
    outcome = make_outcome(FAILED, severity=severity, missed=("a",))
    now = plan.due + DAY if late else NOW

    for accredited, expected in zip((False, True), statuses, strict=True):
        proposal = proposed(outcome, followed=[each], now=now, accredited=accredited)

        assert proposal.status is expected, proposal
        assert bool(proposal.conditions) is (expected is Status.WITH_ACTION_PLAN)
        if expected is not Status.ACCREDITED:
            says(proposal, expected, "URL-01[ks2-proxy] is not met (59 of 60 items")
            says(proposal, expected, "P-0001")


def test_a_condition_says_which_plan_and_when_it_is_due(
    proposed: Propose, make_outcome: Make, major: Finding, plan: ActionPlan
) -> None:
    each = FollowUp(finding=major, plan=replace(plan, state=PlanState.IN_PROGRESS))
    proposal = proposed(
        make_outcome(FAILED, severity="Maj"),
        make_outcome(MET, requirement="URL-02"),
        followed=[each],
    )

    assert proposal.conditions == (
        Condition(
            plan="P-0001", requirement="URL-01", severity="Maj", state="in-progress", due=plan.due
        ),
    )
    says(proposal, Status.WITH_ACTION_PLAN, "plan P-0001 is in-progress, due on 2026-04-01")
    assert proposal.reasons[-1] == "1 binding check conforms"


def test_a_verified_plan_is_due_after_its_soak_period_and_an_excused_one_later(
    proposed: Propose, make_outcome: Make, major: Finding, plan: ActionPlan
) -> None:
    outcome = make_outcome(FAILED, severity="Maj")
    late = replace(plan, due=NOW - DAY)
    verified = replace(late, state=PlanState.VERIFIED, retests=(retest(NOW),))
    deviation = Deviation(
        kind=DeviationKind.OPERATIONAL_REQUIREMENT,
        reason="r",
        mitigation="m",
        until=NOW + 9 * DAY,
        state=DeviationState.APPROVED,
        requested_by="Ann",
        requested=NOW - 9 * DAY,
    )
    excused = replace(late, state=PlanState.IN_PROGRESS, deviations=(deviation,))

    for held, due in ((verified, NOW + SOAK_DAYS * DAY), (excused, deviation.until)):
        proposal = proposed(outcome, followed=[FollowUp(finding=major, plan=held)])
        assert [one.due for one in proposal.conditions] == [due]


@pytest.mark.parametrize("severity", ["Crit", "Maj"])
def test_a_failure_without_a_plan_is_an_obstacle(
    proposed: Propose, make_outcome: Make, finding: Finding, severity: str
) -> None:
    held = replace(finding, severity=severity)
    grave = Status.SUSPENDED if severity == "Crit" else Status.NOT_YET
    elsewhere = replace(held, line="vpn")

    for followed in ((), [FollowUp(finding=held)]):
        outcome = make_outcome(FAILED, severity=severity)
        says(proposed(outcome, followed=followed), Status.NOT_YET, "no action plan is open")
        in_force = proposed(outcome, followed=followed, accredited=True)
        says(in_force, grave, "no action plan is open")
    says(
        proposed(make_outcome(FAILED), followed=[FollowUp(finding=elsewhere)]),
        Status.NOT_YET,
        "URL-01[ks2-proxy] is not met",
        "URL-01[ks2-vpn]",
    )


@pytest.mark.parametrize("state", [PlanState.CLOSED, PlanState.VERIFIED])
def test_a_fix_from_before_the_campaign_does_not_excuse_its_failure(
    proposed: Propose, make_outcome: Make, finding: Finding, plan: ActionPlan, state: PlanState
) -> None:
    outcome = make_outcome(FAILED)
    earlier = replace(finding, campaign="winter", opened=BEGUN - 60 * DAY)
    good = Status.ACCREDITED if state is PlanState.CLOSED else Status.WITH_ACTION_PLAN
    soak = SoakCampaign(campaign="later", begun=NOW, conforms=True)
    unclear, relapse = replace_soak(soak, conforms=False), replace_soak(soak, fault="it failed")
    not_shown = retest(NOW, RetestResult.INSUFFICIENT)
    for retests, soaks, expected in (
        ((retest(BEGUN - DAY),), (), Status.NOT_YET),
        ((retest(BEGUN),), (), Status.NOT_YET),
        ((), (), Status.NOT_YET),
        ((not_shown,), (), Status.NOT_YET),
        ((retest(BEGUN - DAY),), (unclear,), Status.NOT_YET),
        ((retest(BEGUN - DAY),), (relapse,), Status.NOT_YET),
        ((retest(BEGUN + DAY),), (), good),
        ((retest(BEGUN - DAY),), (soak,), good),
    ):
        held = replace(plan, state=state, retests=retests, soaks=soaks, ended=NOW)
        proposal = proposed(outcome, followed=[FollowUp(finding=earlier, plan=held)])

        says(proposal, expected)
        if expected is Status.NOT_YET:
            says(proposal, expected, f"it fails again after plan P-0001 was {state}")
            in_force = proposed(
                outcome, followed=[FollowUp(finding=earlier, plan=held)], accredited=True
            )
            says(in_force, Status.SUSPENDED, "it fails again")


def test_the_open_finding_about_a_failure_stands_then_the_last(
    proposed: Propose, make_outcome: Make, finding: Finding, plan: ActionPlan
) -> None:
    closed = FollowUp(
        finding=finding, plan=replace(plan, state=PlanState.CLOSED, retests=(retest(NOW),))
    )
    back = replace(finding, id="F-0002", campaign="summer", opened=NOW + DAY)
    second = replace(plan, id="P-0002", finding="F-0002", state=PlanState.IN_PROGRESS)
    old = replace(finding, id="F-0000", opened=NOW - 9 * DAY)
    outcome = make_outcome(FAILED)

    recurred = [closed, FollowUp(finding=back, plan=second)]
    says(proposed(outcome, followed=recurred), Status.NOT_YET, "P-0002 is not verified")
    older = [closed, FollowUp(finding=old, plan=replace(second, finding="F-0000"))]
    says(proposed(outcome, followed=older), Status.NOT_YET, "is not met", "P-0002 is not verified")
    superseded = replace(second, state=PlanState.SUPERSEDED)
    gone = [FollowUp(finding=back, plan=superseded), closed]
    says(proposed(outcome, followed=gone), Status.NOT_YET, "the scheme changed")


@pytest.mark.parametrize(
    ("severity", "state", "late", "statuses"),
    [
        ("Crit", PlanState.CLAIMED, False, (Status.NOT_YET, Status.SUSPENDED)),
        ("Crit", PlanState.VERIFIED, False, (Status.WITH_ACTION_PLAN, Status.WITH_ACTION_PLAN)),
        ("Crit", PlanState.CLOSED, True, (Status.ACCREDITED, Status.ACCREDITED)),
        ("Maj", PlanState.SUPERSEDED, True, (Status.ACCREDITED, Status.ACCREDITED)),
        ("Maj", PlanState.CLAIMED, False, (Status.WITH_ACTION_PLAN, Status.WITH_ACTION_PLAN)),
        ("Maj", PlanState.CLAIMED, True, (Status.NOT_YET, Status.SUSPENDED)),
        ("Maj", PlanState.SUBMITTED, False, (Status.NOT_YET, Status.NOT_YET)),
        ("Min", PlanState.AGREED, True, (Status.NOT_YET, Status.NOT_YET)),
    ],
)
def test_a_conforming_check_does_not_close_an_open_plan(
    proposed: Propose,
    make_outcome: Make,
    finding: Finding,
    plan: ActionPlan,
    severity: str,
    state: PlanState,
    late: bool,
    statuses: tuple[Status, Status],
) -> None:
    now = plan.due + DAY if late else NOW
    outcome = make_outcome(MET)
    held = replace(finding, severity=severity)
    for other in (
        held,
        replace(held, requirement="URL-09"),
        replace(held, campaign="winter", line="vpn"),
    ):
        each = FollowUp(
            finding=other,
            plan=replace(plan, state=state, retests=(retest(NOW),)),
        )
        for accredited, expected in zip((False, True), statuses, strict=True):
            proposal = proposed(outcome, followed=[each], now=now, accredited=accredited)
            assert proposal.status is expected, proposal
            assert bool(proposal.conditions) is (expected is Status.WITH_ACTION_PLAN)


def test_a_finding_without_a_plan_is_an_obstacle(
    proposed: Propose, make_outcome: Make, major: Finding
) -> None:
    says(
        proposed(make_outcome(MET), followed=[FollowUp(finding=major)]),
        Status.NOT_YET,
        "F-0001 of campaign spring is open (URL-01[ks2-proxy]), and no action plan",
    )


def test_containment_that_is_late_makes_a_plan_overdue(
    proposed: Propose, make_outcome: Make, major: Finding, plan: ActionPlan
) -> None:
    late = Milestone(title="Failure contained", due=NOW - DAY)
    held = replace(plan, state=PlanState.AGREED, milestones=(late, *plan.milestones))

    proposal = proposed(make_outcome(MET), followed=[FollowUp(finding=major, plan=held)])

    says(proposal, Status.NOT_YET, "plan P-0001 is overdue since 2026-03-01")


def test_a_failure_is_critical_by_its_finding_or_its_requirement(
    proposed: Propose, make_outcome: Make, finding: Finding, plan: ActionPlan
) -> None:
    held = replace(plan, state=PlanState.AGREED)
    for of_finding, of_row, status in (
        ("Crit", "Maj", Status.SUSPENDED),
        ("Maj", "Crit", Status.SUSPENDED),
        ("Maj", "Maj", Status.WITH_ACTION_PLAN),
    ):
        each = FollowUp(finding=replace(finding, severity=of_finding), plan=held)
        outcome = make_outcome(FAILED, severity=of_row)
        says(proposed(outcome, followed=[each], accredited=True), status)
