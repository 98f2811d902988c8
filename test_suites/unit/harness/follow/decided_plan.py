"""Decisions about the service of a plan: anybody decides anything, and the rules hold."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from harness.follow.decisions import STOPPABLE, latest_of, year_after
from harness.follow.status_history import replay_statuses, status_in
from harness.model.decision import (
    FAVOURABLE,
    LENIENCE,
    STOPPED,
    Basis,
    Decision,
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
from harness.model.event import Event, RecordAdded
from harness.model.person_names import person_in
from harness.model.registry_record import CampaignRecord, Service, ServiceVersion
from test_suites.unit.harness.follow.checked_plan import PERSON, START, CheckedPlan

NAMES = st.sampled_from(sorted(PERSON))
EVALUATOR = "Ann"
BASIS = Basis(
    campaign="spring", journal="a" * 64, assessment="", rules="1", begun=START, concluded=START
)


class DecidedPlan(CheckedPlan):
    """The service of a plan is on record, with a version and a campaign, and is decided about."""

    def records(self) -> list[Event]:
        """What a decision needs on record."""
        campaign = CampaignRecord(
            id="spring", of="Safe Net", scheme="s", scheme_version="1", rules="1",
            journal="a" * 64, conforms=0, does_not_conform=1, insufficient=0,
        )  # fmt: skip
        records = (Service(id="Safe Net"), ServiceVersion(id="1", of="Safe Net"), campaign)
        return [RecordAdded(at=START, actor=EVALUATOR, record=record) for record in records]

    @rule(by=NAMES)
    def review_the_evaluation(self, by: str) -> None:
        said = Recommendation(
            service="Safe Net", version="1", scheme="s", scheme_version="1",
            status=Status.ACCREDITED, reason="r",
            proposal=Proposal(status=Status.ACCREDITED, reasons=(), basis=BASIS),
        )  # fmt: skip
        if self.attempt(EvaluationReviewed(at=self.at, actor=by, recommendation=said)):
            assert PERSON[by] not in self.others | {PERSON[EVALUATOR]}

    @rule(
        by=NAMES,
        status=st.sampled_from(Status),
        proposed=st.sampled_from(LENIENCE),
        days=st.integers(-5, 400),
        has_basis=st.booleans(),
    )
    def decide_on_service(
        self, by: str, status: Status, proposed: Status, days: int, *, has_basis: bool
    ) -> None:
        before, at = self.state, self.at
        decision = Decision(
            number=len(before.decisions) + 1,
            service="Safe Net",
            version="1",
            scheme="s",
            scheme_version="1",
            status=status,
            reason="r",
            proposal=Proposal(status=proposed, reasons=(), basis=BASIS if has_basis else None),
            until=at + timedelta(days=days) if status in FAVOURABLE else None,
        )
        latest = latest_of(before.decisions, decision.key)
        was = status_in(latest, before, at) if latest is not None else Status.NOT_YET
        if not self.attempt(DecisionMade(at=at, actor=by, decision=decision)):
            return
        assert PERSON[by] not in self.others | {PERSON[EVALUATOR]}
        assert LENIENCE.index(status) >= LENIENCE.index(proposed)
        assert latest_of(self.state.decisions, decision.key) == self.state.decisions[decision.id]
        if status in FAVOURABLE:
            assert has_basis
            assert 0 < days
            assert was not in STOPPED, "the only campaign began before any stop"
            assert any(PERSON[person_in(one.by).name] != PERSON[by] for one in before.recommended)
        if status in STOPPED:
            assert was in STOPPABLE

    @rule(by=NAMES, appellant=NAMES)
    def appeal(self, by: str, appellant: str) -> None:
        last = f"D-{len(self.state.decisions):04d}"
        before = self.state.decisions.get(last)
        event = DecisionAppealed(at=self.at, actor=by, of=last, appellant=appellant, reason="r")
        if self.attempt(event):
            assert before is not None
            assert before.open_appeal is None

    @rule(by=NAMES, upheld=st.booleans())
    def answer_appeal(self, by: str, *, upheld: bool) -> None:
        last = f"D-{len(self.state.decisions):04d}"
        before = self.state.decisions.get(last)
        event = DecisionReviewed(at=self.at, actor=by, of=last, upheld=upheld, reason="r")
        if self.attempt(event):
            assert before is not None
            assert before.open_appeal is not None
            parties = {before.by, before.open_appeal.appellant, EVALUATOR}
            assert PERSON[by] not in {PERSON[name] for name in parties} | self.others

    @invariant()
    def an_accreditation_never_lasts_longer_than_a_year(self) -> None:
        for held in self.state.decisions.values():
            after = year_after(held.at) + timedelta(days=1)
            assert held.status_at(after) not in FAVOURABLE

    @invariant()
    def the_history_of_statuses_ends_with_that_of_now(self) -> None:
        if not self.state.decisions:
            return
        state, history = replay_statuses(self.events, self.at)
        assert {*history} == {held.decision.key for held in state.decisions.values()}
        for key, changes in history.items():
            held = latest_of(state.decisions, key)
            assert held is not None
            assert changes[-1].status is status_in(held, state, self.at)
            assert all(change.at <= self.at for change in changes)
