"""The rows that are derived from a stream, so that reading does not need all its events.

They can be made again from the events at any time, and hold nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from harness.errors import InstrumentError
from harness.follow.state import StreamState
from harness.model.action_plan import FollowUp
from harness.model.alarm import Alarm
from harness.model.decision import HeldDecision
from harness.model.decision_event import DecisionEvent
from harness.model.event import (
    ClockCorrected,
    Event,
    PlanEvent,
    RecordAdded,
    RecordClosed,
)
from harness.model.event_times import BackwardEvent
from harness.model.registry_record import AnyRecord
from harness.model.stream import DerivedRow, same_name
from harness.model.surveillance_event import AlarmEvent

Held = TypeVar("Held")

PLAN = "plan"
"""``body`` is a FollowUp, the plan and its finding."""

ENDED_PLAN = "closed"
"""The ``state`` of a row whose plan is closed or superseded."""

DECISION = "decision"
"""``body`` is a HeldDecision, ``key`` what it is about."""

ALARM = "alarm"
"""``body`` is an Alarm, ``key`` the name of its service as it is compared."""

FIRST_EVENTS = {PLAN: "plan-drafted", DECISION: "decision-made", ALARM: "alarm-raised"}
"""The kind of event that makes a plan, a decision or an alarm, by the kind of row."""

CLOCK_CORRECTION, BACKWARD = "clock-correction", "backward-event"


class HeldRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record, and the event that closed it, if it is closed."""

    record: AnyRecord
    closed: RecordClosed | None = None


FOLLOW_UPS = msgspec.json.Decoder(FollowUp)
HELD_RECORDS = msgspec.json.Decoder(HeldRecord)
BACKWARD_EVENTS = msgspec.json.Decoder(BackwardEvent)
CLOCK_CORRECTIONS = msgspec.json.Decoder(ClockCorrected)
ALARMS = msgspec.json.Decoder(Alarm)


def read_row(row: DerivedRow, decoder: msgspec.json.Decoder[Held]) -> Held:
    """Return what a row holds. Raises InstrumentError if it cannot be read."""
    try:
        return decoder.decode(row.body)
    except (msgspec.MsgspecError, RecursionError, TypeError) as error:
        msg = (
            f"the registry was changed: {row.kind} {row.id} cannot be read ({error}); "
            "'accredit registry rebuild' makes it again from the events"
        )
        raise InstrumentError(msg) from None


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    PLAN: FOLLOW_UPS,
    DECISION: msgspec.json.Decoder(HeldDecision),
    ALARM: ALARMS,
    BACKWARD: BACKWARD_EVENTS,
    CLOCK_CORRECTION: CLOCK_CORRECTIONS,
}


def as_read(row: DerivedRow) -> DerivedRow:
    """A row as it is read now: what it lacks, as an earlier version wrote it, has its default.

    Raises InstrumentError if it cannot be read.
    """
    held = read_row(row, _DECODERS.get(row.kind, HELD_RECORDS))
    return row._replace(body=_json(held))


def rows_of(state: StreamState) -> Iterator[DerivedRow]:
    """Yield all rows of a stream. ``state`` is that after all its events."""
    yield from (_plan(state, name) for name in state.plans)
    yield from _corrections(state)
    yield from (DerivedRow(BACKWARD, str(one.position), _json(one)) for one in state.backward)
    yield from (_record(state, at) for at in state.records)
    yield from (_decision(state, name) for name in state.decisions)
    yield from (_alarm(state, name) for name in state.alarms)


def rows_after(state: StreamState, events: Iterable[Event]) -> Iterator[DerivedRow]:
    """Yield the rows that ``events`` change. ``state`` is that after them."""
    rows = {
        (row.kind, row.id): row for event in events for row in _changed_by(event, state)
    }  # two events may change one row
    yield from rows.values()


def _changed_by(event: Event, state: StreamState) -> Iterator[DerivedRow]:
    match event:
        case PlanEvent(plan=plan):
            yield _plan(state, plan)
        case RecordAdded() | RecordClosed():
            keys = {event.about}
            yield from (_record(state, at) for at, one in state.records.items() if one.key in keys)
        case DecisionEvent() if event.about:
            yield _decision(state, event.about)
        case AlarmEvent(alarm=alarm):
            yield _alarm(state, alarm)
        case ClockCorrected():
            yield from _corrections(state)
            yield from (_plan(state, name) for name in state.plans)
            yield from (_decision(state, name) for name in state.decisions)


def _plan(state: StreamState, name: str) -> DerivedRow:
    plan = state.plans[name]
    both = FollowUp(finding=state.findings[plan.finding], plan=plan)
    return DerivedRow(PLAN, name, _json(both), state=ENDED_PLAN if plan.is_ended else plan.state)


def _record(state: StreamState, at: int) -> DerivedRow:
    record, closed = state.records[at], state.closed.get(at)
    held = HeldRecord(record=record, closed=closed)
    ended = "closed" if closed else "open"
    return DerivedRow(record.kind, str(at), _json(held), state=ended, key=record.key)


def _decision(state: StreamState, name: str) -> DerivedRow:
    held = state.decisions[name]
    decision = held.decision
    return DerivedRow(DECISION, name, _json(held), state=decision.status, key=decision.key)


def _alarm(state: StreamState, name: str) -> DerivedRow:
    alarm = state.alarms[name]
    key = same_name(alarm.raised.service)
    return DerivedRow(ALARM, name, _json(alarm), state=alarm.state, key=key)


def _corrections(state: StreamState) -> Iterator[DerivedRow]:
    for at, correction in state.clock_corrections.items():
        yield DerivedRow(CLOCK_CORRECTION, str(at), _json(correction))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
