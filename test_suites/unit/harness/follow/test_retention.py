"""A campaign stays whole while something that is still open rests on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.follow.retention import campaigns_in_use
from harness.follow.state import StreamState
from harness.model.action_plan import Finding, PlanState, Retest, RetestResult
from harness.model.alarm import Alarm, AlarmState
from harness.model.decision import (
    Basis,
    Decision,
    DecisionAppeal,
    HeldDecision,
    Proposal,
    Status,
)
from harness.model.event import FindingOpened, RecordAdded, StreamOpened
from harness.model.registry_record import CampaignRecord, Service
from harness.model.soak import SoakCampaign
from test_suites.unit.harness.follow.conftest import NOW
from test_suites.unit.harness.follow.raised_alarm import RAISED


@pytest.fixture
def state(finding: Finding) -> StreamState:
    """A stream with a finding of the campaign "found" and its plan."""
    found = replace(finding, campaign="Found")
    opened = FindingOpened(at=NOW, actor="Ann", finding=found)
    drafted = draft_plan(found, at=NOW, actor="Ann")
    return replay([StreamOpened(at=NOW, actor="Ann", name="Acme"), opened, drafted])


def change_plan(held: StreamState, **changes: object) -> None:
    """Change the one plan of a stream."""
    ((name, plan),) = held.plans.items()
    held.plans[name] = replace(plan, **changes)  # type: ignore[arg-type]  # by name


def in_use(state: StreamState) -> dict[str, str]:
    return campaigns_in_use(state, NOW)


def test_an_open_plan_keeps_its_campaigns(state: StreamState) -> None:
    retest = Retest(
        campaign="Again", at=NOW, outcome=RetestResult.DOES_NOT_CONFORM, statement="", missed_tested=1,
        missed_still_failing=(), fresh_tested=1,
    )  # fmt: skip
    soak = SoakCampaign(campaign="soak", begun=NOW, conforms=True)
    change_plan(state, retests=(retest,), soaks=(soak,))
    (name,) = state.plans
    state.campaigns["running"] = name

    assert dict.fromkeys(("found", "again", "soak", "running"), f"plan {name}") == in_use(state)


@pytest.mark.parametrize("ended", [PlanState.CLOSED, PlanState.SUPERSEDED])
def test_an_ended_plan_keeps_nothing(state: StreamState, ended: PlanState) -> None:
    (name,) = state.plans
    state.campaigns["running"] = name
    change_plan(state, state=ended)

    assert {} == in_use(state)


def test_a_finding_without_a_plan_keeps_its_campaign(finding: Finding) -> None:
    opened = FindingOpened(at=NOW, actor="Ann", finding=finding)
    state = replay([StreamOpened(at=NOW, actor="Ann", name="Acme"), opened])

    assert {finding.campaign: f"finding {finding.id}"} == in_use(state)


@pytest.mark.parametrize(
    ("state_of", "kept"),
    [
        (AlarmState.RAISED, True), (AlarmState.ACKNOWLEDGED, True),
        (AlarmState.CONFIRMED, False), (AlarmState.NOT_CONFIRMED, False),
    ],
)  # fmt: skip
def test_an_alarm_keeps_its_campaigns_until_a_retest_decides(
    state_of: AlarmState, *, kept: bool
) -> None:
    raised = msgspec.structs.replace(RAISED, runs=("daily-1", "run:x"))
    state = StreamState(alarms={"A-0001": Alarm(raised=raised, at=NOW, state=state_of)})
    state.runs["run:x"] = "daily-2"

    expected = dict.fromkeys(("daily-1", "daily-2"), "alarm A-0001") if kept else {}
    assert expected == in_use(state)


def decided(number: int, status: Status, *, days: int = 30, appealed: bool = False) -> HeldDecision:
    basis = Basis(
        campaign=f"basis-{number}", journal="", assessment="", rules="", begun=NOW, concluded=NOW
    )
    decision = Decision(
        number=number, service="Safe Net", version="1", scheme="s", scheme_version="1",
        status=status, reason="r", proposal=Proposal(status=status, reasons=(), basis=basis),
        until=NOW + timedelta(days=days),
    )  # fmt: skip
    appeal = DecisionAppeal(appellant="Bo", reason="r", at=NOW)
    return HeldDecision(decision=decision, by="Di", at=NOW, appeals=(appeal,) if appealed else ())


@pytest.mark.parametrize(
    ("decisions", "kept"),
    [
        ([decided(1, Status.ACCREDITED)], {"basis-1"}),
        ([decided(1, Status.ACCREDITED, days=-1)], set()),
        ([decided(1, Status.SUSPENDED)], {"basis-1"}),
        ([decided(1, Status.ACCREDITED), decided(2, Status.WITHDRAWN)], {"basis-2"}),
        ([decided(1, Status.NOT_YET, appealed=True), decided(2, Status.ACCREDITED)],
         {"basis-1", "basis-2"}),
    ],
)  # fmt: skip
def test_the_standing_decision_keeps_its_basis(
    decisions: list[HeldDecision], kept: set[str]
) -> None:
    state = StreamState(decisions={each.decision.id: each for each in decisions})

    assert kept == in_use(state).keys()


def test_the_newest_campaign_of_each_service_and_scheme_stays() -> None:
    added: list[RecordAdded] = []
    for name, scheme in (("one", "a"), ("two", "a"), ("three", "b")):
        record = CampaignRecord(
            id=name, of="Safe Net", scheme=scheme, scheme_version="1", rules="1", journal="",
            conforms=1, does_not_conform=0, insufficient=0,
        )  # fmt: skip
        added.append(RecordAdded(at=NOW, actor="Ann", record=record))
    service = RecordAdded(at=NOW, actor="Ann", record=Service(id="Safe Net"))
    state = replay([StreamOpened(at=NOW, actor="Ann", name="Acme"), service, *added])

    assert {"two", "three"} == in_use(state).keys()
