"""How the status of each accreditation changed: what the public register shows.

A status follows from decisions, from what stops an accreditation
(``harness.follow.accreditation``), and from the date alone, when an accreditation expires.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from harness.follow.accreditation import STATUS_OF_LEVEL, public_reason, status_of
from harness.follow.decisions import latest_of, standing
from harness.follow.state import StreamState
from harness.model.decision import FAVOURABLE, HeldDecision, Status
from harness.model.decision_event import DecisionEvent
from harness.model.event import (
    ClockCorrected,
    Event,
    PlanEscalated,
    PlanEvent,
    RecordAdded,
    RecordClosed,
)
from harness.model.event_times import TOLERANCE
from harness.model.registry_record import Review, SubmissionRecord


class StatusChange(NamedTuple):
    """The status of an accreditation from a time on, and the decision that was in force then.

    ``why`` is what stopped it, as everybody may read it; empty if nothing did.
    """

    at: datetime
    status: Status
    decision: str
    why: str = ""


History = dict[str, tuple[StatusChange, ...]]
"""Changes of status, oldest first, by what was decided about (``Decision.key``)."""


class Replayed(NamedTuple):
    """The state of a stream after its events, and how statuses changed on the way."""

    state: StreamState
    history: History


def status_in(held: HeldDecision, state: StreamState, now: datetime) -> Status:
    """The status that a decision gives at a time, with all that stops its accreditation."""
    return status_of(held, state.stops_on(held), now)


def is_accredited(state: StreamState, key: str, now: datetime) -> bool:
    """Whether a favourable decision about a key (``Decision.key``) is in force."""
    held = latest_of(state.decisions, key)
    return held is not None and status_in(held, state, now) in FAVOURABLE


def replay_statuses(events: Iterable[Event], now: datetime) -> Replayed:
    """Replay the events of a whole stream; statuses are followed until ``now``.

    What is dated in the future changes a status from ``now`` on.
    """
    follower = StatusFollower(now)
    for event in events:
        follower.follow(event)
    return follower.replayed(now)


class StatusFollower:
    """The state after some events, and the changes of status until then, by decision key.

    Events that are dated after ``now`` count as of ``now``.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.state = StreamState()
        self.changes: dict[str, list[StatusChange]] = {}
        self._ends: dict[str, datetime] = {}

    def follow(self, event: Event) -> None:
        """Apply an event, and note which statuses it changes."""
        at = min(event.at, self.now)
        self.expire(at)
        self.state.apply(event, is_kept=True)
        if isinstance(event, ClockCorrected):
            self._drop_after(event.at + TOLERANCE)
        if _may_change_statuses(event, self.state):
            for held in standing(self.state.decisions):
                self._note(held, at)

    def replayed(self, now: datetime) -> Replayed:
        """The state, and the changes of status until ``now``."""
        self.expire(now)
        return Replayed(self.state, {key: tuple(each) for key, each in self.changes.items()})

    def expire(self, at: datetime) -> None:
        """Note the accreditations that expired before a time."""
        for key in [key for key, end in self._ends.items() if end < at]:
            end = self._ends.pop(key)
            held = latest_of(self.state.decisions, key)
            if held is not None:
                last = self.changes[key][-1]
                self.changes[key].append(
                    StatusChange(max(end, last.at), Status.EXPIRED, held.decision.id)
                )

    def _note(self, held: HeldDecision, at: datetime) -> None:
        key, until = held.decision.key, held.decision.until
        stops = self.state.stops_on(held)
        status = status_of(held, stops, at)
        before = self.changes.setdefault(key, [])
        if not before or before[-1].status is not status:
            why = public_reason(stops, status)
            before.append(StatusChange(at, status, held.decision.id, why))
        self._ends.pop(key, None)
        if until is not None and held.status_at(at) in FAVOURABLE:
            self._ends[key] = until

    def _drop_after(self, at: datetime) -> None:
        """Forget changes that a wrong clock dated in the future."""
        for before in self.changes.values():
            before[:] = [change for change in before if change.at <= at]


def _may_change_statuses(event: Event, state: StreamState) -> bool:
    if isinstance(event, DecisionEvent | ClockCorrected | PlanEscalated | RecordClosed):
        return True
    if isinstance(event, RecordAdded):
        return isinstance(event.record, Review | SubmissionRecord)
    return isinstance(event, PlanEvent) and state.plans[event.plan].level in STATUS_OF_LEVEL
