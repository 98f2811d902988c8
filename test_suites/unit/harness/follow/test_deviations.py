"""Departures, check-ins and escalation are on record, and mend nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.errors import UsageError
from harness.follow.transitions import advance
from harness.model.action_plan import ActionPlan, DeviationKind, Finding, Level, PlanState
from harness.model.event import PlanDeviated, PlanEscalated, PlanEvent, VendorCheckedIn


def test_a_deviation_excuses_lateness_until_its_day_and_nothing_else(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent], now: datetime
) -> None:
    after = advance(plan, finding, made(PlanDeviated))

    assert (after.state, after.due) == (plan.state, plan.due)
    assert plan.is_overdue(now + timedelta(days=31))
    assert not after.is_overdue(now + timedelta(days=31))
    assert after.is_overdue(now + timedelta(days=91))
    assert "risk-adjustment until 2026-05-31, approved by Bea: a part is" in after.history[0]


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"reason": " "}, "needs a reason"),
        ({"mitigation": ""}, "needs what mitigates it"),
        ({"approver": ""}, "needs an approver"),
        ({"approver": " ACME"}, "is its owner and cannot approve its deviation"),
        ({"until": datetime.fromisoformat("2026-03-01T00:00:00Z")}, "is past; give a later date"),
    ],
)
def test_a_deviation_needs_why_who_and_until_when(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., PlanEvent],
    differing: dict[str, Any],
    why: str,
) -> None:
    with pytest.raises(UsageError, match=why):
        advance(plan, finding, made(PlanDeviated, **differing))


@pytest.mark.parametrize(
    ("changed", "allowed"),
    [
        ({"severity": "Crit"}, False),
        ({"severity": "Maj"}, True),
        ({"severity": "Maj", "categories": ("ILL.CSAM",)}, False),
    ],
)
def test_what_is_critical_or_illegal_is_never_an_operational_requirement(
    plan: ActionPlan,
    finding: Finding,
    made: Callable[..., PlanEvent],
    changed: dict[str, Any],
    *,
    allowed: bool,
) -> None:
    event = made(PlanDeviated, kind=DeviationKind.OPERATIONAL_REQUIREMENT)
    found = replace(finding, **changed)

    if allowed:
        assert advance(plan, found, event).deviation is not None
    else:
        with pytest.raises(
            UsageError, match="a critical finding cannot have an operational-requirement"
        ):
            advance(plan, found, event)


def test_a_vendor_is_asked_again_within_thirty_days(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent], now: datetime
) -> None:
    after = advance(plan, finding, made(VendorCheckedIn))

    assert plan.next_check_in is None
    assert after.next_check_in == now + timedelta(days=30)
    assert replace(after, state=PlanState.CLOSED).next_check_in is None
    for lacking in ({"vendor": ""}, {"result": " "}):
        with pytest.raises(UsageError, match="needs"):
            advance(plan, finding, made(VendorCheckedIn, **lacking))


def test_escalation_only_goes_up_and_says_what_ends_it(
    plan: ActionPlan, finding: Finding, made: Callable[..., PlanEvent]
) -> None:
    once = advance(plan, finding, made(PlanEscalated))
    twice = advance(once, finding, made(PlanEscalated, level=Level.SUSPENDED))

    assert (once.level, once.exit_criteria) == (Level.FINDING_REVIEW, "the fix is claimed")
    assert twice.level is Level.SUSPENDED
    assert "It ends when: the fix is claimed" in twice.history[-1]
    with pytest.raises(UsageError, match="is not higher; known: withdrawn"):
        advance(twice, finding, made(PlanEscalated, level=Level.CORRECTIVE_ACTION_PLAN))
    top = replace(plan, level=Level.WITHDRAWN)
    with pytest.raises(UsageError, match="there is no higher level"):
        advance(top, finding, made(PlanEscalated, level=Level.WITHDRAWN))
    for lacking in ({"reason": ""}, {"exit_criteria": " "}):
        with pytest.raises(UsageError, match="needs"):
            advance(plan, finding, made(PlanEscalated, **lacking))
