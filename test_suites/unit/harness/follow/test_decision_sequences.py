"""Whatever is done in whatever order, nothing is accredited without evidence newer than each stop.

Generated sequences of every act that touches a decision are played on a stream. A second account of
what happened, by the order of the acts and not by their times, says what may be favourable. How many
are played is set by ``DECISION_SEQUENCES``; ``tox -e sequences`` plays 10,000.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.follow.accreditation import public_reason
from harness.follow.certificates import canonical_form, certificate_facts, statuses_of
from harness.follow.decisions import latest_of, standing
from harness.follow.recall import review_name
from harness.follow.status_history import replay_statuses, status_in
from harness.model.action_plan import PlanState
from harness.model.certificate import Body, CertificateStatus, IssuedCertificate
from harness.model.decision import (
    FAVOURABLE,
    STOPPED,
    Basis,
    Decision,
    HeldDecision,
    Proposal,
    Recommendation,
    Status,
)
from harness.model.decision_event import (
    CertificateIssued,
    DecisionAppealed,
    DecisionMade,
    DecisionReviewed,
    EvaluationReviewed,
)
from harness.model.escalation import Level
from harness.model.event import RecordAdded, RecordClosed, RetestStarted
from harness.model.registry_record import (
    AnyRecord,
    CampaignRecord,
    Review,
    ServiceVersion,
    SubmissionRecord,
)
from test_suites.unit.harness.follow.plan_life import PlanLife
from test_suites.unit.harness.follow.test_stream_life import advance

SEQUENCES = int(os.environ.get("DECISION_SEQUENCES", "400"))
VERSIONS = ("1", "2")
SERVICE, SCHEME = "Safe Net", "s"


class Stopped(NamedTuple):
    """A stop by the order of acts: the versions that it is about, and its status."""

    order: int
    versions: tuple[str, ...]
    status: Status
    is_plan: bool = False


class DecisionLife(PlanLife):
    """A service with a plan, two versions and many campaigns, and all that is decided about it."""

    def __init__(self) -> None:
        super().__init__()
        self.order = 0
        self.bases: list[Basis] = []
        self.begun: dict[str, int] = {}
        self.stops: list[Stopped] = []
        self.submitted = -1
        self.shown = -1
        self.retest = -1
        self.reached: set[str] = set()

    def begin(self) -> None:
        """Open a plan, and put both versions and a first campaign on record."""
        self.open("Maj", illegal=False)
        for version in VERSIONS[1:]:
            self.add("Ann", ServiceVersion(id=version, of=SERVICE))
        self.measure(Random(0))

    def add(self, by: str, record: AnyRecord) -> bool:
        return self.attempt(RecordAdded(at=self.at, actor=by, record=record))

    def measure(self, _: Random) -> None:
        """Measure the service again."""
        name = f"campaign-{len(self.bases)}"
        journal = hashlib.sha256(name.encode()).hexdigest()
        self.at += timedelta(hours=1)
        begun = self.at
        basis = Basis(
            campaign=name, journal=journal, assessment="", rules="1", begun=begun, concluded=begun
        )
        record = CampaignRecord(
            id=name, of=SERVICE, scheme=SCHEME, scheme_version="1", rules="1", journal=journal,
            conforms=1, does_not_conform=0, insufficient=0,
        )  # fmt: skip
        if self.add("Ann", record):
            self.bases.append(basis)
            self.begun[name] = self.order

    def submit_service(self, rng: Random) -> None:
        """The supplier submits the service anew."""
        record = SubmissionRecord(
            id=f"submission-{self.order}", of=SERVICE, version=rng.choice(VERSIONS), scheme=SCHEME,
            scheme_version="1", by="Sue", signed=self.at, sha256="", text="",
        )  # fmt: skip
        if self.add("Sue", record):
            self.submitted = self.order

    def review(self, rng: Random) -> None:
        """Somebody reviews the evaluation of a campaign."""
        basis, by = self._basis(rng), rng.choice(["Ray", "Ray", "Di", "Ann"])
        said = Recommendation(
            service=SERVICE, version=rng.choice(VERSIONS), scheme=SCHEME, scheme_version="1",
            status=rng.choice([Status.ACCREDITED, Status.ACCREDITED, Status.NOT_YET]), reason="r",
            proposal=Proposal(status=Status.ACCREDITED, reasons=(), basis=basis),
        )  # fmt: skip
        self.attempt(EvaluationReviewed(at=self.at, actor=by, recommendation=said))

    def decide_now(self, rng: Random) -> None:
        """Somebody decides anything, on any campaign or on none."""
        status = rng.choice([*FAVOURABLE, *FAVOURABLE, *FAVOURABLE, *Status])
        self.decided(status, self._basis(rng), rng.choice(VERSIONS), rng.choice(["Di", "Ray"]), rng)

    def accredit(self, rng: Random) -> None:
        """Do all that an accreditation needs, on the last campaign or on any."""
        basis, version = self._basis(rng), rng.choice(VERSIONS)
        said = Recommendation(
            service=SERVICE, version=version, scheme=SCHEME, scheme_version="1", reason="r",
            status=Status.ACCREDITED,
            proposal=Proposal(status=Status.ACCREDITED, reasons=(), basis=basis),
        )  # fmt: skip
        self.attempt(EvaluationReviewed(at=self.at, actor="Ray", recommendation=said))
        self.decided(rng.choice(FAVOURABLE), basis, version, "Di", rng)

    def stop(self, rng: Random) -> None:
        """Stop an accreditation without a campaign."""
        status = rng.choice([Status.SUSPENDED, Status.SUSPENDED, Status.WITHDRAWN, *STOPPED])
        self.decided(status, None, rng.choice(VERSIONS), "Di", rng)

    def decided(
        self, status: Status, basis: Basis | None, version: str, by: str, rng: Random
    ) -> None:
        lasts = timedelta(days=rng.choice([3, 30, 300, 365]))
        decision = Decision(
            number=len(self.state.decisions) + 1, service=SERVICE, version=version, scheme=SCHEME,
            scheme_version="1", status=status, reason="r",
            proposal=Proposal(status=Status.ACCREDITED, reasons=(), basis=basis),
            until=self.at + lasts if status in FAVOURABLE else None,
            cause=rng.choice(["", "", "P-0001", "A-0009"]) if status in STOPPED else "",
        )  # fmt: skip
        if self.attempt(DecisionMade(at=self.at, actor=by, decision=decision)):
            if status in STOPPED:
                assert decision.cause != "A-0009", "no such alarm is on record"
                self.stops.append(Stopped(self.order, (version,), status))
            if status in FAVOURABLE:
                self._require_newer(version, basis)

    def appeal_and_answer(self, rng: Random) -> None:
        """Somebody appeals against a decision, and somebody else answers."""
        held = self._held(rng)
        if held is None:
            return
        name, upheld = held.decision.id, rng.random() < 0.5
        self.attempt(DecisionAppealed(at=self.at, actor="Bo", of=name, appellant="Bo", reason="r"))
        answer = DecisionReviewed(at=self.at, actor="Eve", of=name, upheld=upheld, reason="r")
        if self.attempt(answer) and upheld and held.decision.status in FAVOURABLE:
            version = held.decision.version
            self.stops.append(Stopped(self.order, (version,), Status.SUSPENDED))

    def recall(self, rng: Random) -> None:
        """Something that a decision rests on proves wrong."""
        held = self._held(rng)
        if held is None:
            return
        review = Review(
            id=review_name(held.decision.id, str(self.order)), of=SERVICE, trigger="recall",
            due=self.at,
        )  # fmt: skip
        if self.add("Ann", review):
            version = held.decision.version
            self.stops.append(Stopped(self.order, (version,), Status.UNDER_REVIEW))

    def close_review(self, rng: Random) -> None:
        """Somebody closes a review, which is refused as long as it stops something."""
        reviews = [one for one in self.state.open_records().values() if isinstance(one, Review)]
        if reviews:
            key = rng.choice(reviews).key
            self.attempt(RecordClosed(at=self.at, actor="Ann", record=key, reason="done"))

    def escalate_plan(self, rng: Random) -> None:
        """Escalate the plan so far that it stops the service."""
        level = rng.choice([Level.SUSPENDED, Level.SUSPENDED, Level.WITHDRAWN])
        before = self.plan.level
        self.escalate("Ann", level)
        if self.plan.level is not before:
            self.stops.append(Stopped(self.order, VERSIONS, Status(level), is_plan=True))

    def work_on_plan(self, rng: Random) -> None:
        """Take some steps that lead the plan to its end."""
        for _ in range(rng.randint(1, 12)):
            before = len(self.events)
            is_tried = self.plan.state is PlanState.CLAIMED and len(self.plan.retests) > 2
            if self.plan.is_ended or is_tried:
                return
            advance(self, rng)
            started = [one for one in self.events[before:] if isinstance(one, RetestStarted)]
            self.retest = self.order if started else self.retest
            if self.plan.state is PlanState.VERIFIED and self.plan.verifying == "":
                self.shown = self.retest

    def end_plan(self, _: Random) -> None:
        """The scheme is replaced, which ends the plan."""
        self.supersede("Ann", "Dee", "2")

    def wait(self, rng: Random) -> None:
        """Let days pass."""
        self.at += timedelta(days=rng.choice([1, 10, 100, 400]))

    def certify(self, rng: Random) -> None:
        """Issue a certificate of any decision."""
        held = self._held(rng)
        if held is None or held.decision.status not in FAVOURABLE:
            return
        body = Body(name="Board", address="Street")
        said = certificate_facts(held, "", (), body, issued_by="Cy", issued_at=self.at)
        text = canonical_form(said)
        issued = IssuedCertificate(
            number=said.number, sha256=hashlib.sha256(text).hexdigest(), text=text.decode()
        )
        event = CertificateIssued(at=self.at, actor="Cy", of=held.decision.id, certificate=issued)
        if self.attempt(event):
            self.reached.add("certificate")
            assert status_in(held, self.state, event.at) in FAVOURABLE

    def _basis(self, rng: Random) -> Basis:
        return self.bases[-1] if rng.random() < 0.5 else rng.choice(self.bases)

    def _held(self, rng: Random) -> HeldDecision | None:
        held = list(self.state.decisions.values())
        return rng.choice(held[-2:]) if held else None

    def _require_newer(self, version: str, basis: Basis | None) -> None:
        """What became favourable rests on evidence that began after each stop of the service."""
        assert basis is not None
        begun = self.begun[basis.campaign]
        for stop in self.stops:
            assert begun > stop.order or self._is_shown(stop), (version, stop)
            if stop.status in {Status.WITHDRAWN, Status.TERMINATED} and not self._is_shown(stop):
                assert self.submitted > stop.order

    def _is_shown(self, stop: Stopped) -> bool:
        """Whether a re-test that began after the stop of a plan led to its close."""
        return stop.is_plan and self.plan.state is PlanState.CLOSED and self.shown > stop.order

    def check(self) -> None:
        """Everything that says how the accreditations stand agrees, and nothing is unfounded."""
        state, history = replay_statuses(self.events, self.at)
        certificates = statuses_of(self.state.decisions, self.state.stops_on, self.at)
        for held in standing(self.state.decisions):
            decision = held.decision
            stops = self.state.stops_on(held)
            status = status_in(held, self.state, self.at)
            self.reached.add(str(status))
            assert history[decision.key][-1].status is status
            assert bool(public_reason(stops, status)) is (status in STOPPED)
            if status in FAVOURABLE:
                assert not stops
                self._require_in_force(held)
        for each in self.state.decisions.values():
            if each.certificate is None:
                continue
            now = certificates[each.certificate.number]
            if now.status is CertificateStatus.VALID:
                assert latest_of(self.state.decisions, each.decision.key) is each
                assert status_in(each, self.state, self.at) in FAVOURABLE
        assert msgspec.json.encode(state.decisions) == msgspec.json.encode(self.state.decisions)

    def _require_in_force(self, held: HeldDecision) -> None:
        basis = held.decision.proposal.basis
        assert basis is not None
        begun = self.begun[basis.campaign]
        for stop in self.stops:
            if held.decision.version in stop.versions:
                assert begun > stop.order or self._is_shown(stop), stop


COMMANDS: tuple[Callable[[DecisionLife, Random], None], ...] = (
    DecisionLife.measure,
    DecisionLife.measure,
    DecisionLife.submit_service,
    DecisionLife.review,
    DecisionLife.decide_now,
    DecisionLife.accredit,
    DecisionLife.accredit,
    DecisionLife.accredit,
    DecisionLife.stop,
    DecisionLife.appeal_and_answer,
    DecisionLife.recall,
    DecisionLife.close_review,
    DecisionLife.escalate_plan,
    DecisionLife.work_on_plan,
    DecisionLife.end_plan,
    DecisionLife.wait,
    DecisionLife.certify,
)


@pytest.mark.timeout(3600)
@given(steps=st.lists(st.integers(0, 2**32), min_size=6, max_size=24))
@settings(max_examples=SEQUENCES)
def test_no_sequence_makes_a_favourable_state_without_newer_evidence(steps: list[int]) -> None:
    life = DecisionLife()
    life.begin()
    for step in steps:
        rng = Random(step)
        life.order += 1
        rng.choice(COMMANDS)(life, rng)
        life.check()


def test_all_states_are_reached() -> None:
    life = {"certificate"}
    rng = Random(7)
    for _ in range(150):
        one = DecisionLife()
        one.begin()
        for _ in range(20):
            one.order += 1
            rng.choice(COMMANDS)(one, rng)
            one.check()
        life |= one.reached
    assert {*map(str, Status), "certificate"} <= life
