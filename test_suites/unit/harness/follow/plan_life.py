"""The life of a plan as a state machine: anybody tries anything, and the invariants hold."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from harness.follow.escalation import escalations_due, notice_of
from harness.follow.findings import draft_plan
from harness.follow.state import StreamState
from harness.model.action_plan import (
    CanarySet,
    Finding,
    FollowUp,
    PlanState,
    Retest,
    RetestResult,
)
from harness.model.deviation import DeviationKind
from harness.model.escalation import LADDER, Level
from harness.model.event import (
    CanariesMade,
    ClockCorrected,
    DeviationApproved,
    DeviationRejected,
    DeviationRequested,
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDrafted,
    PlanEscalated,
    PlanExtended,
    PlanProgressed,
    PlanProposal,
    PlanReturned,
    PlanSubmitted,
    PlanSuperseded,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    SoakMeasured,
    VendorCheckedIn,
)
from harness.model.soak import SoakCampaign
from harness.model.stream import StreamHead
from test_suites.unit.harness.follow.checked_plan import PERSON, START
from test_suites.unit.harness.follow.decided_plan import DecidedPlan

NAMES = st.sampled_from(sorted(PERSON))
SERVICES = st.sampled_from(["Safe Net", "Safe Net", "Safe Net", "Other Net", ""])
DAYS = st.integers(-5, 200)


class PlanLife(DecidedPlan):
    """Anybody tries anything at any time; the registry allows what METHOD (d) allows."""

    @initialize(severity=st.sampled_from(["Crit", "Maj", "Min"]), illegal=st.booleans())
    def open(self, severity: str, *, illegal: bool) -> None:
        self.at = START
        self.events: list[Event] = []
        self.head: StreamHead | None = None
        self.state = StreamState()
        self.claims: list[str] = []
        self.approvers: set[str] = set()
        self.others: set[str] = set()
        self.finding = Finding(
            id="F-0001",
            campaign="spring",
            requirement="URL-01",
            title="",
            severity=severity,
            scheme="s",
            scheme_version="1",
            profile="ks2",
            line="proxy",
            statement="",
            missed=("a", "b"),
            categories=("ILL.CSAM" if illegal else "GAMB",),
            sampled=60,
            opened=START,
            service="Safe Net",
            supplier="Acme",
        )
        for added in self.records():
            self.attempt(added)
        self.attempt(FindingOpened(at=self.at, actor="Ann", finding=self.finding))
        self.attempt(draft_plan(self.finding, at=self.at, actor="Ann"))

    @rule(hours=st.integers(-48, 48))
    def set_clock(self, hours: int) -> None:
        self.at += timedelta(hours=hours)

    @rule(by=NAMES)
    def correct_clock(self, by: str) -> None:
        latest, at = self.state.latest, self.at
        if self.attempt(ClockCorrected(at=at, actor=by, reason="it was wrong")):
            assert latest is not None
            assert at < latest
            assert self.state.latest == at

    def proposal(
        self, kind: type[PlanProposal], by: str, owner: str, due: datetime
    ) -> PlanProposal:
        """A proposal with every detail."""
        return kind(
            at=self.at,
            actor=by,
            plan="P-0001",
            owner=owner,
            corrective_action="x",
            root_cause="r",
            preventive_action="p",
            containment="c",
            due=due,
        )

    @rule(by=NAMES, owner=NAMES, days=DAYS)
    def agree(self, by: str, owner: str, days: int) -> None:
        due, before = START + timedelta(days=days), self.plan
        agreed = self.proposal(PlanAgreed, by, owner, due)
        if self.attempt(agreed):
            assert due <= before.latest_due
            assert before.state is PlanState.DRAFT or due == before.due

    @rule(by=NAMES, owner=NAMES, days=DAYS)
    def submit(self, by: str, owner: str, days: int) -> None:
        before = self.plan
        submitted = self.proposal(PlanSubmitted, by, owner, START + timedelta(days=days))
        if self.attempt(submitted):
            assert before.state in {PlanState.DRAFT, PlanState.RETURNED}
            assert self.plan.due <= before.latest_due

    @rule(by=NAMES)
    def give_back(self, by: str) -> None:
        was = self.plan.state
        if self.attempt(PlanReturned(at=self.at, actor=by, plan="P-0001", reason="r")):
            assert was is PlanState.SUBMITTED

    @rule(by=NAMES)
    def agree_as_submitted(self, by: str) -> None:
        before = self.plan
        agreed = PlanAgreed(
            at=self.at,
            actor=by,
            plan="P-0001",
            owner=before.owner,
            corrective_action=before.corrective_action,
            containment="c",
        )
        if self.attempt(agreed) and before.state is PlanState.SUBMITTED:
            assert PERSON[by] not in {PERSON[before.submitted_by], PERSON[before.owner]}
            assert (self.plan.due, self.plan.owner) == (before.due, before.owner)

    @rule(by=NAMES)
    def progress(self, by: str) -> None:
        self.attempt(PlanProgressed(at=self.at, actor=by, plan="P-0001", note="n", milestone=1))

    @rule(by=NAMES)
    def claim(self, by: str) -> None:
        if self.attempt(FixClaimed(at=self.at, actor=by, plan="P-0001", statement="s")):
            self.claims.append(by)
            assert self.plan.state is PlanState.CLAIMED

    @rule(by=NAMES, campaign=st.sampled_from(["spring", "r1", "r2", "r3", "", " "]))
    def start(self, by: str, campaign: str) -> None:
        tried = {retest.campaign for retest in self.plan.retests}
        if self.attempt(RetestStarted(at=self.at, actor=by, plan="P-0001", campaign=campaign)):
            assert campaign.strip()
            assert campaign not in tried | {"spring"}
            assert all(event.loaded_by <= self.events[-1].at for event in self.plan.canaries)
            assert PERSON[by] != PERSON[self.claims[-1]]

    @rule(by=NAMES)
    def postpone(self, by: str) -> None:
        before = self.plan
        event = RetestPostponed(at=self.at, actor=by, plan="P-0001", reason="the line is dead")
        if self.attempt(event):
            assert PERSON[by] != PERSON[self.claims[-1]]
            assert self.plan.state is before.state
            assert (self.plan.retests, self.plan.verifying) == (before.retests, before.verifying)

    @rule(by=NAMES, hours=st.integers(-2, 48), number=st.integers(1, 4))
    def make_canaries(self, by: str, hours: int, number: int) -> None:
        loaded_by = self.at + timedelta(hours=hours)
        canaries = CanarySet(
            pack="canaries/P-0001-1",
            sha256="0" * 64,
            items=(f"gamb-{number}",),
            loaded_by=loaded_by,
        )
        before = self.plan
        if self.attempt(CanariesMade(at=self.at, actor=by, plan="P-0001", canaries=canaries)):
            assert loaded_by > self.events[-1].at
            assert self.plan.state is before.state
            made = [item for each in self.plan.canaries for item in each.items]
            assert len(made) == len(set(made))

    @rule(
        by=NAMES,
        outcome=st.sampled_from(RetestResult),
        tested=st.integers(0, 2),
        failing=st.sampled_from([(), ("a",)]),
        fresh=st.sampled_from([0, 60]),
        campaign=st.sampled_from(["", "spring", "r1"]) | st.none(),
        service=SERVICES,
    )
    def conclude(
        self,
        by: str,
        outcome: RetestResult,
        tested: int,
        failing: tuple[str, ...],
        fresh: int,
        campaign: str | None,
        service: str,
    ) -> None:
        started, spent = self.plan.verifying, self.plan.tries
        retest = Retest(
            campaign=started if campaign is None else campaign,
            at=self.at,
            outcome=outcome,
            statement="",
            missed_tested=tested,
            missed_still_failing=failing,
            fresh_tested=fresh,
        )
        event = RetestConcluded(at=self.at, actor=by, plan="P-0001", retest=retest, service=service)
        if not self.attempt(event):
            return
        assert self.plan.tries == spent + (fresh > 0), "whatever came of it"
        assert (retest.campaign, service) == (started, "Safe Net")
        assert started not in {"", "spring"}
        if self.plan.state is PlanState.VERIFIED:
            assert (outcome, tested, failing, fresh) == (RetestResult.CONFORMS, 2, (), 60)
            assert PERSON[by] != PERSON[self.claims[-1]]

    @rule(
        by=NAMES,
        days=st.integers(-1, 20),
        conforms=st.booleans(),
        fault=st.sampled_from(["", "", "it fails again"]),
        service=SERVICES,
    )
    def soak(self, by: str, days: int, *, conforms: bool, fault: str, service: str) -> None:
        before = self.plan
        verified = before.retests[-1].at if before.retests else self.at
        soak = SoakCampaign(
            campaign=f"soak-{days}",
            begun=verified + timedelta(days=days),
            conforms=conforms,
            fault=fault,
        )
        event = SoakMeasured(
            at=self.at, actor=by, plan="P-0001", soak=soak, service=service, scheme="s"
        )
        if not self.attempt(event):
            return
        assert before.state is PlanState.VERIFIED
        assert verified <= soak.begun <= self.at
        assert service == "Safe Net"
        assert soak.campaign not in {one.campaign for one in before.soaks}
        if fault:
            assert self.plan.state is PlanState.IN_PROGRESS
        else:
            assert self.plan.state is PlanState.VERIFIED
            assert PERSON[by] != PERSON[self.claims[-1]]

    @rule(by=NAMES, approver=NAMES, days=DAYS)
    def extend(self, by: str, approver: str, days: int) -> None:
        due, old = START + timedelta(days=days), self.plan.due
        event = PlanExtended(
            at=self.at, actor=by, plan="P-0001", due=due, reason="r", approver=approver
        )
        if self.attempt(event):
            assert due > old
            assert PERSON[approver] not in {PERSON.get(self.plan.owner, ""), PERSON[by]}

    @rule(
        by=NAMES,
        days=DAYS,
        kind=st.sampled_from(DeviationKind),
        severity=st.sampled_from(["", "Maj", "Min"]),
    )
    def request(self, by: str, days: int, kind: DeviationKind, severity: str) -> None:
        before = self.plan
        event = DeviationRequested(
            at=self.at,
            actor=by,
            plan="P-0001",
            kind=kind,
            reason="r",
            mitigation="m",
            until=self.at + timedelta(days=days),
            severity=severity,
            vendor="v",
        )
        if self.attempt(event):
            assert (self.plan.state, self.plan.due) == (before.state, before.due)
            assert self.plan.is_overdue(self.at) == before.is_overdue(self.at)

    @rule(by=NAMES, approves=st.booleans())
    def decide(self, by: str, *, approves: bool) -> None:
        before, kind = self.plan, DeviationApproved if approves else DeviationRejected
        if self.attempt(kind(at=self.at, actor=by, plan="P-0001", reason="r")):
            assert before.requested is not None
            asked = PERSON[before.requested.requested_by]
            assert PERSON[by] not in {PERSON.get(before.owner, ""), asked}
            assert (self.plan.state, self.plan.due) == (before.state, before.due)

    @rule(by=NAMES, approver=NAMES, version=st.sampled_from(["1", "2"]))
    def supersede(self, by: str, approver: str, version: str) -> None:
        event = PlanSuperseded(
            at=self.at,
            actor=by,
            plan="P-0001",
            scheme_version=version,
            reason="r",
            approver=approver,
        )
        if self.attempt(event):
            assert (PERSON[by] != PERSON[approver], version) == (True, "2")

    @rule(by=NAMES)
    def escalate_by_rule(self, by: str) -> None:
        before = self.plan
        held = FollowUp(finding=self.finding, plan=before)
        for trigger in escalations_due([held], self.at).values():
            notice = notice_of(trigger, "P-0001", self.finding, self.at, by)
            if self.attempt(notice):
                assert self.plan.state is before.state
                assert LADDER.index(trigger.level) > (
                    LADDER.index(before.level) if before.level else -1
                )

    @rule(by=NAMES)
    def escalate_by_a_clock_that_is_a_year_ahead(self, by: str) -> None:
        before, at = self.plan.counted_escalations, self.at
        self.at += timedelta(days=365)
        self.escalate_by_rule(by)
        self.at = at
        self.correct_clock(by)
        assert set(self.plan.counted_escalations) <= set(before)

    @rule(by=NAMES)
    def check_in(self, by: str) -> None:
        event = VendorCheckedIn(at=self.at, actor=by, plan="P-0001", vendor="v", result="soon")
        was = self.plan.state
        self.attempt(event)
        assert self.plan.state is was

    @rule(by=NAMES, level=st.sampled_from(Level))
    def escalate(self, by: str, level: Level) -> None:
        before = self.plan
        event = PlanEscalated(
            at=self.at, actor=by, plan="P-0001", level=level, reason="r", exit_criteria="e"
        )
        if self.attempt(event):
            assert before.level is None or LADDER.index(level) > LADDER.index(before.level)
            assert self.plan.state is before.state

    @rule(by=NAMES)
    def close(self, by: str) -> None:
        was, verified = self.plan.state, self.plan.retests
        if self.attempt(PlanClosed(at=self.at, actor=by, plan="P-0001")):
            assert was is PlanState.VERIFIED
            ended = verified[-1].at + timedelta(days=14)
            assert any(one.conforms and one.begun >= ended for one in self.plan.soaks)

    @rule(by=NAMES)
    def draft_another(self, by: str) -> None:
        draft: PlanDrafted = draft_plan(self.finding, at=self.at, actor=by)
        assert not self.attempt(msgspec.structs.replace(draft, plan="P-0002"))
