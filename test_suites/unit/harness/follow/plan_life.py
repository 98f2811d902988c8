"""The life of a plan as a state machine: anybody tries anything, and the invariants hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from harness.errors import UsageError
from harness.follow.findings import draft_plan
from harness.follow.guards import latest_due
from harness.follow.state import RegistryState, replay
from harness.model.action_plan import (
    ActionPlan,
    CanarySet,
    DeviationKind,
    Finding,
    Level,
    PlanState,
    Retest,
    RetestResult,
)
from harness.model.event import (
    TOLERANCE,
    AnyEvent,
    CanariesMade,
    ClockCorrected,
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanDeviated,
    PlanDrafted,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanProgressed,
    RetestConcluded,
    RetestPostponed,
    RetestStarted,
    VendorCheckedIn,
    backward_events,
    require_times,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PERSON = {
    "Ann": "ann",
    "\u0410nn ": "ann",  # with a Cyrillic letter
    "Bob": "bob",
    "\uff22\uff4f\uff42": "bob",  # full width
    "Acme": "acme",
    "ac\u200bme": "acme",
    "Cy": "cy",
    "Dee": "dee",
}
"""Who stands behind each spelling."""

NAMES = st.sampled_from(sorted(PERSON))
SERVICES = st.sampled_from(["Safe Net", "Safe Net", "Safe Net", "Other Net", ""])
DAYS = st.integers(-5, 200)


class PlanLife(RuleBasedStateMachine):
    """Anybody tries anything at any time; the registry allows what METHOD (d) allows."""

    @initialize(severity=st.sampled_from(["Crit", "Maj", "Min"]), illegal=st.booleans())
    def open(self, severity: str, *, illegal: bool) -> None:
        self.at = START
        self.events: list[Event] = []
        self.state = RegistryState()
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
        self.attempt(FindingOpened(at=self.at, actor="Ann", finding=self.finding))
        self.attempt(draft_plan(self.finding, at=self.at, actor="Ann"))

    def attempt(self, event: Event) -> bool:
        self.at += timedelta(hours=1)
        before = self.state
        try:
            after = before.after(event)
            require_times(self.events, [event])
        except UsageError:
            assert self.state is before
            return False
        self.state = after
        self.events.append(event)
        if isinstance(event, PlanEvent):
            self.others.add(PERSON[event.actor])
        if isinstance(event, PlanAgreed):
            self.others.add(PERSON[event.owner])
        if isinstance(event, PlanExtended | PlanDeviated):
            self.approvers.add(PERSON[event.approver])
        return True

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

    @rule(by=NAMES, owner=NAMES, days=DAYS)
    def agree(self, by: str, owner: str, days: int) -> None:
        due = START + timedelta(days=days)
        agreed = PlanAgreed(
            at=self.at, actor=by, plan="P-0001", owner=owner, corrective_action="x", due=due
        )
        old = self.plan.due
        assert not self.attempt(agreed) or due <= old

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
        started = self.plan.verifying
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
        assert (retest.campaign, service) == (started, "Safe Net")
        assert started not in {"", "spring"}
        if self.plan.state is PlanState.VERIFIED:
            assert (outcome, tested, failing, fresh) == (RetestResult.CONFORMS, 2, (), 60)
            assert PERSON[by] != PERSON[self.claims[-1]]

    @rule(by=NAMES, approver=NAMES, days=DAYS)
    def extend(self, by: str, approver: str, days: int) -> None:
        due, old = START + timedelta(days=days), self.plan.due
        event = PlanExtended(
            at=self.at, actor=by, plan="P-0001", due=due, reason="r", approver=approver
        )
        if self.attempt(event):
            assert due > old
            assert PERSON[approver] not in {PERSON[self.plan.owner], PERSON[by]}

    @rule(by=NAMES, approver=NAMES, days=DAYS, kind=st.sampled_from(DeviationKind))
    def deviate(self, by: str, approver: str, days: int, kind: DeviationKind) -> None:
        before = self.plan
        event = PlanDeviated(
            at=self.at,
            actor=by,
            plan="P-0001",
            kind=kind,
            reason="r",
            mitigation="m",
            approver=approver,
            until=START + timedelta(days=days),
        )
        if self.attempt(event):
            assert PERSON[approver] not in {PERSON[before.owner], PERSON[by]}
            assert (self.plan.state, self.plan.due) == (before.state, before.due)

    @rule(by=NAMES)
    def check_in(self, by: str) -> None:
        event = VendorCheckedIn(at=self.at, actor=by, plan="P-0001", vendor="v", result="soon")
        was = self.plan.state
        self.attempt(event)
        assert self.plan.state is was

    @rule(by=NAMES, level=st.sampled_from(Level))
    def escalate(self, by: str, level: Level) -> None:
        before, rungs = self.plan, list(Level)
        event = PlanEscalated(
            at=self.at, actor=by, plan="P-0001", level=level, reason="r", exit_criteria="e"
        )
        if self.attempt(event):
            assert before.level is None or rungs.index(level) > rungs.index(before.level)
            assert self.plan.state is before.state

    @rule(by=NAMES)
    def close(self, by: str) -> None:
        was = self.plan.state
        if self.attempt(PlanClosed(at=self.at, actor=by, plan="P-0001")):
            assert was is PlanState.VERIFIED

    @rule(by=NAMES)
    def draft_another(self, by: str) -> None:
        draft: PlanDrafted = draft_plan(self.finding, at=self.at, actor=by)
        assert not self.attempt(msgspec.structs.replace(draft, plan="P-0002"))

    @property
    def plan(self) -> ActionPlan:
        return self.state.plan("P-0001")

    @invariant()
    def approvers_have_no_other_part_in_the_plan_at_any_time(self) -> None:
        assert set() == self.approvers & self.others
        assert self.plan.breaches == ()

    @invariant()
    def times_never_run_backwards_but_for_a_correction_on_record(self) -> None:
        assert [] == list(backward_events(self.events))
        steps = zip(self.events, self.events[1:], strict=False)
        back = [later for earlier, later in steps if later.at < earlier.at - TOLERANCE]
        assert set(map(type, back)) <= {ClockCorrected}

    @invariant()
    def the_original_date_stays(self) -> None:
        assert self.plan.original_due == latest_due(self.finding)

    @invariant()
    def beyond_the_original_date_only_by_extension(self) -> None:
        extended = any(isinstance(event, PlanExtended) for event in self.events)
        assert extended or self.plan.due <= self.plan.original_due

    @invariant()
    def verified_and_closed_only_after_a_conforming_re_test(self) -> None:
        conforming = [one for one in self.plan.retests if one.outcome is RetestResult.CONFORMS]
        over = self.plan.state in {PlanState.VERIFIED, PlanState.CLOSED}
        assert over == bool(conforming)

    @invariant()
    def history_tells_of_every_event_and_can_be_folded_again(self) -> None:
        about = [event for event in self.events if isinstance(event, PlanEvent)]
        assert len(self.plan.history) == len(about)
        text = msgspec.json.encode(self.events)
        assert replay(msgspec.json.decode(text, type=list[AnyEvent])) == self.state
