"""One plan in memory: what was recorded of it, and what holds whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis.stateful import RuleBasedStateMachine, invariant

from harness.errors import UsageError
from harness.follow.deadlines import latest_due
from harness.follow.deviations import LONGEST
from harness.follow.due_dates import obligations
from harness.follow.guards import acted_in
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.action_plan import (
    CONTAINED,
    ActionPlan,
    Finding,
    PlanState,
    RetestResult,
)
from harness.model.any_event import AnyEvent
from harness.model.event import (
    ClockCorrected,
    DeviationApproved,
    DeviationRejected,
    Event,
    PlanClosed,
    PlanEscalated,
    PlanEvent,
    PlanExtended,
    PlanSuperseded,
    RetestConcluded,
)
from harness.model.event_times import TOLERANCE, backward_events, head_after, require_times
from harness.model.obligation import Obligation, ObligationKind, Party
from harness.model.stream import StreamHead

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


class CheckedPlan(RuleBasedStateMachine):
    """The events of one plan, and the invariants of METHOD (d)."""

    at: datetime
    events: list[Event]
    head: StreamHead | None
    state: StreamState
    claims: list[str]
    approvers: set[str]
    others: set[str]
    finding: Finding

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Obligation] = {}

    def attempt(self, event: Event) -> bool:
        self.at += timedelta(hours=1)
        before = self.state
        try:
            after = before.after(event)
            require_times(self.head, [event])
        except UsageError:
            assert self.state is before
            return False
        spent = before.plans["P-0001"].tries if "P-0001" in before.plans else 0
        self.state = after
        if not isinstance(event, RetestConcluded) and "P-0001" in after.plans:
            assert self.plan.tries == spent, (
                "only a re-test spends a level, and nothing gives it back"
            )
        self.events.append(event)
        self.head = head_after(self.head, "supplier:acme", event, "")
        if isinstance(event, PlanEvent):
            self.others |= {PERSON[name] for name in acted_in(event)}
        if isinstance(event, PlanExtended | PlanSuperseded):
            self.approvers.add(PERSON[event.approver])
        if isinstance(event, DeviationApproved | DeviationRejected):
            self.approvers.add(PERSON[event.actor])
        return True

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
    def no_deviation_excuses_for_ever(self) -> None:
        for one in self.plan.approved:
            assert self.plan.excused_until(one) <= one.requested + LONGEST[one.kind] + timedelta(
                days=1
            )
        later = max(self.at, self.plan.due) + max(LONGEST.values()) + timedelta(days=2)
        is_verified = self.plan.state is PlanState.VERIFIED
        assert self.plan.is_ended or is_verified or self.plan.is_overdue(later)

    @invariant()
    def what_is_due_says_what_the_plan_says(self) -> None:
        due = [one for one in obligations(self.state, self.at) if one.plan]
        assert len({one.id for one in due}) == len(due)
        assert bool(due) is not self.plan.is_ended
        decides = {f"P-0001 {ObligationKind.PLAN}"} | {
            f"P-0001 {ObligationKind.MILESTONE} {number}"
            for number, step in enumerate(self.plan.milestones, 1)
            if step.title == CONTAINED
        }
        late = any(self.at > one.due for one in due if one.id in decides)
        assert late is self.plan.is_overdue(self.at)
        assert all(one.who.strip() or one.party is Party.SUPPLIER for one in due)
        for one in due:
            seen = self.seen.setdefault(one.id, one)
            assert seen.due == one.due or seen.revision < one.revision
            self.seen[one.id] = one

    @invariant()
    def verified_and_closed_only_after_a_conforming_re_test(self) -> None:
        last = self.plan.retests[-1].outcome if self.plan.retests else None
        is_over = self.plan.state in {PlanState.VERIFIED, PlanState.CLOSED}
        fell_back = any(one.fault for one in self.plan.soaks)
        assert is_over == (last is RetestResult.CONFORMS and not fell_back) or (
            self.plan.state is PlanState.SUPERSEDED
        )

    @invariant()
    def an_escalation_by_rule_with_a_wrong_date_does_not_count(self) -> None:
        counted = [
            event.level
            for number, event in enumerate(self.events)
            if isinstance(event, PlanEscalated)
            and not (event.rule and self._is_corrected_after(number))
        ]
        assert [one.level for one in self.plan.counted_escalations] == counted
        assert self.plan.level == (counted[-1] if counted else None)

    @invariant()
    def what_a_wrong_clock_ended_is_not_ended(self) -> None:
        if self.plan.state is PlanState.CLOSED:
            closed = [n for n, event in enumerate(self.events) if isinstance(event, PlanClosed)]
            assert not self._is_corrected_after(closed[-1])

    def _is_corrected_after(self, number: int) -> bool:
        """Whether a later correction of the clock is dated before the event of that number."""
        return any(
            isinstance(later, ClockCorrected) and later.at < self.events[number].at - TOLERANCE
            for later in self.events[number + 1 :]
        )

    @invariant()
    def history_tells_of_every_event_and_can_be_folded_again(self) -> None:
        about = [event for event in self.events if isinstance(event, PlanEvent)]
        dropped = [one for one in self.plan.escalations if one.dropped]
        undone = [one for one in self.plan.history if "dated later than the corrected" in one]
        assert len(self.plan.history) == len(about) + len(dropped) + len(undone)
        text = msgspec.json.encode(self.events)
        assert replay(msgspec.json.decode(text, type=list[AnyEvent])) == self.state
