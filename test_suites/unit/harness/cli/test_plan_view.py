"""What a person reads of a plan, and what a program gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.cli.plan_view import as_data, lines_of
from harness.cli.registry_session import ClockNotes, HeldPlan
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.action_plan import ActionPlan, Finding
from harness.model.deviation import Deviation, DeviationKind, DeviationState
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


def held(state: StreamState = REGISTRY_STATE, plan: ActionPlan | None = None) -> HeldPlan:
    """The plan of a state, as a session reads it."""
    (only,) = state.plans.values()
    notes = ClockNotes(state.backward, tuple(state.clock_corrections.values()))
    return HeldPlan("supplier:acme", "Acme", plan or only, FINDING, notes)


def test_a_recurrence_and_an_open_date_are_told() -> None:
    told = dict(lines_of(held(), NOW))

    assert (told["recurrence of"], told["missed"]) == ("F-0001", "no single item")
    assert told["due"] == "2026-05-31"
    assert not {"deviation", "vendor check-in", "escalated"} & set(told)


def deviating(state: DeviationState, kind: DeviationKind, until: datetime) -> ActionPlan:
    """The plan with a deviation."""
    one = Deviation(
        kind=kind,
        reason="a part is on order",
        mitigation="a second list",
        until=until,
        state=state,
        requested_by="Ann",
        requested=NOW,
        decided_by="Bob",
        decision="that list is old",
    )
    return replace(PLAN, deviations=(one,))


@pytest.mark.parametrize(
    ("state", "kind", "later", "words"),
    [
        (DeviationState.REQUESTED, DeviationKind.FALSE_POSITIVE, 1, ", requested by Ann. a part"),
        (
            DeviationState.REJECTED,
            DeviationKind.FALSE_POSITIVE,
            1,
            ", rejected by Bob (identities by name only): that list is old. a part",
        ),
        (
            DeviationState.APPROVED,
            DeviationKind.FALSE_POSITIVE,
            1,
            "2026-04-11, approved by Bob (identities by name only).",
        ),
        (
            DeviationState.APPROVED,
            DeviationKind.FALSE_POSITIVE,
            41,
            " (ended), approved by Bob (identities by name only).",
        ),
        (
            DeviationState.APPROVED,
            DeviationKind.VENDOR_DEPENDENCY,
            31,
            " (ended 2026-04-01, for want of a check-in), approved by Bob (identities by name only).",
        ),
    ],
)
def test_a_deviation_says_what_came_of_it(
    state: DeviationState, kind: DeviationKind, later: int, words: str
) -> None:
    plan = deviating(state, kind, NOW + timedelta(days=40))

    told = dict(lines_of(held(plan=plan), NOW + timedelta(days=later)))["deviation"]

    assert words in told
    assert told.endswith("mitigated by a second list")


def test_programs_get_the_plan_with_its_finding_and_what_is_possible() -> None:
    data = as_data(held(), NOW)

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

    told = lines_of(held(state), NOW)

    clock = [value for name, value in told if name == "clock"]
    assert "event 3 (2026-03-01 09:00:00 UTC) is dated 1 d before event 2" in clock[0]
    assert clock[5:] == ["and 2 more events dated before earlier ones"]
    assert len(as_data(held(state), NOW)["backward_events"]) == 7
    assert 7 == len([value for name, value in told if name == "not independent"])
    assert not {"clock", "not independent"} & set(dict(lines_of(held(), NOW)))
