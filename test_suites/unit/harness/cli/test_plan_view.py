"""What a person reads of a plan, and what a program gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from harness.cli.plan import as_data, lines_of
from harness.follow.findings import draft_plan
from harness.follow.state import replay
from harness.model.action_plan import Deviation, DeviationKind, Finding
from harness.model.event import FindingOpened, PlanExtended

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
REGISTRY_STATE = replay(
    (FindingOpened(at=NOW, actor="Ann", finding=FINDING), draft_plan(FINDING, at=NOW, actor="Ann"))
)
(PLAN,) = REGISTRY_STATE.plans.values()


def test_a_recurrence_and_an_open_date_are_told() -> None:
    told = dict(lines_of(PLAN, REGISTRY_STATE, NOW))

    assert (told["recurrence of"], told["missed"]) == ("F-0001", "no single item")
    assert told["due"] == "2026-05-31"
    assert not {"deviation", "vendor check-in", "escalated"} & set(told)


def test_a_deviation_that_is_over_says_so() -> None:
    until = NOW + timedelta(days=5)
    agreed = Deviation(
        kind=DeviationKind.RISK_ADJUSTMENT, reason="r", mitigation="m", approver="Bob", until=until
    )
    plan = replace(PLAN, deviation=agreed)

    assert "(over)" not in dict(lines_of(plan, REGISTRY_STATE, NOW))["deviation"]
    assert "(ended)" in dict(lines_of(plan, REGISTRY_STATE, until + timedelta(days=1)))["deviation"]


def test_programs_get_the_plan_with_its_finding_and_what_is_possible() -> None:
    data = as_data(PLAN, REGISTRY_STATE, NOW)

    assert (data["id"], data["finding"]["id"], data["overdue"]) == ("P-0002", "F-0002", False)
    assert "agree" in data["possible"]


def test_events_that_run_backwards_and_mixed_roles_are_named() -> None:
    late = [
        PlanExtended(
            at=NOW - timedelta(days=day),
            actor="Ann",
            plan="P-0002",
            due=PLAN.due + timedelta(days=day),
            reason="r",
            approver="Ann",
        )
        for day in range(1, 8)
    ]
    opened = FindingOpened(at=NOW, actor="Ann", finding=FINDING)
    state = replay((opened, draft_plan(FINDING, at=NOW, actor="Ann"), *late))
    (plan,) = state.plans.values()

    told = lines_of(plan, state, NOW)

    clock = [value for name, value in told if name == "clock"]
    assert "event 3 (2026-03-01 09:00:00 UTC) is dated 1 d before event 2" in clock[0]
    assert clock[5:] == ["and 2 more events dated before earlier ones"]
    assert len(as_data(plan, state, NOW)["backward_events"]) == 7
    assert 7 == len([value for name, value in told if name == "not independent"])
    assert not {"clock", "not independent"} & set(dict(lines_of(PLAN, REGISTRY_STATE, NOW)))
