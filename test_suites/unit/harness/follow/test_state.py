"""The registry's state keeps the invariants of METHOD (d), whoever tries what."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import settings

from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.action_plan import (
    Finding,
    PlanState,
    Retest,
    RetestResult,
)
from harness.model.corpus import Appeal
from harness.model.event import (
    AppealDecided,
    ClockCorrected,
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanExtended,
    PlanProgressed,
    RetestConcluded,
    RetestStarted,
)
from test_suites.kit.hubs.held_fix import held_and_closed
from test_suites.unit.harness.follow.checked_plan import START
from test_suites.unit.harness.follow.plan_life import PlanLife


@pytest.fixture
def state(finding: Finding, now: datetime) -> StreamState:
    return replay(
        (
            FindingOpened(at=now, actor="Ann", finding=finding),
            draft_plan(finding, at=now, actor="Ann"),
        )
    )


def test_finds_by_id_and_names_what_is_known(state: StreamState) -> None:
    assert state.plan("P-0001").finding == "F-0001"
    assert state.plan_of("F-0001") == state.plan("P-0001")
    assert not state.is_settled("F-0001")
    assert state.events == 2
    with pytest.raises(UsageError, match="no plan 'P-9'; known: P-0001"):
        state.plan("P-9")
    with pytest.raises(UsageError, match="no finding 'F-9'; known: F-0001"):
        state.finding("F-9")


def test_a_finding_has_exactly_one_plan(
    state: StreamState, finding: Finding, now: datetime
) -> None:
    draft = draft_plan(finding, at=now, actor="Ann")

    with pytest.raises(UsageError, match="plan P-0001 exists already"):
        state.after(draft)
    with pytest.raises(UsageError, match="has a plan already; a finding has exactly one"):
        state.after(msgspec.structs.replace(draft, plan="P-0002"))


def test_the_same_subject_is_open_once(state: StreamState, finding: Finding, now: datetime) -> None:
    def opened(found: Finding) -> FindingOpened:
        return FindingOpened(at=now, actor="Ann", finding=found)

    with pytest.raises(UsageError, match="finding F-0001 exists already"):
        state.after(opened(finding))
    with pytest.raises(UsageError, match="finding F-0001 is open for the same requirement"):
        state.after(opened(replace(finding, id="F-0002")))
    assert state.after(opened(replace(finding, id="F-0002", profile="ks4"))).events == 3


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"due": START + timedelta(days=31)}, "later than its severity allows"),
        ({"milestones": ()}, "at least one milestone"),
        ({"finding": "F-9"}, "no finding 'F-9'"),
        ({"actor": " "}, "the actor is missing"),
        ({"at": datetime(2026, 3, 2)}, "no time zone"),  # noqa: DTZ001 - that is the mistake
    ],
)
def test_an_unsound_draft_is_refused(
    finding: Finding, now: datetime, differing: dict[str, object], why: str
) -> None:
    before = replay([FindingOpened(at=now, actor="Ann", finding=finding)])
    draft = msgspec.structs.replace(draft_plan(finding, at=now, actor="Ann"), **differing)

    with pytest.raises(UsageError, match=why):
        before.after(draft)


def test_all_events_happen_or_none(state: StreamState, now: datetime) -> None:
    agreed = PlanAgreed(
        at=now,
        actor="A",
        plan="P-0001",
        owner="A",
        corrective_action="x",
        root_cause="r",
        preventive_action="p",
        containment="c",
    )

    with pytest.raises(UsageError):
        state.after(agreed, agreed)

    assert state.plan("P-0001").state is PlanState.DRAFT


def test_an_event_of_no_known_kind_is_refused(state: StreamState, now: datetime) -> None:
    with pytest.raises(UsageError, match="Event: not a known kind of event"):
        state.after(Event(at=now, actor="Ann"))


TestPlanLife = PlanLife.TestCase
TestPlanLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_machine_reaches_closure(state: StreamState, now: datetime) -> None:
    """The state machine proves little if no plan can be closed at all."""
    retest = Retest(
        campaign="r1",
        at=now,
        outcome=RetestResult.CONFORMS,
        statement="",
        missed_tested=2,
        missed_still_failing=(),
        fresh_tested=60,
    )
    after = state.after(
        PlanAgreed(
            at=now,
            actor="Ann",
            plan="P-0001",
            owner="Acme",
            corrective_action="x",
            root_cause="r",
            preventive_action="p",
            containment="c",
        ),
        PlanProgressed(at=now, actor="Acme", plan="P-0001", note="n"),
        FixClaimed(at=now, actor="Acme", plan="P-0001", statement="s"),
        RetestStarted(at=now, actor="Ann", plan="P-0001", campaign="r1"),
        RetestConcluded(at=now, actor="Ann", plan="P-0001", retest=retest, service="Safe Net"),
        *held_and_closed("P-0001", now),
    )

    assert after.plan("P-0001").state is PlanState.CLOSED
    assert after.is_settled("F-0001")


def test_a_decided_appeal_is_kept_and_decided_by_somebody_else(now: datetime) -> None:
    appeal = Appeal(
        pack="canary", item="a", before=("GAMB",), labels=("ALW.ARTS",), reason="a museum",
        appellant="Acme", upheld=True,
    )  # fmt: skip

    assert replay([AppealDecided(at=now, actor="Ann", appeal=appeal)]).appeals == {1: appeal}
    with pytest.raises(UsageError, match="Acme appealed, so somebody else must decide"):
        replay([AppealDecided(at=now, actor="Acme", appeal=appeal)])
    with pytest.raises(UsageError, match="appealed, so somebody else must decide"):
        replay([]).after(AppealDecided(at=now, actor="\uff21cme", appeal=appeal))


def _with_two_claimed(
    state: StreamState, finding: Finding, now: datetime, metric: str = ""
) -> StreamState:
    """The state with a second plan, whose finding is of ``metric``; the fixes of both are claimed."""
    other = replace(finding, id="F-0002", profile="ks4", campaign="summer", metric=metric)
    return state.after(
        FindingOpened(at=now, actor="Ann", finding=other),
        draft_plan(other, at=now, actor="Ann"),
        *(
            event
            for plan in ("P-0001", "P-0002")
            for event in (
                PlanAgreed(
                    at=now,
                    actor="Ann",
                    plan=plan,
                    owner="Acme",
                    corrective_action="x",
                    root_cause="r",
                    preventive_action="p",
                    containment="c",
                ),
                PlanProgressed(at=now, actor="Acme", plan=plan, note="n"),
                FixClaimed(at=now, actor="Acme", plan=plan, statement="s"),
            )
        ),
    )


def test_a_campaign_of_another_finding_or_plan_is_no_re_test(
    state: StreamState, finding: Finding, now: datetime
) -> None:
    claimed = _with_two_claimed(state, finding, now).after(
        RetestStarted(at=now, actor="Ann", plan="P-0002", campaign="r2")
    )

    for campaign in ("summer", "r2"):
        with pytest.raises(UsageError, match=f"a campaign of its own, not '{campaign}'"):
            claimed.after(RetestStarted(at=now, actor="Ann", plan="P-0001", campaign=campaign))
    started = claimed.after(RetestStarted(at=now, actor="Ann", plan="P-0001", campaign="r1"))
    assert started.plan("P-0001").verifying == "r1"


def test_plans_that_rest_on_no_items_share_a_new_campaign(
    state: StreamState, finding: Finding, now: datetime
) -> None:
    claimed = _with_two_claimed(state, finding, now, metric="events_recorded").after(
        RetestStarted(at=now, actor="Ann", plan="P-0001", campaign="r1")
    )

    started = claimed.after(RetestStarted(at=now, actor="Ann", plan="P-0002", campaign="r1"))

    assert started.plan("P-0002").verifying == "r1"


def test_a_correction_of_the_clock_needs_a_reason_and_something_to_correct(
    state: StreamState, now: datetime
) -> None:
    wrong = state.after(
        PlanAgreed(
            at=now + timedelta(days=1),
            actor="Ann",
            plan="P-0001",
            owner="Acme",
            corrective_action="x",
            root_cause="r",
            preventive_action="p",
            containment="c",
        )
    )
    sound = ClockCorrected(at=now, actor="Ann", reason="set by hand")

    assert wrong.after(sound).latest == now
    assert wrong.after(sound).clock_corrections == {4: sound}
    with pytest.raises(UsageError, match="there is nothing to correct"):
        state.after(sound)
    with pytest.raises(UsageError, match="nothing to correct"):
        StreamState().after(sound)
    with pytest.raises(UsageError, match="a correction of the clock needs a reason"):
        wrong.after(msgspec.structs.replace(sound, reason=" "))


def test_what_earlier_versions_kept_is_read_and_marked(
    state: StreamState, finding: Finding, now: datetime
) -> None:
    extended = PlanExtended(
        at=now - timedelta(days=1),
        actor="Ann",
        plan="P-0001",
        due=now + timedelta(days=60),
        reason="r",
        approver="Ann",
    )
    kept = replay(
        [
            FindingOpened(at=now, actor="Ann", finding=finding),
            draft_plan(finding, at=now, actor="Ann"),
            extended,
        ]
    )

    assert "Ann records the extension" in kept.plan("P-0001").breaches[0]
    assert [3] == [each.position for each in kept.backward]
    with pytest.raises(UsageError, match="Ann records the extension"):
        state.after(extended)
