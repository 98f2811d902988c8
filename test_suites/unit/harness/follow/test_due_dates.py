"""What is due in a stream: which dates, in which lane, and who must do what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.follow.digest_words import counted, digest_lines
from harness.follow.due_dates import in_words, lane_of, obligations, plan_cards, within
from harness.follow.findings import draft_plan
from harness.follow.state import StreamState
from harness.model.action_plan import Finding
from harness.model.decision import Decision, DecisionAppeal, HeldDecision, Proposal, Status
from harness.model.deviation import DeviationKind
from harness.model.escalation import Level
from harness.model.event import (
    CanariesMade,
    DeviationApproved,
    DeviationRequested,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanDetailed,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    PlanReturned,
    PlanSubmitted,
    RecordAdded,
    RecordClosed,
    RetestConcluded,
    RetestStarted,
    SoakMeasured,
    StreamOpened,
    VendorCheckedIn,
)
from harness.model.obligation import Lane, Obligation, Party
from harness.model.registry_record import Review, Service

Made = Callable[..., PlanEvent]
AGREED = {"owner": "Ann Lee", "containment": "a second list"}


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.fixture
def drafted(finding: Finding, now: datetime) -> StreamState:
    """Acme's stream with a draft for a finding of severity Maj."""
    major = replace(finding, severity="Maj")
    return StreamState().after(
        StreamOpened(at=now, actor="Cy", name="Acme"),
        RecordAdded(at=now, actor="Cy", record=Service(id="Safe Net")),
        FindingOpened(at=now, actor="Cy", finding=major),
        draft_plan(major, at=now, actor="Cy"),
    )


def due(state: StreamState, at: datetime) -> dict[str, Obligation]:
    """What is due, by the end of its id."""
    found = obligations(state, at)
    named = {one.id.removeprefix("P-0001 "): one for one in found}
    assert len(named) == len(found)
    return named


def dates(state: StreamState, at: datetime, now: datetime) -> dict[str, float]:
    """The days from ``now`` on which something is due."""
    return {name: (one.due - now) / days(1) for name, one in due(state, at).items()}


def test_a_draft_waits_for_its_supplier_and_then_for_the_assessor(
    drafted: StreamState, made: Made, now: datetime
) -> None:
    before = due(drafted, now)
    submitted = drafted.after(made(PlanSubmitted, actor="Ann"))
    returned = submitted.after(made(PlanReturned, actor="Cy"))

    assert dates(drafted, now, now) == {"agreement": 14, "plan": 90}
    assert (before["agreement"].party, before["agreement"].who) == (Party.SUPPLIER, "Acme")
    assert before["agreement"].act == "submit the plan: say who owns it and the corrective action"
    assert due(submitted, now)["agreement"].who == "the assessor (not Ann)"
    assert due(returned, now)["agreement"].act.startswith("change the plan")
    assert before["plan"].act == before["agreement"].act
    assert "requirement" not in before["plan"].what
    assert (before["plan"].service, before["plan"].requirement) == ("Safe Net", "URL-01")


def test_a_critical_failure_is_contained_first(finding: Finding, made: Made, now: datetime) -> None:
    opened = StreamState(name="Acme").after(
        FindingOpened(at=now, actor="Cy", finding=finding), draft_plan(finding, at=now, actor="Cy")
    )
    agreed = opened.after(made(PlanAgreed, **AGREED))
    contained = agreed.after(made(PlanProgressed, milestone=1))

    assert dates(opened, now, now) == {"agreement": 14, "plan": 30, "milestone 1": 5}
    assert due(opened, now)["agreement"].act.endswith("the corrective action and containment")
    assert dates(agreed, now, now) == {
        "plan": 30,
        "milestone 1": 5,
        "milestone 3": 24,
        "progress": 30,
    }
    assert due(opened, now)["milestone 1"].act.endswith("report it once the plan is agreed")
    assert due(agreed, now)["plan"].act == "contain the failure, and report it with the milestone"
    assert due(agreed, now)["plan"].who == "Acme (Ann Lee)"
    assert "milestone 1" not in due(contained, now)
    assert due(contained, now)["plan"].act.startswith("reach the milestone 'Fix in the service'")


def test_a_report_moves_the_next_one_and_a_note_is_a_report(
    drafted: StreamState, made: Made, now: datetime
) -> None:
    agreed = drafted.after(made(PlanAgreed, **AGREED))
    later = agreed.after(made(PlanProgressed, at=now + days(20), note="half is done"))

    assert dates(agreed, now, now)["progress"] == 30
    assert dates(later, now, now)["progress"] == 50
    assert due(agreed, now + days(31))["progress"].lane is Lane.OVERDUE


