"""What the alarms of surveillance allow to propose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
import pytest

from harness.follow.proposal import propose
from harness.model.action_plan import ActionPlan, Finding, FollowUp, PlanState
from harness.model.alarm import Alarm, AlarmRetest, AlarmState
from harness.model.conformity import Conformity
from harness.model.decision import Proposal, Status
from test_suites.unit.harness.follow.conftest import NOW
from test_suites.unit.harness.follow.proposal_cases import (
    BASIS,
    DAY,
    HEAD,
    MET,
    Assess,
    Make,
    retest,
    says,
)
from test_suites.unit.harness.follow.raised_alarm import RAISED as OF_EVIDENCE

RAISED = Alarm(
    at=NOW - 10 * DAY,
    raised=msgspec.structs.replace(OF_EVIDENCE, retest_by=NOW - 5 * DAY),
)
CONFIRMED = msgspec.structs.replace(
    RAISED,
    state=AlarmState.CONFIRMED,
    ended=NOW - 3 * DAY,
    retests=(
        AlarmRetest(
            campaign="fixed",
            scheme="becta-2008",
            begun=NOW - 4 * DAY,
            conformity=Conformity.DOES_NOT_CONFORM,
            statement="42 of 60",
        ),
    ),
)


@pytest.fixture
def proposed(make_assessment: Assess, make_outcome: Make) -> object:
    """Propose by a campaign in which everything conforms."""

    def made(
        *alarms: Alarm,
        followed: Sequence[FollowUp] = (),
        accredited: bool = True,
        now: datetime = NOW,
    ) -> Proposal:
        assessment = replace(make_assessment(make_outcome(MET)), journal_head=HEAD)
        return propose(assessment, BASIS, followed, now, is_accredited=accredited, alarms=alarms)

    return made


def test_a_confirmed_alarm_suspends_what_is_accredited(proposed: object) -> None:
    assert callable(proposed)
    says(
        proposed(CONFIRMED),
        Status.SUSPENDED,
        "alarm A-0001 of URL-01[ks2] was confirmed by a re-test of fixed size (campaign fixed)",
    )
    says(proposed(CONFIRMED, accredited=False), Status.NOT_YET, "was confirmed")


def test_a_confirmed_alarm_suspends_also_without_a_campaign() -> None:
    proposal = propose(None, None, (), NOW, is_accredited=True, alarms=[CONFIRMED])

    says(proposal, Status.SUSPENDED, "was confirmed")


def test_an_open_alarm_allows_nothing_favourable(proposed: object) -> None:
    assert callable(proposed)
    says(proposed(RAISED), Status.NOT_YET, "waits for a re-test of fixed size, overdue since")
    says(proposed(RAISED, now=NOW - 6 * DAY), Status.NOT_YET, "due by 2026-02-25")


def test_an_alarm_that_a_deciding_retest_left_open_suspends_what_is_accredited(
    proposed: object,
) -> None:
    assert callable(proposed)
    (last,) = CONFIRMED.retests
    undecided = msgspec.structs.replace(last, conformity=Conformity.INSUFFICIENT, counted=60)

    after = [msgspec.structs.replace(RAISED, retests=(undecided,) * tries) for tries in (3, 4)]

    says(proposed(after[0]), Status.NOT_YET, "waits for a re-test of fixed size")
    says(proposed(after[1]), Status.SUSPENDED, "did not show that the requirement is met")
    says(proposed(after[1], accredited=False), Status.NOT_YET, "did not show")


def test_an_alarm_that_was_not_confirmed_changes_nothing(proposed: object) -> None:
    assert callable(proposed)
    ended = msgspec.structs.replace(CONFIRMED, state=AlarmState.NOT_CONFIRMED)

    assert proposed(ended).status is Status.ACCREDITED


@pytest.mark.parametrize(
    ("state", "days_ago", "status"),
    [
        (PlanState.CLOSED, 1, Status.ACCREDITED),
        (PlanState.CLOSED, 4, Status.SUSPENDED),  # fixed before the alarm was confirmed
        (PlanState.CLAIMED, 1, Status.SUSPENDED),
    ],
)
def test_a_confirmed_alarm_suspends_until_its_failure_is_fixed(
    proposed: object,
    finding: Finding,
    plan: ActionPlan,
    state: PlanState,
    days_ago: int,
    status: Status,
) -> None:
    assert callable(proposed)
    held = replace(plan, state=state, retests=(retest(NOW - days_ago * DAY),))
    major = replace(finding, severity="Maj")

    proposal = proposed(CONFIRMED, followed=[FollowUp(finding=major, plan=held)])

    assert proposal.status is status


def test_a_fixed_failure_of_another_requirement_or_profile_ends_no_suspension(
    proposed: object, finding: Finding, plan: ActionPlan
) -> None:
    assert callable(proposed)
    held = replace(plan, state=PlanState.CLOSED, retests=(retest(NOW - DAY),))

    for other in (replace(finding, requirement="URL-02"), replace(finding, profile="staff")):
        proposal = proposed(CONFIRMED, followed=[FollowUp(finding=other, plan=held)])
        assert proposal.status is Status.SUSPENDED


def test_one_of_two_findings_that_is_not_fixed_keeps_the_suspension(
    proposed: object, finding: Finding, plan: ActionPlan
) -> None:
    assert callable(proposed)
    fixed = replace(plan, state=PlanState.CLOSED, retests=(retest(NOW - DAY),))
    other = replace(finding, id="F-0002", line="wifi", severity="Maj")
    due = replace(plan, id="P-0002", finding="F-0002", state=PlanState.IN_PROGRESS)
    followed = [FollowUp(finding=finding, plan=fixed), FollowUp(finding=other, plan=due)]

    assert proposed(CONFIRMED, followed=followed).status is Status.SUSPENDED
