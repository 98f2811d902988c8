"""Whatever is done in whatever order, nothing is accredited without evidence newer than each stop.

Generated sequences of every act that touches a decision are played on a stream. A second account of
what happened, by the order of the acts and not by their times, says what may be favourable. How many
are played is 400; ``tox -e sequences`` plays 10,000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.registered_runs import runs_among
from harness.cli.registration_bars import bars_of_run
from harness.follow.accreditation import public_reason
from harness.follow.certificates import canonical_form, certificate_facts, statuses_of
from harness.follow.decisions import latest_of, standing
from harness.follow.recall import Measured, review_name, why_wrong
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
from harness.model.event import ClockCorrected, RecordAdded, RecordClosed, RetestStarted
from harness.model.event_times import TOLERANCE
from harness.model.recall_event import Wrong
from harness.model.registration_event import (
    CampaignConcluded,
    CampaignRegistered,
    CampaignStarted,
    CampaignStopped,
)
from harness.model.registry_record import (
    AnyRecord,
    CampaignRecord,
    Review,
    ServiceVersion,
    SubmissionRecord,
)
from test_suites.kit.clocks.sizes import sized
from test_suites.unit.harness.follow.plan_life import PlanLife
from test_suites.unit.harness.follow.test_stream_life import advance

SEQUENCES = sized(400, 10_000)
VERSIONS = ("1", "2")
SERVICE, SCHEME = "Safe Net", "s"


class Stopped(NamedTuple):
    """A stop by the order of acts: the versions that it is about, and its status."""

    order: int
    versions: tuple[str, ...]
    status: Status
    is_plan: bool = False


class Tried(NamedTuple):
    """A campaign by the order of acts, and all that can be wrong with how it came about."""

    order: int
    version: str
    is_registered: bool
    is_altered: bool
    software: int
    begun: datetime
    is_silent: bool = False
    """Whether it failed and the failure was not recorded."""
    is_misdated: bool = False
    """Whether it was dated later than the day on which the clock was put right."""


class DecisionLife(PlanLife):
    """A service with a plan, two versions and many campaigns, and all that is decided about it."""

    def __init__(self) -> None:
        super().__init__()
        self.order = 0
        self.bases: list[Basis] = []
        self.tries: dict[str, Tried] = {}
        self.recalls: list[Wrong] = []
        self.software = 1
        self.lead = timedelta()
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
        self.measured("1")

    def add(self, by: str, record: AnyRecord) -> bool:
        return self.attempt(RecordAdded(at=self.at, actor=by, record=record))

    def measure(self, rng: Random) -> None:
        """Measure the service again: declared or not, as declared or not, conforming or not."""
        fails = rng.random() < 0.15
        self.measured(
            rng.choice(VERSIONS),
            is_registered=rng.random() < 0.85,
            is_altered=rng.random() < 0.1,
            fails=fails,
            is_silent=fails and rng.random() < 0.5,
        )

    def measured(
        self,
        version: str,
        *,
        is_registered: bool = True,
        is_altered: bool = False,
        fails: bool = False,
        is_silent: bool = False,
    ) -> None:
        """Measure a version."""
        name = f"campaign-{len(self.tries)}"
        journal = hashlib.sha256(name.encode()).hexdigest()
        begun = self.at = self.at + timedelta(hours=1)
        tried = Tried(
            self.order, version, is_registered, is_altered, self.software, begun, is_silent
        )
        if is_registered and not self.registered(name, journal, tried, fails=fails):
            return
        self.tries[name] = tried
        if is_silent:
            return
        record = CampaignRecord(
            id=name, of=SERVICE, scheme=SCHEME, scheme_version="1", rules="1", journal=journal,
            conforms=int(not fails), does_not_conform=int(fails), insufficient=0,
        )  # fmt: skip
        if self.add("Ann", record) and not fails:
            basis = Basis(
                campaign=name, journal=journal, assessment="", rules="1", begun=begun,
                concluded=self.at, run=name,
            )  # fmt: skip
            self.bases.append(basis)

    def registered(self, name: str, journal: str, tried: Tried, *, fails: bool) -> bool:
        """Record a campaign before its first packet, its start, its stop and its conclusion."""
        told: dict[str, Any] = {"at": self.at, "actor": "Ann", "campaign": name, "run": name}
        end = "does-not-conform" if fails else "conforms"
        begun = CampaignRegistered(
            **told, service=SERVICE, scheme=SCHEME, scheme_version="1", corpora=(), items=1,
            seed_commitment="", version=tried.version, measured_with=(("scheme s", "1 aa"),),
        )  # fmt: skip
        if not self.attempt(begun) or not self.attempt(CampaignStarted(**told, held=0)):
            return False
        self.at = told["at"] = self.at + timedelta(minutes=1)
        ended = (
            CampaignStopped(**told, held=1, head=journal, complete=True),
            CampaignConcluded(
                **told, scheme=SCHEME, scheme_version="1", conformity=end, journal=journal
            ),
        )
        return all(self.attempt(event) for event in ended)

    def judged(self, basis: Basis) -> Basis:
        """A campaign as it is judged for a decision now, with what bars it."""
        tried, runs = self.tries[basis.campaign], runs_among(self.events)
        parts = (("scheme s", "1 bb" if tried.is_altered else "1 aa"),)
        service = SimpleNamespace(name=SERVICE)
        header: Any = SimpleNamespace(
            campaign=SimpleNamespace(campaign=basis.campaign, service=service), corpora=(),
            seed_commitment="", items=1, measured_with=parts,
        )  # fmt: skip
        assessment = SimpleNamespace(scheme=SCHEME, scheme_version="1")
        judged: Any = SimpleNamespace(assessment=assessment, begun=basis.begun)
        run = next((one for one in runs if one.begun.run == basis.run), None)
        records = self.state.records.values()
        followed = frozenset(one.journal for one in records if isinstance(one, CampaignRecord))
        measured = Measured(SCHEME, "1", "1", f"isp-accredit {tried.software}", ())
        wrong = filter(None, (why_wrong(each, measured) for each in self.recalls))
        bars = (*bars_of_run(run, runs, followed, judged, header), *wrong)
        return msgspec.structs.replace(basis, bars=bars)

    def recall_software(self, rng: Random) -> None:
        """A probe proves wrong in all versions up to now, and may be put right."""
        versions = tuple(f"isp-accredit {each}" for each in range(1, self.software + 1))
        self.recalls.append(Wrong(probes=("web",), software=versions))
        self.software += rng.random() < 0.8

    def put_clock_ahead(self, rng: Random) -> None:
        """The clock of the machine is set ahead by mistake."""
        if not self.lead:
            self.lead = timedelta(days=rng.choice([2, 20, 200]))
            self.at += self.lead

    def put_clock_right(self, _: Random) -> None:
        """The clock is set right, and the correction recorded."""
        if self.lead:
            self.at -= self.lead
            self.lead = timedelta()
            if self.attempt(ClockCorrected(at=self.at, actor="Ann", reason="it was ahead")):
                for name, tried in self.tries.items():
                    if tried.begun > self.at + TOLERANCE:
                        self.tries[name] = tried._replace(is_misdated=True)

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
        basis = self._basis(rng)
        version = rng.choice([*VERSIONS, *[self.tries[basis.campaign].version] * 4])
        self.accredited(basis, version, rng.choice(FAVOURABLE), rng)

    def accredited(self, basis: Basis, version: str, status: Status, rng: Random) -> None:
        """Review a campaign, and decide favourably on it, if the rules allow that."""
        said = Recommendation(
            service=SERVICE, version=version, scheme=SCHEME, scheme_version="1", reason="r",
            status=Status.ACCREDITED,
            proposal=Proposal(status=Status.ACCREDITED, reasons=(), basis=basis),
        )  # fmt: skip
        self.attempt(EvaluationReviewed(at=self.at, actor="Ray", recommendation=said))
        self.decided(status, basis, version, "Di", rng)

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
        return self.judged(self.bases[-1] if rng.random() < 0.5 else rng.choice(self.bases))

    def _held(self, rng: Random) -> HeldDecision | None:
        held = list(self.state.decisions.values())
        return rng.choice(held[-2:]) if held else None

    def _require_newer(self, version: str, basis: Basis | None) -> None:
        """What became favourable rests on evidence that began after each stop of the service.

        It was registered, measured as registered, with nothing that was recalled, and dated by a
        clock that needed no correction; every earlier failure of the version is on record.
        """
        assert basis is not None
        tried = self.tries[basis.campaign]
        begun = tried.order
        self._require_sound(tried, version)
        silent = [one for one in self.tries.values() if one.is_silent and one.is_registered]
        assert not [one for one in silent if one.version == tried.version and one.order < begun]
        for stop in self.stops:
            assert begun > stop.order or self._is_shown(stop), (version, stop)
            if stop.status in {Status.WITHDRAWN, Status.TERMINATED} and not self._is_shown(stop):
                assert self.submitted > stop.order

    def _require_sound(self, tried: Tried, version: str) -> None:
        recalled = max((len(each.software) for each in self.recalls), default=0)
        assert tried.is_registered
        assert tried.version == version
        assert not tried.is_altered
        assert tried.software > recalled
        assert not tried.is_misdated

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
        begun = self.tries[basis.campaign].order
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
    DecisionLife.recall_software,
    DecisionLife.put_clock_ahead,
    DecisionLife.put_clock_right,
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


Act = Callable[[DecisionLife, Random], None]


def played(*acts: Act) -> DecisionLife:
    """A service of which version 1 is accredited; then some acts."""
    life = DecisionLife()
    life.begin()
    for act in (accredited("1"), *acts):
        life.order += 1
        act(life, Random(1))
        life.check()
    return life


def accredited(version: str) -> Act:
    """Accredit a version on the last campaign, if the rules allow it."""

    return lambda life, rng: life.accredited(
        life.judged(life.bases[-1]), version, Status.ACCREDITED, rng
    )


def measured(version: str, **how: bool) -> Act:
    return lambda life, _: life.measured(version, **how)


def stopped(status: Status) -> Act:
    return lambda life, rng: life.decided(status, None, "1", "Di", rng)


def later(days: int) -> Act:
    def act(life: DecisionLife, _: Random) -> None:
        life.at += timedelta(days=days)

    return act


def ahead(days: int) -> Act:
    def act(life: DecisionLife, _: Random) -> None:
        life.lead = timedelta(days=days)
        life.at += life.lead

    return act


def status_now(life: DecisionLife, version: str = "1") -> Status:
    held = [one for one in standing(life.state.decisions) if one.decision.version == version]
    return status_in(held[0], life.state, life.at) if held else Status.NOT_YET


RIGHT = DecisionLife.put_clock_right


def test_a_campaign_dated_by_a_clock_that_was_ahead_lifts_nothing() -> None:
    life = played(
        ahead(20), measured("1"), RIGHT, stopped(Status.SUSPENDED), later(30), accredited("1")
    )

    assert status_now(life) is Status.SUSPENDED


def test_a_submission_dated_by_such_a_clock_does_not_follow_a_withdrawal() -> None:
    life = played(
        ahead(20), DecisionLife.submit_service, RIGHT, stopped(Status.WITHDRAWN), later(30),
        measured("1"), accredited("1"),
    )  # fmt: skip

    assert status_now(life) is Status.WITHDRAWN

    for act in (DecisionLife.submit_service, accredited("1")):
        life.order += 1
        act(life, Random(1))

    assert status_now(life) is Status.ACCREDITED


def test_what_was_void_does_not_expire() -> None:
    life = played(ahead(20), measured("2"), accredited("2"), RIGHT, later(400))

    assert status_now(life) is Status.EXPIRED
    assert status_now(life, "2") is Status.NOT_YET


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (measured("2"), Status.ACCREDITED),
        (measured("1"), Status.NOT_YET),
        (measured("2", is_registered=False), Status.NOT_YET),
        (measured("2", is_altered=True), Status.NOT_YET),
    ],
)
def test_another_version_needs_a_registered_campaign_of_its_own(act: Act, status: Status) -> None:
    life = played(act, accredited("2"))

    assert status_now(life, "2") is status


def test_a_failure_that_nobody_recorded_is_not_repaired_by_measuring_again() -> None:
    failed = measured("2", fails=True, is_silent=True)

    assert status_now(played(failed, measured("2"), accredited("2")), "2") is Status.NOT_YET
