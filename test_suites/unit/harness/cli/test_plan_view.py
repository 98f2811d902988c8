"""What a person reads of a plan, and what a program gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from harness.cli.plan_view import as_data, lines_of
from harness.model.action_plan import Deviation, DeviationKind
from harness.model.event import FindingOpened
from harness.model.finding import Finding
from harness.stages.follow.findings import draft_plan
from harness.stages.follow.ledger import fold

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FINDING = Finding(
    id="F-0002",
    campaign="autumn",
    requirement="URL-01",
    title="Gambling is blocked",
    severity="Maj",
    scheme="becta-2008",
    scheme_version="1.0",
    profile="ks2",
    line="proxy",
    statement="58 of 60 were blocked",
    missed=(),
    categories=("GAMB",),
    sampled=60,
    opened=NOW,
    supplier="Acme",
    recurrence_of="F-0001",
)
LEDGER = fold(
    (FindingOpened(at=NOW, actor="Ann", finding=FINDING), draft_plan(FINDING, at=NOW, actor="Ann"))
)
(PLAN,) = LEDGER.plans.values()


def test_a_recurrence_and_an_open_date_are_told() -> None:
    told = dict(lines_of(PLAN, LEDGER, NOW))

    assert (told["recurrence of"], told["missed"]) == ("F-0001", "no single item")
    assert told["due"] == "2026-05-31"
    assert not {"deviation", "vendor check-in", "escalated"} & set(told)


def test_a_deviation_that_is_over_says_so() -> None:
    until = NOW + timedelta(days=5)
    agreed = Deviation(
        kind=DeviationKind.RISK_ADJUSTMENT, reason="r", mitigation="m", approver="Bob", until=until
    )
    plan = replace(PLAN, deviation=agreed)

    assert "(over)" not in dict(lines_of(plan, LEDGER, NOW))["deviation"]
    assert "(over)" in dict(lines_of(plan, LEDGER, until + timedelta(days=1)))["deviation"]


def test_programs_get_the_plan_with_its_finding_and_what_is_possible() -> None:
    data = as_data(PLAN, LEDGER, NOW)

    assert (data["id"], data["finding"]["id"], data["overdue"]) == ("P-0002", "F-0002", False)
    assert "agree" in data["possible"]
