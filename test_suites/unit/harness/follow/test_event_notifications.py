"""Which events people are told of, in which words, and that nothing else is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.follow.event_notifications import event_notifications, findings_named, page_path
from harness.follow.recall import review_name
from harness.model.decision import Decision, Proposal, Status
from harness.model.decision_event import DecisionMade
from harness.model.escalation import Level
from harness.model.event import (
    Event,
    FindingOpened,
    FixClaimed,
    PlanClosed,
    PlanDrafted,
    PlanEscalated,
    PlanSuperseded,
    RecordAdded,
)
from harness.model.notification import NotificationKind
from harness.model.registry_record import Review
from harness.model.stream import StreamHead
from harness.model.surveillance_event import SurveillanceRun
from test_suites.kit.campaigns.example import example_finding

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HEAD = StreamHead(
    stream="supplier:a/b", name="A/B", events=9, hash="0" * 64, latest=AT, latest_position=9
)
BY: dict[str, Any] = {"at": AT, "actor": "Ann"}
RUN: dict[str, Any] = {
    "service": "Safe Net", "monitoring": "m", "site": "Hill", "schedule": "daily", "due": AT,
}  # fmt: skip
DRAFTED = PlanDrafted(
    **BY, plan="P-0001", finding="F-0001", owner="", corrective_action="", due=AT, milestones=()
)
DECIDED = DecisionMade(
    **BY,
    decision=Decision(
        number=1, service="Safe Net", version="2.0", scheme="s", scheme_version="1",
        status=Status.SUSPENDED, reason="r", proposal=Proposal(status=Status.SUSPENDED, reasons=()),
    ),
)  # fmt: skip

RECALL = Review(id=review_name("D-0001", "2026-03-02"), of="Safe Net", trigger="recall", due=AT)


@pytest.mark.parametrize(
    ("event", "kind", "title"),
    [
        (DRAFTED, NotificationKind.PLAN_OPENED, "Plan P-0001 of Safe Net was opened"),
        (
            PlanEscalated(**BY, plan="P-0001", level=Level.SUSPENDED, reason="late.", exit_criteria="x"),
            NotificationKind.PLAN_ESCALATED,
            "Plan P-0001 of Safe Net was escalated: suspended",
        ),
        (PlanClosed(**BY, plan="P-0001"), NotificationKind.PLAN_CLOSED, "Plan P-0001 of Safe Net was closed"),
        (
            PlanSuperseded(**BY, plan="P-0001", reason="r", approver="Ben", scheme_version="2.0"),
            NotificationKind.PLAN_CLOSED,
            "Plan P-0001 of Safe Net was ended",
        ),
        (
            RecordAdded(**BY, record=RECALL),
            NotificationKind.DECISION,
            "Safe Net: decision D-0001 was recalled",
        ),
        (DECIDED, NotificationKind.DECISION, "Safe Net 2.0: suspended"),
        (
            SurveillanceRun(**BY, **RUN, result="failed", reason="no line"),
            NotificationKind.RUN_FAILED,
            "A run at Hill failed",
        ),
    ],
)  # fmt: skip
def test_an_event_is_told_in_words(event: Event, kind: NotificationKind, title: str) -> None:
    (told,) = event_notifications(HEAD, 7, event, {"P-0001": "Safe Net"})

    assert (kind, title, "A/B") == (told.kind, told.title, told.supplier)
    assert told.key == "supplier:a/b\x1f7"


@pytest.mark.parametrize(
    "event",
    [
        FixClaimed(**BY, plan="P-0001", statement="fixed"),
        SurveillanceRun(**BY, **RUN, result="missed", reason="no power"),
        FindingOpened(**BY, finding=example_finding()),
    ],
)
def test_other_events_are_not_told(event: Event) -> None:
    assert list(event_notifications(HEAD, 7, event, {})) == []


def test_a_plan_is_told_with_the_service_of_its_finding() -> None:
    opened = FindingOpened(**BY, finding=example_finding(id="F-0001", service="Safe Net"))

    assert findings_named([DRAFTED], [opened]) == {"P-0001": "Safe Net"}
    assert findings_named([DRAFTED], []) == {"P-0001": ""}
    assert page_path("plans", "supplier:a/b", "P-0001") == "/plans/supplier%3Aa%2Fb/P-0001"
