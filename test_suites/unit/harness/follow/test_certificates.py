"""What a certificate says, when one can be issued, and what its status is."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.follow.certificate_checks import Check, Validity, outcome_of
from harness.follow.certificates import (
    canonical_form,
    certificate_facts,
    certificate_status,
    has_own_number,
    statuses_of,
)
from harness.follow.decisions import latest_of
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.follow.status_history import is_accredited
from harness.model.action_plan import ActionPlan, Finding, FollowUp, PlanState
from harness.model.certificate import Body, CertificateStatus, IssuedCertificate
from harness.model.decision import (
    FAVOURABLE,
    LENIENCE,
    Condition,
    HeldDecision,
    Margin,
    Proposal,
    Status,
)
from harness.model.decision_event import CertificateIssued, DecisionAppealed, DecisionReviewed
from harness.model.escalation import Escalation, Level
from test_suites.kit.campaigns.example import example_finding
from test_suites.unit.harness.follow.test_decisions import BASIS, NOW, events, made

BODY = Body(name="Board", address="Leeds")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


def held(**differing: Any) -> HeldDecision:
    event = made(**differing)
    return HeldDecision(decision=event.decision, by=event.actor, at=event.at)


@pytest.fixture
def state(finding: Finding) -> StreamState:
    return replay(events(finding)).after(made())


def event_of(state: StreamState, **differing: Any) -> CertificateIssued:
    issued = issued_certificate(state.decisions["D-0001"], "Cy", NOW)
    issued = msgspec.structs.replace(issued, **differing)
    return CertificateIssued(at=NOW, actor="Cy", of="D-0001", certificate=issued)


def issued_certificate(one: HeldDecision, by: str, at: datetime) -> IssuedCertificate:
    """A certificate of a decision, as ``accredit certificate issue`` makes it."""
    said = certificate_facts(one, "Acme", (), BODY, issued_by=by, issued_at=at)
    text = canonical_form(said)
    digest = hashlib.sha256(text).hexdigest()
    return IssuedCertificate(number=said.number, sha256=digest, text=text.decode())


@given(supplier=TEXTS, name=TEXTS, address=TEXTS, labels=st.lists(TEXTS, max_size=3))
def test_the_canonical_form_is_that_of_rfc_8785_whatever_the_names(
    supplier: str, name: str, address: str, labels: list[str]
) -> None:
    body = Body(name=name, address=address)
    said = certificate_facts(
        held(white_labels=tuple(labels)), supplier, (), body, issued_by="Cy", issued_at=NOW
    )

    assert canonical_form(said) == rfc8785.dumps(msgspec.to_builtins(said))
    assert has_own_number(said)
    assert not has_own_number(msgspec.structs.replace(said, supplier=f"{supplier}x"))


def test_times_are_in_utc_and_the_scope_is_sorted() -> None:
    zone = datetime.fromisoformat("2026-03-02T11:00:00.75+02:00")
    margin = Margin(
        requirement="URL-01", profile="staff", line="proxy", unit="share", side="at-least",
        threshold=0.9, bound=0.95, exceeds=0.05,
    )  # fmt: skip
    other = msgspec.structs.replace(margin, profile="pupils", requirement="URL-02")
    one = held(at=zone)
    proposal = Proposal(
        status=Status.ACCREDITED, reasons=(), basis=BASIS, margins=(margin, other, margin)
    )
    decision = msgspec.structs.replace(one.decision, proposal=proposal)

    said = certificate_facts(
        msgspec.structs.replace(one, decision=decision),
        "A",
        (),
        BODY,
        issued_by="C",
        issued_at=zone,
    )

    assert said.decided_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert said.decided_at.utcoffset() == timedelta(0)
    assert [each.profile for each in said.scope] == ["pupils", "staff"]


def test_conditions_are_those_that_are_open_still_with_the_dates_of_now(finding: Finding) -> None:
    plan = replay(events(finding)).plan("P-0001")
    later = replace(plan, due=NOW + timedelta(days=60))
    ended = replace(plan, state=PlanState.CLOSED)
    condition = Condition(
        plan="P-0001", requirement="URL-04", severity="major", state="agreed", due=NOW
    )
    proposal = Proposal(
        status=Status.WITH_ACTION_PLAN, reasons=(), basis=BASIS, conditions=(condition,)
    )
    one = held(status=Status.WITH_ACTION_PLAN)
    decision = msgspec.structs.replace(one.decision, proposal=proposal)
    one = msgspec.structs.replace(one, decision=decision)

    def due_with(*plans: ActionPlan) -> list[str]:
        followed = [FollowUp(finding=finding, plan=each) for each in plans]
        said = certificate_facts(one, "A", followed, BODY, issued_by="C", issued_at=NOW)
        return [str(each.due) for each in said.conditions]

    assert due_with(later) == ["2026-05-01"]
    assert due_with(ended) == []
    assert due_with() == ["2026-03-02"]


@pytest.mark.parametrize("status", [Status.NOT_YET, Status.SUSPENDED, Status.WITHDRAWN])
def test_only_an_accreditation_has_facts_for_a_certificate(status: Status) -> None:
    with pytest.raises(UsageError, match="is no accreditation"):
        certificate_facts(
            held(status=status, until=None), "A", (), BODY, issued_by="C", issued_at=NOW
        )


@pytest.mark.parametrize(
    "differing", [{"number": "C-0"}, {"sha256": "0" * 64}, {"text": "{}"}, {"text": ""}]
)
def test_a_certificate_that_says_something_else_is_not_recorded(
    state: StreamState, differing: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="says something else than the decision"):
        state.after(event_of(state, **differing))


@pytest.mark.parametrize(("by", "at"), [("Bo", NOW), ("Cy", NOW + timedelta(days=1))])
def test_a_certificate_by_another_or_of_another_day_is_not_recorded(
    state: StreamState, by: str, at: datetime
) -> None:
    issued = issued_certificate(state.decisions["D-0001"], by, at)

    with pytest.raises(UsageError, match="says something else than the decision"):
        state.after(CertificateIssued(at=NOW, actor="Cy", of="D-0001", certificate=issued))


def test_a_certificate_of_another_supplier_is_not_recorded(state: StreamState) -> None:
    event = event_of(state)
    state.name = "Another"

    with pytest.raises(UsageError, match="says something else than the decision"):
        state.after(event)


def test_a_certificate_of_another_decision_is_not_recorded(state: StreamState) -> None:
    later = held(until=NOW + timedelta(days=20))
    issued = issued_certificate(later, "C", NOW)

    with pytest.raises(UsageError, match="says something else"):
        state.after(CertificateIssued(at=NOW, actor="C", of="D-0001", certificate=issued))
    with pytest.raises(UsageError, match="no decision 'D-0009'; known: D-0001"):
        state.after(CertificateIssued(at=NOW, actor="C", of="D-0009", certificate=issued))


def test_a_decision_has_one_certificate(state: StreamState) -> None:
    after = state.after(event_of(state))

    with pytest.raises(UsageError, match="has a certificate already: C-"):
        after.after(event_of(state))


@pytest.mark.parametrize("level", [Level.SUSPENDED, Level.WITHDRAWN])
def test_an_escalated_plan_suspends_a_certificate_at_once(
    state: StreamState, finding: Finding, level: Level
) -> None:
    after = state.after(event_of(state))
    assert statuses(after, NOW) == ["valid"]
    escalation = Escalation(level=level, reason="r", exit_criteria="e", at=NOW, rule="")
    plan = replace(state.plan("P-0001"), escalations=(escalation,))
    decided = after.decisions["D-0001"]
    state.plans["P-0001"] = after.plans["P-0001"] = plan

    now = certificate_status(after.decisions, decided, after.stops_on(decided), NOW)
    assert now.status is CertificateStatus.SUSPENDED
    assert now.why == "because a failure was not corrected as agreed"
    with pytest.raises(UsageError, match=f"the service is {level} since .* by action plan P-0001"):
        state.after(event_of(state))


def test_a_decision_about_another_version_or_scheme_revokes_nothing(state: StreamState) -> None:
    after = state.after(event_of(state))
    other = msgspec.structs.replace(made(2).decision, version="9", number=2)
    after.decisions["D-0002"] = HeldDecision(decision=other, by="Di", at=NOW)

    assert statuses(after, NOW) == ["valid"]


def statuses(state: StreamState, now: datetime) -> list[CertificateStatus]:
    """The statuses of all certificates."""
    found = statuses_of(state.decisions, state.stops_on, now)
    return [each.status for each in found.values()]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((Validity.VALID, Validity.VALID), Validity.VALID),
        ((Validity.VALID, Validity.INSUFFICIENT), Validity.INSUFFICIENT),
        ((Validity.NOT_VALID, Validity.INSUFFICIENT), Validity.NOT_VALID),
        ((), Validity.NOT_VALID),
    ],
)
def test_nothing_is_valid_without_evidence_for_each_step(
    results: tuple[Validity, ...], expected: Validity
) -> None:
    assert outcome_of(tuple(Check(result=each, found="") for each in results)) is expected


STEPS = st.one_of(
    st.sampled_from(LENIENCE),
    st.sampled_from(["uphold", "issue"]),
    st.integers(1, 4),
    st.integers(1, 200).map(lambda days: timedelta(days=days)),
)
"""A decision, an upheld appeal, a certificate of the last or of another decision, or days."""


def stepped(state: StreamState, step: Any, at: datetime) -> StreamState:
    """The state after a step, or the same where it is not possible."""
    last = f"D-{len(state.decisions):04d}"
    try:
        if isinstance(step, Status):
            until = at + timedelta(days=300) if step in FAVOURABLE else None
            return state.after(made(len(state.decisions) + 1, status=step, at=at, until=until))
        if step == "uphold":
            appeal: dict[str, Any] = {"of": last, "reason": "r", "at": at}
            return state.after(
                DecisionAppealed(actor="Bo", appellant="Bo", **appeal),
                DecisionReviewed(actor="Ed", upheld=True, **appeal),
            )
        of = state.decisions.get(last if step == "issue" else f"D-{step:04d}")
        if of is None or of.decision.status not in FAVOURABLE:
            return state
        issued = issued_certificate(of, "Cy", at)
        after = state.after(
            CertificateIssued(at=at, actor="Cy", of=of.decision.id, certificate=issued)
        )
    except UsageError:
        return state
    assert of.status_at(at) in FAVOURABLE
    assert not of.is_overturned
    assert latest_of(state.decisions, of.decision.key) is of
    return after


@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_revoked_is_final_and_one_certificate_of_a_service_is_valid_at_most(
    steps: list[Any],
) -> None:
    state, at = replay(events(example_finding())), NOW
    revoked: set[str] = set()
    for step in (Status.ACCREDITED, "issue", *steps):
        if isinstance(step, timedelta):
            at += step
        else:
            state = stepped(state, step, at)
        found = statuses_of(state.decisions, state.stops_on, at)
        now = {number: each.status for number, each in found.items()}
        assert revoked <= {number for number, each in now.items() if each == "revoked"}
        revoked |= {number for number, each in now.items() if each == "revoked"}
        valid = [number for number, each in now.items() if each == "valid"]
        key = made().decision.key
        assert len(valid) <= int(is_accredited(state, key, at))
        certified = {
            each.certificate.number: each
            for each in state.decisions.values()
            if each.certificate is not None
        }
        assert set(now) == set(certified)
        assert all(certified[number].status_at(at) in FAVOURABLE for number in valid)
