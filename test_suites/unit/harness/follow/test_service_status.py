"""The status of a service as a whole, and which of its accreditations have to be renewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from harness.follow.due_dates import obligations
from harness.follow.service_status import statuses_of_service
from harness.follow.status_history import replay_statuses
from harness.model.action_plan import Finding
from harness.model.decision import Status
from harness.model.decision_event import DecisionAppealed, DecisionMade, DecisionReviewed
from harness.model.event import Event, RecordAdded
from harness.model.obligation import ObligationKind
from harness.model.registry_record import ServiceVersion
from test_suites.unit.harness.follow.test_decisions import NOW, events, made

DAY = timedelta(days=1)
GOOD, STOPPED, REFUSED = Status.ACCREDITED, Status.SUSPENDED, Status.NOT_YET


@pytest.fixture
def stream(finding: Finding) -> list[Event]:
    """A stream in which two versions are on record."""
    start = events(finding)
    (first,) = (
        each for each in start
        if isinstance(each, RecordAdded) and isinstance(each.record, ServiceVersion)
    )  # fmt: skip
    newer = msgspec.structs.replace(first.record, id="9.9")
    return [*start, msgspec.structs.replace(first, record=newer)]


def decided(
    number: int, day: float, status: Status = GOOD, version: str = "", lasts: float = 300
) -> DecisionMade:
    """A decision about the first version, or another one."""
    until = NOW + (day + lasts) * DAY if status is GOOD else None
    event = made(number, at=NOW + day * DAY, status=status, until=until)
    version = version or event.decision.version
    return msgspec.structs.replace(
        event, decision=msgspec.structs.replace(event.decision, version=version)
    )


def told(stream: list[Event], days: float) -> list[tuple[float, str, Status]]:
    """The days, versions and statuses of the service until then."""
    state, history = replay_statuses(stream, NOW + days * DAY)
    whole = statuses_of_service(state.decisions.values(), history)
    return [
        ((each.change.at - NOW) / DAY, "9.9" if "9.9" in each.key else "", each.change.status)
        for each in whole
    ]


def ends(stream: list[Event], days: float) -> list[str]:
    """The decisions whose accreditation has to be renewed."""
    now = NOW + days * DAY
    found = obligations(replay_statuses(stream, now).state, now)
    return [one.about for one in found if one.kind is ObligationKind.VALIDITY]


def test_the_version_accredited_last_gives_the_status(stream: list[Event]) -> None:
    """The end of an earlier one, which comes later, changes nothing, and is not due."""
    stream += [decided(1, 0), decided(2, 290, version="9.9")]

    assert [(0, "", GOOD), (290, "9.9", GOOD)] == told(stream, 400)
    assert ["D-0001"] == ends(stream[:-1], 400)
    assert ["D-0002"] == ends(stream, 400)


def test_a_suspension_ends_when_another_version_is_accredited(stream: list[Event]) -> None:
    stream += [decided(1, 0), decided(2, 10, STOPPED)]
    assert [(0, "", GOOD), (10, "", STOPPED)] == told(stream, 20)

    stream.append(decided(3, 130, version="9.9"))
    assert [(0, "", GOOD), (10, "", STOPPED), (130, "9.9", GOOD)] == told(stream, 140)


def test_a_refusal_of_another_version_changes_nothing(stream: list[Event]) -> None:
    stream += [decided(1, 0), decided(2, 10, REFUSED, version="9.9")]

    assert [(0, "", GOOD)] == told(stream, 20)
    assert ["D-0001"] == ends(stream, 20)
    assert [(10, "9.9", REFUSED)] == told([*stream[:-2], decided(1, 10, REFUSED, "9.9")], 20)


def test_a_version_that_is_still_valid_stands_after_the_last_one_expired(
    stream: list[Event],
) -> None:
    stream += [decided(1, 0), decided(2, 10, version="9.9", lasts=50)]

    assert [(0, "", GOOD), (10, "9.9", GOOD), (60, "", GOOD)] == told(stream, 100)
    assert (300, "9.9", Status.EXPIRED) == told(stream, 301)[-1]


@pytest.mark.parametrize("is_appealed", [False, True])
def test_what_is_suspended_or_overturned_replaces_no_end(
    stream: list[Event], *, is_appealed: bool
) -> None:
    stream += [decided(1, 0), decided(2, 10, version="9.9")]
    if is_appealed:
        who: dict[str, Any] = {"of": "D-0002", "reason": "r"}
        stream += [
            DecisionAppealed(at=NOW + 11 * DAY, actor="Ann", appellant="A rival", **who),
            DecisionReviewed(at=NOW + 12 * DAY, actor="Ev Judge", upheld=True, **who),
        ]
    else:
        stream.append(decided(3, 12, STOPPED, version="9.9"))

    assert "D-0001" in ends(stream, 20)
    assert STOPPED is told(stream, 20)[-1][-1]
