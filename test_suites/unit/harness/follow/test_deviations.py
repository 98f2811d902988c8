"""Deviations and check-ins are on record, always end, and fix nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.follow.deviations import latest_end
from harness.follow.transitions import advance
from harness.model.action_plan import (
    CHECK_IN,
    CONTAINED,
    ActionPlan,
    Finding,
    Milestone,
    PlanState,
)
from harness.model.deviation import DeviationKind, DeviationState
from harness.model.event import (
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    PlanDeviated,
    PlanEvent,
    VendorCheckedIn,
)

Made = Callable[..., PlanEvent]
MAJOR = {"kind": DeviationKind.OPERATIONAL_REQUIREMENT, "severity": ""}
VENDOR = {"kind": DeviationKind.VENDOR_DEPENDENCY, "severity": "", "vendor": "Lists Ltd"}
FALSE = {"kind": DeviationKind.FALSE_POSITIVE, "severity": ""}


def days(number: int) -> timedelta:
    """So many days."""
    return timedelta(days=number)


def approved(plan: ActionPlan, finding: Finding, made: Made, **differing: Any) -> ActionPlan:
    """The plan after a deviation was requested and approved."""
    asked = advance(plan, finding, made(DeviationRequested, **differing))
    return advance(asked, finding, made(DeviationApproved))


def test_an_approved_deviation_excuses_lateness_until_its_day_and_nothing_else(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    after = approved(plan, finding, made)

    assert (after.state, after.due) == (plan.state, plan.due)
    assert plan.overdue_since(now + days(31)) == plan.due
    assert not after.is_overdue(now + days(31))
    assert after.overdue_since(now + days(91)) == now + days(90)
    assert "risk-adjustment until 2026-05-31 requested: a part is on order" in after.history[0]
    assert "Bea: risk-adjustment until 2026-05-31 approved: the second list" in after.history[1]


@pytest.mark.parametrize("decision", [None, DeviationRejected])
def test_one_that_is_only_requested_or_rejected_excuses_nothing(
    plan: ActionPlan,
    finding: Finding,
    made: Made,
    now: datetime,
    decision: type[PlanEvent] | None,
) -> None:
    after = advance(plan, finding, made(DeviationRequested))
    after = advance(after, finding, made(decision)) if decision else after

    assert after.is_overdue(now + days(31))
    assert after.deviation_at(now) is None


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"reason": " "}, "needs a reason"),
        ({"mitigation": ""}, "needs what reduces the risk"),
        ({"until": datetime.fromisoformat("2026-03-01T00:00:00Z")}, "is past; give a later date"),
        ({"severity": ""}, "names the lower severity .*; known: Maj, Min"),
        ({"severity": "Crit"}, "names the lower severity .*; known: Maj, Min"),
        ({**FALSE, "severity": "Maj"}, "leaves the severity as it is"),
        ({**VENDOR, "vendor": " "}, "needs the vendor that the fix waits for"),
        (MAJOR, "a critical finding cannot have an operational-requirement"),
    ],
)
def test_a_request_needs_why_and_until_when(
    plan: ActionPlan, finding: Finding, made: Made, differing: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        advance(plan, finding, made(DeviationRequested, **differing))


@pytest.mark.parametrize(
    ("severity", "category", "differing", "most"),
    [
        ("Crit", "GAMB", {"severity": "Maj"}, 90),
        ("Crit", "GAMB", {"severity": "Min"}, 180),
        ("Maj", "GAMB", {"severity": "Min"}, 180),
        ("Crit", "GAMB", FALSE, 30),
        ("Crit", "ILL.CSAM", FALSE, 30),
        ("Crit", "GAMB", VENDOR, 30),
        ("Min", "ILL.CSAM", VENDOR, 30),
        ("Maj", "GAMB", VENDOR, 180),
        ("Maj", "GAMB", MAJOR, 180),
    ],
)
def test_each_kind_has_a_latest_end(
    plan: ActionPlan,
    finding: Finding,
    made: Made,
    now: datetime,
    severity: str,
    category: str,
    differing: dict[str, Any],
    most: int,
) -> None:
    found = replace(finding, severity=severity, categories=(category,))

    made_at = made(DeviationRequested, **differing, until=now + days(most))
    assert advance(plan, found, made_at).requested is not None
    late = (now + days(most + 1)).replace(hour=0)
    with pytest.raises(UsageError, match=r"such a deviation ends on .* at the latest"):
        advance(plan, found, made(DeviationRequested, **differing, until=late))


@pytest.mark.parametrize(
    ("changed", "differing", "why"),
    [
        ({"severity": "Min"}, {}, "of severity Min cannot have a risk-adjustment"),
        ({"categories": ("ILL.CSAM",)}, {}, "about illegal content cannot have a risk-adjustment"),
        ({"severity": "Maj", "categories": ("ILL.CSAM",)}, MAJOR, "a critical finding cannot"),
        ({"severity": "odd"}, MAJOR, "a critical finding cannot"),
    ],
)
def test_some_findings_never_have_some_deviations(
    plan: ActionPlan,
    finding: Finding,
    made: Made,
    changed: dict[str, Any],
    differing: dict[str, Any],
    why: str,
) -> None:
    with pytest.raises(UsageError, match=why):
        advance(plan, replace(finding, **changed), made(DeviationRequested, **differing))


def test_a_request_is_decided_once_and_before_another(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    for decision in (DeviationApproved, DeviationRejected):
        with pytest.raises(UsageError, match="no deviation is requested that could be decided"):
            advance(plan, finding, made(decision))
    asked = advance(plan, finding, made(DeviationRequested))
    with pytest.raises(UsageError, match="is requested already; it must be decided first"):
        advance(asked, finding, made(DeviationRequested))
    with pytest.raises(UsageError, match="was requested until 2026-05-31, which is past"):
        advance(asked, finding, made(DeviationApproved, at=now + days(90)))
    with pytest.raises(UsageError, match="needs a reason"):
        advance(asked, finding, made(DeviationApproved, reason=""))
    rejected = advance(asked, finding, made(DeviationRejected))
    assert (rejected.requested, rejected.approved) == (None, ())
    again = approved(rejected, finding, made)
    assert [one.state for one in again.deviations] == [
        DeviationState.REJECTED,
        DeviationState.APPROVED,
    ]


def test_a_failure_is_contained_in_time_unless_the_finding_may_be_wrong(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    steps = (Milestone(title=CONTAINED, due=now + days(5)), *plan.milestones)
    plan = replace(plan, milestones=steps)
    later = now + days(6)

    assert approved(plan, finding, made).overdue_since(later) == now + days(5)
    assert approved(plan, finding, made, **VENDOR, until=now + days(30)).is_overdue(later)
    wrong = approved(plan, finding, made, **FALSE, until=now + days(20))
    assert not wrong.is_overdue(later)
    assert wrong.overdue_since(now + days(21)) == now + days(20)


def test_waiting_for_a_vendor_needs_a_check_in_each_month(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    major = replace(finding, severity="Maj")
    plan = replace(plan, due=now + days(5))
    waits = approved(plan, major, made, **VENDOR, until=now + days(150))

    assert waits.next_check_in == now + CHECK_IN
    assert waits.is_waiting(now + CHECK_IN)
    assert waits.overdue_since(now + days(31)) == now + CHECK_IN
    heard = advance(waits, major, made(VendorCheckedIn, at=now + days(20)))
    assert heard.is_waiting(now + days(50))
    assert not heard.is_waiting(now + days(51))
    assert not approved(plan, finding, made).is_waiting(now)


def test_a_vendor_is_asked_again_within_thirty_days(
    plan: ActionPlan, finding: Finding, made: Made, now: datetime
) -> None:
    after = advance(plan, finding, made(VendorCheckedIn))

    assert plan.next_check_in is None
    assert after.next_check_in == now + days(30)
    assert replace(after, state=PlanState.CLOSED).next_check_in is None
    for lacking in ({"vendor": ""}, {"result": " "}):
        with pytest.raises(UsageError, match="needs"):
            advance(plan, finding, made(VendorCheckedIn, **lacking))


def test_nobody_records_a_deviation_in_one_step_any_more(
    plan: ActionPlan, finding: Finding, made: Made
) -> None:
    with pytest.raises(UsageError, match="is requested first, and then decided by somebody else"):
        advance(plan, finding, made(PlanDeviated))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(DeviationKind),
    severity=st.sampled_from(["Crit", "Maj", "Min", "odd"]),
    until=st.integers(1, 40_000),
)
def test_one_of_an_earlier_version_ends_as_well(
    plan: ActionPlan, finding: Finding, made: Made, kind: DeviationKind, severity: str, until: int
) -> None:
    found = replace(finding, severity=severity)
    event = made(PlanDeviated, kind=kind, until=finding.opened + days(until))

    after = advance(plan, found, event, is_kept=True)

    (only,) = after.deviations
    assert only.until == min(finding.opened + days(until), latest_end(found, kind, "", event.at))
    assert only.until <= event.at + days(181)
    assert after.is_overdue(max(plan.due, only.until) + days(1))