def test_the_claim_leaves_the_rest_to_the_assessor(
    drafted: StreamState, made: Made, now: datetime
) -> None:
    worked = drafted.after(
        made(PlanAgreed, **AGREED), made(PlanProgressed, milestone=2), made(CanariesMade)
    )
    lacks = due(worked, now)["plan"].act
    full = worked.after(made(PlanDetailed, root_cause="r", preventive_action="p"))
    claimed = full.after(made(FixClaimed))
    started = claimed.after(made(RetestStarted, at=now + days(5)))

    assert lacks == "give the root cause and a preventive action"
    assert due(full, now)["plan"].act == "finish the fix, and claim it"
    assert set(due(claimed, now)) == {"plan", "canaries"}
    assert due(claimed, now)["plan"].party is Party.ASSESSOR
    assert "from 2026-03-06" in due(claimed, now)["plan"].act
    assert due(claimed, now + days(5))["plan"].act == "re-test the fix"
    assert due(started, now + days(5))["plan"].act == "finish the re-test 'again'"
    assert set(due(claimed, now + days(5))) == {"plan"}


def test_a_verified_plan_waits_for_a_measurement_after_its_soak_period(
    drafted: StreamState, made: Made, now: datetime
) -> None:
    verified = drafted.after(
        made(PlanAgreed, **AGREED),
        made(PlanProgressed),
        made(PlanDetailed, root_cause="r", preventive_action="p"),
        made(FixClaimed),
        made(RetestStarted),
        made(RetestConcluded),
    )
    early = verified.after(made(SoakMeasured, at=now + days(2)))
    measured = due(early, now + days(15))["soak"]

    assert dates(verified, now, now) == {"soak": 14}
    assert due(verified, now)["soak"].act.startswith("from 2026-03-16")
    assert (measured.lane, measured.party) == (Lane.OVERDUE, Party.ASSESSOR)
    assert measured.act.startswith("measure the service again")
    assert measured.overdue_days == 1


def test_a_deviation_moves_the_date_and_ends(
    drafted: StreamState, made: Made, now: datetime
) -> None:
    agreed = drafted.after(made(PlanAgreed, **AGREED))
    kind = DeviationKind.VENDOR_DEPENDENCY
    asked = agreed.after(
        made(DeviationRequested, kind=kind, severity="", vendor="V", until=now + days(120))
    )
    held = asked.after(made(DeviationApproved))
    heard = held.after(made(VendorCheckedIn, at=now + days(20)))

    assert due(asked, now)["plan"].party is Party.ASSESSOR
    assert dates(asked, now, now)["deviation-decision"] == 90
    assert dates(held, now, now) == {"plan": 90, "check-in": 30, "deviation-end": 120}
    assert due(held, now)["plan"].act == "ask the vendor for an update by 2026-04-01, and record it"
    assert dates(heard, now, now)["check-in"] == 50
    assert "deviation-end" not in due(held, now + days(31))
    assert due(held, now + days(31))["check-in"].lane is Lane.OVERDUE


def test_a_deviation_excuses_no_failure_that_is_not_contained(
    finding: Finding, made: Made, now: datetime
) -> None:
    held = StreamState(name="Acme").after(
        FindingOpened(at=now, actor="Cy", finding=finding),
        draft_plan(finding, at=now, actor="Cy"),
        made(PlanAgreed, **AGREED),
        made(DeviationRequested, until=now + days(80)),
        made(DeviationApproved),
    )

    assert dates(held, now, now) == {
        "plan": 80, "milestone 1": 5, "progress": 30, "deviation-end": 80,
    }  # fmt: skip
    assert due(held, now + days(6))["milestone 1"].lane is Lane.OVERDUE


def test_an_extension_keeps_the_first_date(drafted: StreamState, made: Made, now: datetime) -> None:
    extended = drafted.after(
        made(PlanAgreed, **AGREED), made(PlanExtended, due=now + days(100), approver="Bea")
    )
    plan = due(extended, now)["plan"]

    assert plan.due == now + days(100)
    assert in_words(plan, now) == "due in 100 days, on 2026-06-10 (at first 2026-05-31)"
    assert in_words(due(extended, now + days(102))["plan"], now + days(102)).startswith(
        "2 days overdue, was due 2026-06-10"
    )


def test_an_escalated_plan_is_in_the_first_lane(
    drafted: StreamState, made: Made, now: datetime
) -> None:
    escalated = drafted.after(made(PlanEscalated))
    cards = plan_cards(obligations(escalated, now))

    assert [one.lane for one in cards] == [Lane.ESCALATED]
    assert (cards[0].id, cards[0].level) == ("P-0001 agreement", Level.FINDING_REVIEW)
    assert "escalated to finding-review" in "\n".join(digest_lines(cards, now))


