"""What counts for a soak period, and what closes a verified plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from harness.errors import UsageError
from harness.follow.escalation import escalations_due
from harness.follow.next_step import next_step
from harness.follow.soak import has_held, seen_in_soak
from harness.follow.transitions import advance
from harness.model.action_plan import ActionPlan, Finding, FollowUp, PlanState
from harness.model.event import PlanClosed, RetestConcluded, RetestStarted, SoakMeasured
from harness.model.soak import SoakCampaign, marks_of, split_marks

Made = Callable[..., Any]


@pytest.fixture
def verified(plan: ActionPlan, finding: Finding, made: Made) -> ActionPlan:
    """A plan whose fix was claimed by Acme and verified now."""
    claimed = replace(plan, state=PlanState.CLAIMED, claimed_by="Acme")
    started = advance(claimed, finding, made(RetestStarted))
    return advance(started, finding, made(RetestConcluded))


def soaked(made: Made, now: datetime, days: float, **differing: Any) -> SoakMeasured:
    """A campaign that began so many days after the verification, recorded an hour later."""
    begun = now + timedelta(days=days)
    soak = SoakCampaign(campaign=f"day-{days:g}", begun=begun, conforms=True)
    soak = msgspec.structs.replace(soak, **differing)
    event: SoakMeasured = made(SoakMeasured, soak=soak, at=begun + timedelta(hours=1))
    return event


def test_silence_closes_nothing(
    verified: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    late = now + timedelta(days=400)

    with pytest.raises(
        UsageError, match="cannot be closed yet: its soak period ends on 2026-03-16"
    ):
        advance(verified, finding, made(PlanClosed, at=late))
    assert not verified.is_overdue(late)
    assert escalations_due([FollowUp(finding=finding, plan=verified)], late) == {}
    assert "accredit run CAMPAIGN.yaml" in next_step(verified, finding, late)


@pytest.mark.parametrize(
    ("days", "conforms", "closes"),
    [(13.99, True, False), (14, True, True), (30, True, True), (30, False, False)],
)
def test_only_a_conforming_campaign_after_the_period_closes(
    verified: ActionPlan,
    finding: Finding,
    made: Made,
    now: datetime,
    days: float,
    conforms: bool,
    closes: bool,
) -> None:
    after = advance(verified, finding, soaked(made, now, days, conforms=conforms))

    assert after.state is PlanState.VERIFIED
    assert has_held(after) is closes
    if closes:
        closed = advance(after, finding, made(PlanClosed, at=now + timedelta(days=40)))
        assert closed.state is PlanState.CLOSED
        assert next_step(after, finding, now) == "accredit plan close P-0001"
    else:
        with pytest.raises(UsageError, match="cannot be closed yet"):
            advance(after, finding, made(PlanClosed, at=now + timedelta(days=40)))


def test_a_fault_leads_back_to_work_and_counts_as_an_attempt(
    verified: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    after = advance(verified, finding, soaked(made, now, 3, fault="3 of 60 pass"))

    assert (after.state, after.tries, after.soak_ends) == (PlanState.IN_PROGRESS, 1, None)
    assert after.is_overdue(after.due + timedelta(days=1))
    assert "soak period: campaign day-3: the fix did not hold: 3 of 60 pass" in after.history[-1]


def test_a_new_verification_begins_a_new_period(
    verified: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    back = advance(verified, finding, soaked(made, now, 20, fault="it fails"))
    again = replace(back, state=PlanState.VERIFYING, verifying="second")
    later = now + timedelta(days=21)
    concluded = made(RetestConcluded, at=later, campaign="second")
    concluded = msgspec.structs.replace(
        concluded, retest=msgspec.structs.replace(concluded.retest, at=later)
    )

    after = advance(again, finding, concluded)

    assert after.soaks == ()
    assert after.soak_ends == later + timedelta(days=14)


def test_the_scheme_says_how_long_the_period_is(verified: ActionPlan, now: datetime) -> None:
    (retest,) = verified.retests

    def ends(days: int) -> datetime | None:
        retests = (msgspec.structs.replace(retest, soak_days=days),)
        return replace(verified, retests=retests).soak_ends

    assert (ends(0), ends(30), ends(-9)) == (now, now + timedelta(days=30), now)


@pytest.mark.parametrize(
    ("differing", "message"),
    [
        ({"service": "Other Net"}, "measured 'Other Net' by scheme becta-2008; its finding"),
        ({"scheme": "kcsie"}, "by scheme kcsie; its finding is about 'Safe Net'"),
        ({"actor": "Acme"}, "Acme claimed the fix, and cannot show that it holds; somebody else"),
        ({"soak": {"campaign": "again"}}, "counts already, or began before the fix was verified"),
        ({"soak": {"begun": -1}}, "counts already, or began before the fix was verified"),
        ({"soak": {"begun": 9}}, "begins later than it is recorded"),
    ],
)
def test_what_says_nothing_about_the_period_is_refused(
    verified: ActionPlan,
    finding: Finding,
    made: Made,
    now: datetime,
    differing: dict[str, Any],
    message: str,
) -> None:
    event, change = soaked(made, now, 2), dict(differing.pop("soak", {}))
    if "begun" in change:
        change["begun"] = now + timedelta(days=change["begun"])
    soak = msgspec.structs.replace(event.soak, **change)

    with pytest.raises(UsageError, match=message):
        advance(verified, finding, msgspec.structs.replace(event, soak=soak, **differing))


def test_a_campaign_before_the_last_verification_says_nothing(
    verified: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    (first,) = verified.retests
    second = msgspec.structs.replace(first, campaign="second", at=now + timedelta(days=9))
    plan = replace(verified, retests=(first, second))

    with pytest.raises(UsageError, match="began before the fix was verified"):
        advance(plan, finding, soaked(made, now, 8))
    assert advance(plan, finding, soaked(made, now, 10)).soaks


def test_a_campaign_counts_once(
    verified: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    event = soaked(made, now, 2)
    after = advance(verified, finding, event)

    with pytest.raises(UsageError, match="counts already"):
        advance(after, finding, event)


def test_who_claimed_the_fix_may_show_that_it_does_not_hold(
    verified: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    event = msgspec.structs.replace(soaked(made, now, 2, fault="it fails"), actor="Acme")

    assert advance(verified, finding, event).state is PlanState.IN_PROGRESS


def test_items_are_found_again_by_their_marks(
    verified: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    first = soaked(made, now, 1, items=marks_of(["a", "b", "a"]))
    second = soaked(made, now, 2, items=marks_of(["c"]))
    after = advance(advance(verified, finding, first), finding, second)

    assert len(split_marks(first.soak.items)) == 2
    assert seen_in_soak(after) == split_marks(marks_of(["a", "b", "c"]))
    assert seen_in_soak(verified) == frozenset()
