"""Who may decide what about an accreditation, and appeals against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from harness.errors import UsageError
from harness.follow.decisions import latest_of, year_after
from harness.follow.derived_rows import rows_after, rows_of
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.follow.status_history import is_accredited, status_in
from harness.model.action_plan import ActionPlan, Finding, PlanState, Retest, RetestResult
from harness.model.decision import (
    LENIENCE,
    Basis,
    Decision,
    HeldDecision,
    Proposal,
    Recommendation,
    Status,
)
from harness.model.decision_event import (
    DecisionAppealed,
    DecisionMade,
    DecisionReviewed,
    EvaluationReviewed,
)
from harness.model.escalation import Escalation, Level
from harness.model.event import Event, FindingOpened, RecordAdded, RecordClosed, StreamOpened
from harness.model.registry_record import (
    AnyRecord,
    CampaignRecord,
    Contact,
    Service,
    ServiceVersion,
    SubmissionRecord,
    WhiteLabel,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
JOURNAL = "a" * 64
BASIS = Basis(
    campaign="spring", journal=JOURNAL, assessment="b" * 64, rules="1", begun=NOW, concluded=NOW
)


def campaign(journal: str = JOURNAL, name: str = "spring") -> CampaignRecord:
    return CampaignRecord(
        id=name, of="Safe Net", scheme="becta-2008", scheme_version="1", rules="1",
        journal=journal, conforms=1, does_not_conform=0, insufficient=0,
    )  # fmt: skip


def recommended(
    basis: Basis = BASIS, *, by: str = "Ray Reviewer", at: datetime = NOW, **differing: Any
) -> EvaluationReviewed:
    """A review that recommends to accredit, unless something else is given."""
    said = Recommendation(
        service="Safe Net", version="2.1", scheme="becta-2008", scheme_version="1",
        status=Status.ACCREDITED, reason="it is complete",
        proposal=Proposal(status=Status.ACCREDITED, reasons=("all is well",), basis=basis),
    )  # fmt: skip
    said = msgspec.structs.replace(said, **differing)
    return EvaluationReviewed(at=at, actor=by, recommendation=said)


def measured_again(name: str, begun: datetime) -> tuple[Basis, list[Event]]:
    """Another campaign that began at a time, and its review."""
    journal = name.encode().hex().ljust(64, "0")
    basis = msgspec.structs.replace(BASIS, campaign=name, journal=journal, begun=begun)
    record = campaign(journal, name)
    added = RecordAdded(at=begun, actor="Mo Measurer", record=record)
    return basis, [added, recommended(basis, at=begun)]


def events(finding: Finding) -> list[Event]:
    """A service with a version, a white label, a campaign that was reviewed, and a plan."""
    records: list[tuple[str, AnyRecord]] = [
        ("Ann", Service(id="Safe Net")),
        ("Ann", ServiceVersion(id="2.1", of="Safe Net")),
        ("Ann", WhiteLabel(id="County Filter", of="Safe Net", seller="County IT")),
        ("Mo Measurer", campaign()),
        ("Ann", Contact(id="Tess Tech", role="technical", email="t@acme.example")),
        ("Ann", Contact(id="Di", role="decision-maker", email="d@board.example")),
        (
            "Ann",
            SubmissionRecord(
                id="first",
                of="Safe Net",
                version="2.1",
                scheme="becta-2008",
                scheme_version="1",
                by="Sue Signer",
                signed=NOW,
                sha256="",
                text="",
            ),
        ),
    ]
    opened = FindingOpened(at=NOW, actor="Mo Measurer", finding=finding)
    return [
        StreamOpened(at=NOW, actor="Ann", name="Acme"),
        *(RecordAdded(at=NOW, actor=actor, record=record) for actor, record in records),
        recommended(),
        opened,
        draft_plan(finding, at=NOW, actor="Pat Planner"),
    ]


@pytest.fixture
def state(finding: Finding) -> StreamState:
    return replay(events(finding))


def made(number: int = 1, *, by: str = "Di", at: datetime = NOW, **differing: Any) -> DecisionMade:
    """A decision that is possible, unless told otherwise."""
    status = differing.get("status", Status.ACCREDITED)
    proposal = Proposal(
        status=differing.pop("proposed", Status.ACCREDITED),
        reasons=("all is well",),
        basis=differing.pop("basis", BASIS),
    )
    is_favourable = status in (Status.ACCREDITED, Status.WITH_ACTION_PLAN)
    decision = Decision(
        number=number, service="Safe Net", version="2.1", scheme="becta-2008", scheme_version="1",
        status=status, reason="read it all", proposal=proposal,
        until=NOW + timedelta(days=300) if is_favourable else None,
    )  # fmt: skip
    return DecisionMade(at=at, actor=by, decision=msgspec.structs.replace(decision, **differing))


def test_a_decision_is_held_with_who_made_it(state: StreamState) -> None:
    after = state.after(made(white_labels=("County Filter",)))

    held = after.decisions["D-0001"]
    assert (held.by, held.decision.status) == ("Di", Status.ACCREDITED)
    assert is_accredited(after, held.decision.key, NOW)
    assert not is_accredited(after, held.decision.key, NOW + timedelta(days=301))
    assert state.decisions == {}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (made(by="Mo Measurer"), "Mo Measurer measured the service or judged evidence of it, has"),
        (made(by="\uff2do  measurer"), "Mo Measurer measured the service"),
        (made(by="Pat Planner"), "Pat Planner measured the service .* has a part in one of its"),
        (made(by="Acme"), "Acme measured the service .* has a part"),
        (made(by="Ray Reviewer"), "Ray Reviewer reviewed the evaluation and cannot decide"),
        (made(basis=msgspec.structs.replace(BASIS, judges=("Di",))), "Di measured .* or judged"),
        (made(basis=msgspec.structs.replace(BASIS, rules="2")), "nobody has reviewed this eval"),
        (made(by="Tess Tech"), "Tess Tech measured .* or speaks for its supplier, and cannot"),
        (made(by="Sue Signer"), "Sue Signer measured .* or speaks for its supplier"),
        (made(by="\u200b?"), "needs a name with letters"),
        (made(2), "decision D-0002: the next one is D-0001"),
        (made(reason=" "), "needs a reason"),
        (made(version="9"), "version '9' of 'Safe Net' is not in the registry; add it"),
        (made(white_labels=("X",)), "white-label 'X' of 'Safe Net' is not in the registry"),
        (made(service="Other"), "version '2.1' of 'Other' is not in the registry"),
        (made(scheme="kcsie"), "campaign 'spring' of 'Safe Net' by kcsie is not in the registry"),
        (made(proposed=Status.NOT_YET), "the rules propose not-yet .all is well.; a decision can"),
        (made(proposed=Status.SUSPENDED), "stricter, not more lenient: accredited is"),
        (made(basis=None), "accredited needs a campaign to rest on"),
        (made(until=None), "an accreditation ends after now and at the latest on 2027-03-02"),
        (made(until=NOW), "ends after now and at the latest on 2027-03-02, 12 months from now"),
        (made(until=NOW + timedelta(days=366)), "at the latest on 2027-03-02"),
        (made(status=Status.EXPIRED, until=None), "expired follows from what happened"),
        (made(status=Status.UNDER_REVIEW, until=None), "under-review follows from what happened"),
        (made(status=Status.NOT_YET, until=NOW), "only an accreditation has an end"),
        (made(status=Status.SUSPENDED), "is not accredited by becta-2008: there is nothing to be"),
        (made(status=Status.WITHDRAWN), "there is nothing to be withdrawn"),
        (made(status=Status.TERMINATED), "there is nothing to be terminated"),
    ],
)
def test_what_is_not_possible_is_refused_with_the_reason(
    state: StreamState, event: DecisionMade, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        state.after(event)


def test_a_campaign_that_was_measured_further_supports_no_decision(state: StreamState) -> None:
    record = campaign("c" * 64)
    other = state.after(
        RecordClosed(at=NOW, actor="Ann", record=record.key, reason="concluded again"),
        RecordAdded(at=NOW, actor="Ann", record=record),
    )

    with pytest.raises(UsageError, match="was measured further, or is another one"):
        other.after(made())


def test_a_stricter_decision_and_a_suspension_are_possible(state: StreamState) -> None:
    strict = state.after(made(status=Status.NOT_YET, proposed=Status.ACCREDITED))
    assert strict.decisions["D-0001"].decision.status is Status.NOT_YET

    accredited = state.after(made())
    suspended = made(2, status=Status.SUSPENDED, proposed=Status.NOT_YET, basis=None)
    after = accredited.after(suspended)

    key = after.decisions["D-0001"].decision.key
    last = latest_of(after.decisions, key)
    assert last is not None
    assert last.decision.id == "D-0002"
    assert not is_accredited(after, key, NOW)


@pytest.mark.parametrize("status", LENIENCE)
@pytest.mark.parametrize("proposed", LENIENCE)
def test_no_decision_is_more_lenient_than_its_proposal(
    state: StreamState, status: Status, proposed: Status
) -> None:
    before = state.after(made())
    event = made(2, status=status, proposed=proposed)

    if LENIENCE.index(status) < LENIENCE.index(proposed):
        with pytest.raises(UsageError, match="not more lenient"):
            before.after(event)
    else:
        assert before.after(event).decisions["D-0002"].decision.status is status


@pytest.mark.parametrize(
    ("level", "status"),
    [
        (None, Status.ACCREDITED),
        (Level.CORRECTIVE_ACTION_PLAN, Status.ACCREDITED),
        (Level.SUSPENDED, Status.SUSPENDED),
        (Level.WITHDRAWN, Status.WITHDRAWN),
    ],
)
def test_an_escalated_plan_suspends_at_once(
    state: StreamState, plan: ActionPlan, level: Level | None, status: Status
) -> None:
    after = state.after(made())
    held = after.decisions["D-0001"]
    notices = (Escalation(at=NOW, level=level, reason="r", exit_criteria="e"),) if level else ()
    shown = Retest(
        campaign="again", at=NOW + timedelta(days=9), outcome=RetestResult.CONFORMS, statement="",
        missed_tested=1, missed_still_failing=(), fresh_tested=1, begun=NOW + timedelta(days=8),
    )  # fmt: skip

    def with_plan(**differing: Any) -> Status:
        after.plans["P-0001"] = replace(plan, id="P-0001", escalations=notices, **differing)
        return status_in(held, after, NOW)

    assert with_plan() is status
    assert with_plan(state=PlanState.CLOSED, retests=(shown,)) is Status.ACCREDITED
    assert with_plan(state=PlanState.SUPERSEDED) is status, "nothing newer was measured"
    early = msgspec.structs.replace(shown, begun=NOW)
    assert with_plan(state=PlanState.CLOSED, retests=(early,)) is status
    assert status_in(held, after, NOW + timedelta(days=400)) is Status.EXPIRED


def appealed(of: str = "D-0001", **differing: Any) -> DecisionAppealed:
    fields = {"at": NOW, "actor": "Clerk", "of": of, "appellant": "Beta", "reason": "too early"}
    return DecisionAppealed(**{**fields, **differing})


def reviewed(*, upheld: bool = False, **differing: Any) -> DecisionReviewed:
    fields = {"at": NOW, "actor": "Eve", "of": "D-0001", "upheld": upheld, "reason": "it was not"}
    return DecisionReviewed(**{**fields, **differing})


@pytest.mark.parametrize("upheld", [False, True])
def test_an_appeal_is_answered_by_somebody_else(state: StreamState, upheld: bool) -> None:
    asked = state.after(made(), appealed())
    assert asked.decisions["D-0001"].open_appeal is not None

    held = asked.after(reviewed(upheld=upheld)).decisions["D-0001"]

    assert held.open_appeal is None
    assert held.is_overturned is upheld
    assert held.status_at(NOW) is Status.ACCREDITED, "it stands until it is decided again"
    (appeal,) = held.appeals
    assert (appeal.answered_by, appeal.answer, appeal.answered) == ("Eve", "it was not", NOW)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (reviewed(actor="di"), "di made the decision; somebody else must review it"),
        (reviewed(actor="BETA"), "BETA appealed; somebody else must review it"),
        (reviewed(actor="Mo Measurer"), "Mo Measurer measured the service .* cannot review an"),
        (reviewed(reason=""), "the answer to an appeal needs a reason"),
        (reviewed(of="D-0007"), "no decision 'D-0007'; known: D-0001"),
        (appealed(), "an appeal of Beta is open already"),
        (appealed("D-0009"), "no decision 'D-0009'"),
    ],
)
def test_an_unfair_answer_is_refused(
    state: StreamState, event: DecisionReviewed | DecisionAppealed, message: str
) -> None:
    asked = state.after(made(), appealed())

    with pytest.raises(UsageError, match=message):
        asked.after(event)


@pytest.mark.parametrize("differing", [{"reason": " "}, {"appellant": "\u200b"}])
def test_an_appeal_needs_a_reason_and_a_name(state: StreamState, differing: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="an appeal needs a reason and the name"):
        state.after(made(), appealed(**differing))


def test_without_an_appeal_there_is_nothing_to_answer(state: StreamState) -> None:
    with pytest.raises(UsageError, match="no appeal against it is open"):
        state.after(made(), reviewed())
    with pytest.raises(UsageError, match="an appeal was upheld already"):
        state.after(made(), appealed(), reviewed(upheld=True), appealed())


def test_the_derived_rows_follow_from_the_events(finding: Finding, state: StreamState) -> None:
    later = NOW + timedelta(days=1)
    basis, again = measured_again("autumn", later)
    added = [made(), appealed(), reviewed(upheld=True), *again, made(2, at=later, basis=basis)]
    after = state.after(*added)
    whole = replay([*events(finding), *added])

    rows = {(row.kind, row.id): row for row in rows_of(whole)}
    changed = {(row.kind, row.id): row for row in rows_after(after, added)}
    assert {("decision", "D-0001"), ("decision", "D-0002")} < set(changed)
    assert changed.items() <= rows.items()
    assert (
        msgspec.json.decode(rows["decision", "D-0001"].body, type=HeldDecision)
        == (after.decisions["D-0001"])
    )


def test_twelve_months_end_on_the_same_day() -> None:
    assert year_after(NOW) == NOW.replace(year=2027)
    leap = datetime(2028, 2, 29, 9, 0, tzinfo=UTC)
    assert year_after(leap) == datetime(2029, 2, 28, 9, 0, tzinfo=UTC)