def test_decisions_end_and_appeals_wait(drafted: StreamState, now: datetime) -> None:
    decision = Decision(
        number=1, service="Safe Net", version="2.1", scheme="s", scheme_version="1",
        status=Status.ACCREDITED, reason="r", until=now + days(365),
        proposal=Proposal(status=Status.ACCREDITED, reasons=()),
    )  # fmt: skip
    held = HeldDecision(decision=decision, by="Dee", at=now)
    appeal = DecisionAppeal(appellant="Hill School", reason="r", at=now)
    drafted.decisions["D-0001"] = msgspec.structs.replace(held, appeals=(appeal,))
    waiting = due(drafted, now)
    upheld = msgspec.structs.replace(appeal, upheld=True, answered=now + days(3))
    drafted.decisions["D-0001"] = msgspec.structs.replace(held, appeals=(upheld,))
    again = due(drafted, now)
    closed = drafted.after(RecordClosed(at=now, actor="Cy", record="service:safe net", reason="r"))

    assert waiting["D-0001 validity"].due == now + days(365)
    assert waiting["D-0001 appeal"].due == now + days(30)
    assert waiting["D-0001 appeal"].who == "a decision maker (not Dee)"
    assert "Hill School" not in str(waiting["D-0001 appeal"])
    assert again["D-0001 new-decision"].due == now + days(33)
    assert "D-0001 appeal" not in again
    assert again["D-0001 new-decision"].revision > waiting["D-0001 appeal"].revision
    assert "D-0001 validity" not in due(closed, now)


def test_a_review_is_due_until_the_end_of_its_day(drafted: StreamState, now: datetime) -> None:
    review = Review(id="Spring", of="Safe Net", trigger="request", due=now.replace(hour=0))
    state = drafted.after(RecordAdded(at=now, actor="Cy", record=review))
    name = "Spring review Safe Net"

    assert due(state, now)[name].lane is Lane.SOON
    assert in_words(due(state, now)[name], now) == "due today, 2026-03-02"
    assert due(state, now + days(1))[name].overdue_days == 1
    closed = RecordClosed(at=now, actor="Cy", record="review:safe net\x1fspring", reason="done")
    assert name not in due(state.after(closed), now)


@pytest.mark.parametrize(
    ("left", "lane"),
    [
        (days(-1), Lane.OVERDUE), (timedelta(seconds=-1), Lane.OVERDUE), (days(0), Lane.SOON),
        (days(14), Lane.SOON), (days(14) + timedelta(seconds=1), Lane.ON_TRACK),
    ],
)  # fmt: skip
def test_the_lane_follows_from_the_time_that_is_left(left: timedelta, lane: Lane) -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    assert lane_of(now + left, now) is lane


@given(st.integers(0, 400), st.integers(0, 400))
def test_within_keeps_what_is_overdue_and_no_more_than_was_asked(past: int, ahead: int) -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    finding = _finding(now)
    state = StreamState(name="Acme").after(
        FindingOpened(at=now, actor="Cy", finding=finding), draft_plan(finding, at=now, actor="Cy")
    )
    at = now + days(past)
    every = obligations(state, at)
    kept = within(every, ahead, at)

    assert all(one.due <= at + days(ahead) for one in kept)
    assert all(one.due > at for one in every if one not in kept)
    assert [one.due for one in kept if one.lane is Lane.OVERDUE] == sorted(
        one.due for one in kept if one.lane is Lane.OVERDUE
    )


def test_a_digest_names_every_lane_and_what_is_in_it(drafted: StreamState, now: datetime) -> None:
    found = obligations(drafted, now)

    act = "    Acme: submit the plan: say who owns it and the corrective action"
    about = "  Acme, P-0001 (Safe Net, URL-01, Maj)"
    assert list(digest_lines(found, now)) == [
        "escalated: nothing",
        "overdue: nothing",
        "due within 14 days: 1",
        f"{about}: agreement of the plan, due in 14 days, on 2026-03-16",
        act,
        "on track: 1",
        f"{about}: fix, verified by a re-test, due in 90 days, on 2026-05-31",
        act,
    ]
    assert counted(found) == "1 due within 14 days, 1 on track"


def _finding(at: datetime) -> Finding:
    return Finding(
        id="F-0001", campaign="spring", requirement="URL-01", title="", severity="Maj",
        scheme="s", scheme_version="1", profile="ks2", line="proxy", statement="", missed=(),
        categories=("GAMB",), sampled=60, opened=at, service="Safe Net", supplier="Acme",
    )  # fmt: skip
