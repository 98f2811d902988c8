"""How the status of an accreditation changed, from the events of a stream."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from harness.follow.decisions import latest_of
from harness.follow.status_history import StatusChange, replay_statuses, status_in
from harness.model.action_plan import Finding
from harness.model.decision import Status
from harness.model.decision_event import DecisionAppealed, DecisionReviewed
from harness.model.escalation import Level
from harness.model.event import ClockCorrected, Event, PlanEscalated, PlanSuperseded
from test_suites.unit.harness.follow.test_decisions import NOW, events, made, measured_again

DAY = timedelta(days=1)


@pytest.fixture
def stream(finding: Finding) -> list[Event]:
    return [*events(finding), made()]


def changes(stream: list[Event], days: float) -> list[tuple[float, Status]]:
    """Days after NOW, and the status from then on."""
    state, history = replay_statuses(stream, NOW + days * DAY)
    (key,) = history
    held = latest_of(state.decisions, key)
    assert held is not None
    assert history[key][-1].status is status_in(held, state, NOW + days * DAY)
    return [((one.at - NOW) / DAY, one.status) for one in history[key]]


def escalated(days: float, *, level: Level = Level.SUSPENDED, rule: str = "") -> PlanEscalated:
    return PlanEscalated(
        at=NOW + days * DAY, actor="Pat Planner", plan="P-0001", level=level, reason="r",
        exit_criteria="e", rule=rule,
    )  # fmt: skip


def test_a_stream_without_decisions_has_no_statuses(stream: list[Event]) -> None:
    assert replay_statuses(stream[:-1], NOW).history == {}


def test_an_accreditation_expires_by_its_date_alone(stream: list[Event]) -> None:
    assert changes(stream, 300) == [(0, Status.ACCREDITED)]
    assert changes(stream, 301) == [(0, Status.ACCREDITED), (300, Status.EXPIRED)]


def test_an_accreditation_that_expired_before_the_next_decision_says_so(
    stream: list[Event],
) -> None:
    again = made(2, at=NOW + 310 * DAY, until=NOW + 500 * DAY)

    assert changes([*stream, again], 320) == [
        (0, Status.ACCREDITED),
        (300, Status.EXPIRED),
        (310, Status.ACCREDITED),
    ]


def test_a_decision_that_changes_nothing_is_no_change(stream: list[Event]) -> None:
    again = made(2, at=NOW + 10 * DAY, until=NOW + 200 * DAY)
    found = replay_statuses([*stream, again], NOW + 20 * DAY).history

    assert [*found.values()] == [(StatusChange(NOW, Status.ACCREDITED, "D-0001"),)]
    assert changes([*stream, again], 201)[-1] == (200, Status.EXPIRED)


def test_a_plan_that_is_escalated_suspends_until_newer_evidence(stream: list[Event]) -> None:
    """That its scheme was replaced shows nothing; a campaign that began later does."""
    basis, again = measured_again("autumn", NOW + 25 * DAY)
    stream += [
        escalated(5, level=Level.FINDING_REVIEW),
        escalated(10),
        PlanSuperseded(
            at=NOW + 20 * DAY, actor="Pat Planner", plan="P-0001", scheme_version="2", reason="r",
            approver="Di",
        ),
        *again,
        made(2, at=NOW + 27 * DAY, until=NOW + 200 * DAY, basis=basis),
    ]  # fmt: skip

    assert changes(stream, 30) == [
        (0, Status.ACCREDITED),
        (10, Status.SUSPENDED),
        (27, Status.ACCREDITED),
    ]


def test_what_a_wrong_clock_dated_in_the_future_is_forgotten(stream: list[Event]) -> None:
    correction = ClockCorrected(at=NOW + 2 * DAY, actor="Ann", reason="the clock was wrong")
    wrong = [escalated(400, rule="overdue")]

    assert changes([*stream, *wrong, correction], 3) == [(0, Status.ACCREDITED)]
    assert changes([*stream, *wrong], 3)[1:] == [(3, Status.SUSPENDED)]


def test_an_upheld_appeal_suspends_until_newer_evidence(stream: list[Event]) -> None:
    who: dict[str, Any] = {"of": "D-0001", "reason": "r"}
    basis, again = measured_again("autumn", NOW + 6 * DAY)
    stream += [
        DecisionAppealed(at=NOW + 3 * DAY, actor="Ann", appellant="A rival", **who),
        DecisionReviewed(at=NOW + 5 * DAY, actor="Ev Judge", upheld=True, **who),
        made(2, at=NOW + 7 * DAY, until=NOW + 200 * DAY),
        *again,
        made(3, at=NOW + 8 * DAY, until=NOW + 200 * DAY, basis=basis),
    ]

    assert changes(stream, 9) == [
        (0, Status.ACCREDITED),
        (5, Status.SUSPENDED),
        (8, Status.ACCREDITED),
    ], "a decision of an earlier version on the same campaign ends nothing"
