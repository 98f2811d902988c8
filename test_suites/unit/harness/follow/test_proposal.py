"""What the rules propose about an accreditation: a campaign's outcomes, and none at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from harness.follow.findings import follow, follow_ups
from harness.follow.proposal import BASIS_AGE, STAYS_IN_FORCE, propose
from harness.follow.state import StreamState
from harness.model.action_plan import (
    ActionPlan,
    Finding,
    FollowUp,
    PlanState,
)
from harness.model.decision import Basis, Status
from harness.model.event import (
    FixClaimed,
    PlanAgreed,
    PlanDetailed,
    PlanProgressed,
    RetestConcluded,
    RetestStarted,
)
from harness.model.outcome import Outcome, PrintedHead
from harness.model.people_answer import PeopleEvidence
from test_suites.kit.hubs.held_fix import held_and_closed
from test_suites.unit.harness.follow.conftest import NOW
from test_suites.unit.harness.follow.proposal_cases import (
    BASIS,
    DAY,
    FAILED,
    HEAD,
    MET,
    OPEN,
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


@pytest.mark.parametrize("accredited", [True, False])
def test_without_a_campaign_nothing_favourable_is_proposed(
    make_assessment: Assess, make_outcome: Make, *, accredited: bool
) -> None:
    assessment = replace(make_assessment(make_outcome(MET)), journal_head=HEAD)

    for given, basis in ((None, None), (assessment, None), (None, BASIS)):
        proposal = propose(given, basis, (), NOW, is_accredited=accredited)

        says(proposal, Status.NOT_YET, "no campaign was given")
        assert (STAYS_IN_FORCE in proposal.reasons) is accredited
        assert proposal.basis is None
        assert proposal.margins == ()


@pytest.mark.parametrize(
    ("severity", "state", "late", "status"),
    [
        ("Crit", PlanState.AGREED, False, Status.SUSPENDED),
        ("Crit", PlanState.VERIFYING, False, Status.SUSPENDED),
        ("Crit", PlanState.VERIFIED, False, Status.NOT_YET),
        ("Crit", PlanState.CLOSED, True, Status.NOT_YET),
        ("Crit", PlanState.SUPERSEDED, True, Status.NOT_YET),
        ("Maj", PlanState.IN_PROGRESS, True, Status.SUSPENDED),
        ("Maj", PlanState.IN_PROGRESS, False, Status.NOT_YET),
        ("Maj", PlanState.VERIFIED, True, Status.NOT_YET),
        ("Min", PlanState.IN_PROGRESS, True, Status.NOT_YET),
    ],
)
def test_without_a_campaign_open_plans_may_suspend(
    finding: Finding, plan: ActionPlan, severity: str, state: PlanState, late: bool, status: Status
) -> None:
    now = plan.due + DAY if late else NOW
    each = FollowUp(
        finding=replace(finding, severity=severity),
        plan=replace(plan, state=state, retests=(retest(NOW),)),
    )

    assert propose(None, None, (each,), now, is_accredited=True).status is status
    assert propose(None, None, (each,), now, is_accredited=False).status is Status.NOT_YET


def test_an_illegal_finding_suspends_whatever_its_severity(
    finding: Finding, plan: ActionPlan
) -> None:
    illegal = replace(finding, severity="Min", categories=("ILL.CSAM",))
    each = FollowUp(finding=illegal, plan=replace(plan, state=PlanState.AGREED))

    says(
        propose(None, None, (each,), NOW, is_accredited=True),
        Status.SUSPENDED,
        "F-0001 of campaign spring is open (URL-01[ks2-proxy]): critical, and plan P-0001",
    )


def test_a_service_that_meets_everything_is_accredited(
    proposed: Propose, make_outcome: Make
) -> None:
    others = make_outcome(FAILED, requirement="URL-03", binding=False)
    proposal = proposed(make_outcome(MET), make_outcome(MET, requirement="URL-02"), others)

    says(proposal, Status.ACCREDITED)
    assert proposal.reasons == ("2 binding checks conform",)
    assert proposal.basis == BASIS
    assert [each.requirement for each in proposal.margins] == ["URL-01", "URL-02"]


def test_too_little_evidence_is_never_a_pass(proposed: Propose, make_outcome: Make) -> None:
    undecided = [make_outcome(OPEN, requirement=f"URL-0{n}") for n in range(2, 7)]

    one = proposed(make_outcome(MET), undecided[0], accredited=True)
    several = proposed(*undecided)

    says(one, Status.NOT_YET, "1 binding check has too little evidence, which is no pass: URL-02")
    assert STAYS_IN_FORCE in one.reasons
    says(several, Status.NOT_YET, "URL-02[ks2-proxy], URL-03[ks2-proxy], URL-04[ks2-proxy] and 2")
    assert STAYS_IN_FORCE not in several.reasons
    says(proposed(make_outcome(MET), replace_binding(undecided[0])), Status.ACCREDITED)


def test_evidence_of_people_counts_until_it_expires(proposed: Propose, make_outcome: Make) -> None:
    def resting_on(expires: date | None, outcome: Outcome | None = None) -> Outcome:
        people = PeopleEvidence(answers=(), methods=("examine",), expires=expires)
        return replace(outcome or make_outcome(MET), people=people)

    today = NOW.date()
    says(proposed(resting_on(today + timedelta(days=1))), Status.ACCREDITED)
    says(proposed(resting_on(None)), Status.ACCREDITED)
    says(
        proposed(resting_on(today)),
        Status.NOT_YET,
        f"1 binding check rests on evidence that has expired: URL-01[ks2-proxy] (on {today})",
    )
    failed = resting_on(today, make_outcome(FAILED))
    assert "expired" not in " ".join(proposed(failed).reasons)


def replace_binding(outcome: Outcome) -> Outcome:
    """The outcome, of a requirement that does not bind."""
    requirement = outcome.requirement.model_copy(update={"binding": False})
    return replace(outcome, requirement=requirement)


def test_a_campaign_without_binding_outcomes_shows_nothing(
    proposed: Propose, make_outcome: Make
) -> None:
    says(proposed(), Status.NOT_YET, "nothing binding")
    says(proposed(make_outcome(MET, binding=False)), Status.NOT_YET, "nothing binding")


def test_a_limit_that_was_not_declared_is_an_obstacle(
    proposed: Propose, make_outcome: Make
) -> None:
    limited = replace(make_outcome(MET), qualifier="agreed list only")

    says(proposed(limited), Status.NOT_YET, "a limit that the campaign did not declare: URL-01")
    says(
        proposed(limited, items="agreed"),
        Status.ACCREDITED,
        "1 binding check conforms; limited to: agreed list only",
    )


def test_an_outcome_is_critical_by_what_was_missed(proposed: Propose, make_outcome: Make) -> None:
    illegal = make_outcome(FAILED, severity="Min", categories=("ILL",))

    says(proposed(illegal, accredited=True), Status.SUSPENDED)
    assert proposed(make_outcome(FAILED, severity="Min"), accredited=True).status is Status.NOT_YET


def test_the_life_of_a_plan_leads_to_accreditation(
    make_assessment: Assess, make_outcome: Make, made: Callable[..., Any]
) -> None:
    assessment = make_assessment(make_outcome(FAILED, missed=("gamb-001", "gamb-002")))
    assessment = replace(assessment, journal_head=HEAD)
    state = StreamState()
    found = []
    for events in (
        follow(assessment, state, NOW, "Ann"),
        (made(PlanAgreed), made(PlanDetailed, root_cause="r", preventive_action="p")),
        (made(PlanProgressed), made(FixClaimed), made(RetestStarted)),
        (made(RetestConcluded),),
        held_and_closed("P-0001", NOW),
    ):
        state = state.after(*events)
        followed = follow_ups(assessment, state)
        found.append(propose(assessment, BASIS, followed, NOW, is_accredited=False))

    assert [one.status for one in found] == [
        Status.NOT_YET,
        Status.NOT_YET,
        Status.NOT_YET,
        Status.WITH_ACTION_PLAN,
        Status.ACCREDITED,
    ]
    assert found[-1].reasons == (
        "0 binding checks conform; 1 binding check was met since by a re-test, and the fix held",
    )


@pytest.mark.parametrize(
    ("begun", "status", "why"),
    [
        (NOW - BASIS_AGE, Status.ACCREDITED, "conforms"),
        (NOW - BASIS_AGE - timedelta(seconds=1), Status.NOT_YET, "more than 90 days ago"),
        (NOW + timedelta(minutes=1), Status.ACCREDITED, "conforms"),
        (NOW + timedelta(seconds=61), Status.NOT_YET, "later than now: check the clock"),
    ],
)
def test_the_campaign_is_neither_old_nor_in_the_future(
    proposed: Propose, make_outcome: Make, begun: datetime, status: Status, why: str
) -> None:
    basis = Basis(
        campaign="spring", journal="aa", assessment="bb", rules="1", begun=begun, concluded=begun
    )
    for accredited in (False, True):
        proposal = proposed(make_outcome(MET), basis=basis, accredited=accredited)
        says(proposal, status, why)


def test_a_campaign_with_a_bar_grants_nothing(proposed: Propose, make_outcome: Make) -> None:
    barred = msgspec.structs.replace(BASIS, bars=("its reviewers are names only", "a second bar"))
    for accredited in (False, True):
        proposal = proposed(make_outcome(MET), basis=barred, accredited=accredited)
        says(proposal, Status.NOT_YET, "its reviewers are names only")
        assert "a second bar" in proposal.reasons


@pytest.mark.parametrize(
    ("campaign", "head", "why"),
    [
        ("autumn", HEAD, "is of campaign 'autumn', not 'spring'"),
        ("spring", None, "is not of journal 'aa'"),
        ("spring", PrintedHead(held=9, hash="ab"), "is not of journal 'aa'"),
    ],
)
def test_the_assessment_and_the_basis_are_of_one_campaign(
    make_assessment: Assess,
    make_outcome: Make,
    campaign: str,
    head: PrintedHead | None,
    why: str,
) -> None:
    assessment = make_assessment(make_outcome(MET), campaign=campaign)

    with pytest.raises(ValueError, match=why):
        propose(replace(assessment, journal_head=head), BASIS, (), NOW, is_accredited=False)


def test_of_several_obstacles_the_gravest_are_named(
    proposed: Propose, make_outcome: Make, finding: Finding, plan: ActionPlan
) -> None:
    each = FollowUp(finding=finding, plan=replace(plan, state=PlanState.AGREED))
    missing = make_outcome(FAILED, requirement="URL-04")
    outcomes = (make_outcome(FAILED), make_outcome(OPEN, requirement="URL-02"), missing)

    suspended = proposed(*outcomes, followed=[each], accredited=True)
    new = proposed(*outcomes, followed=[each])

    assert [one[:6] for one in suspended.reasons] == ["URL-01", "URL-04"]
    says(new, Status.NOT_YET, "URL-01", "URL-04", "too little evidence, which is no pass: URL-02")
