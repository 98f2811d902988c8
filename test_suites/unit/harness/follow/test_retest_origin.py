"""A re-test names a campaign of its own, over the finding's own service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.follow.transitions import advance, origin_fault_in
from harness.model.action_plan import ActionPlan, Finding, PlanState
from harness.model.event import FixClaimed, PlanEvent, RetestConcluded, RetestStarted

Made = Callable[..., PlanEvent]


@pytest.mark.parametrize(
    ("campaign", "why"),
    [
        ("", "does not name its campaign"),
        (" ", "does not name its campaign"),
        ("spring", "needs a campaign of its own, not 'spring'"),
        (" Spring", "needs a campaign of its own, not ' Spring'"),
    ],
)
def test_a_re_test_names_a_campaign_of_its_own(
    plan: ActionPlan, finding: Finding, made: Made, campaign: str, why: str
) -> None:
    claimed = replace(plan, state=PlanState.CLAIMED, claimed_by="Acme")
    running = replace(claimed, state=PlanState.VERIFYING, verifying=campaign)

    for before, event in (
        (claimed, made(RetestStarted, campaign=campaign)),
        (running, made(RetestConcluded, campaign=campaign)),
    ):
        with pytest.raises(UsageError, match=why):
            advance(before, finding, event)


def test_a_second_re_test_is_not_the_first_one_again(
    plan: ActionPlan, finding: Finding, made: Callable[..., RetestConcluded]
) -> None:
    tried = replace(plan, retests=(made(RetestConcluded).retest,))

    fault = origin_fault_in(tried, finding, made(RetestStarted))

    assert fault is not None
    assert "a campaign of its own, not 'again'" in fault


@pytest.mark.parametrize(
    ("service", "why"),
    [("", "does not name the service"), ("Other Net", "measured the service 'Other Net', but")],
)
def test_another_service_verifies_nothing(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., RetestConcluded],
    service: str,
    why: str,
) -> None:
    event, wrong = made(RetestConcluded), made(RetestConcluded, service=service)
    before = replace(plan, state=PlanState.VERIFYING, verifying="again", claimed_by="Acme")

    with pytest.raises(UsageError, match=why):
        advance(before, finding, wrong)
    assert advance(before, finding, wrong, is_kept=True).state is PlanState.VERIFIED
    assert advance(before, finding, event).state is PlanState.VERIFIED


def test_a_finding_from_before_services_were_recorded_asks_only_for_a_name(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    old = replace(finding, service="")

    assert origin_fault_in(plan, old, made(RetestConcluded)) is None
    assert origin_fault_in(plan, finding, made(FixClaimed)) is None
