"""Whether a log keeps what happened: restarts, times without a connection, changes by people.

- LOG-05: nothing is lost when the service restarts, and entries are kept as long as declared.
- LOG-07: what happens without a connection is delivered later, once, with its own time.
- POL-08 and POL-10: changes of the policy, and overrides, are on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import (
    NOT_READ,
    Readings,
    answered,
    barred,
    census,
    exact_share,
    part,
    records_of,
    witness,
)
from harness.estimate.logged_fields import constant_error
from harness.estimate.people_metrics import statements
from harness.estimate.rates import MeasuredMetric
from harness.model.condition import Condition
from harness.model.log_entry import LogEntry
from harness.model.outcome import Witness
from harness.model.service_log import LoggedRequest
from harness.model.timed_event import EventKind

OWN_TIME = 60.0
"""Seconds by which an entry that is delivered later may miss its own time (proposed)."""

CHANGE_TIME = 300.0
"""Seconds by which the recorded time of a change may differ from the tester's note (proposed)."""

UNALTERED = "that entries cannot be altered unnoticed is judged by people (accredit assess)"
NO_RESTART = "no restart was seen: no request failed between answered ones"


def log_events_lost(selection: Selection) -> MeasuredMetric:
    """Count the answered requests around a restart that the log does not show (LOG-05).

    A restart is seen if requests failed between answered ones. How long entries are kept is
    compared with what is declared, by the age of the oldest entry. People state whether entries can
    be altered unnoticed.
    """
    around = [one for one in selection.logs.requests if one.situation == "restart"]
    kept = answered(selection, "restart") if _has_interruption(around) else []
    readings = Readings(selection)
    missing = [one for one in kept if not one.entries]
    lost = [one for one in missing if not readings.leave_open(one)]
    early = len(missing) - len(lost)
    days, oldest = records_of(selection).keeps_days, _oldest_days(selection)
    is_kept = days is not None and oldest is not None and oldest >= days
    parts = (
        part(selection, "requests around a restart", len(lost), len(kept) - early, early),
        part(selection, "entries kept as long as declared", 0, int(is_kept), int(not is_kept)),
    )
    stated = statements(selection, "log_events_lost")
    unjudged = Condition(name=UNALTERED, held=None)
    metric = census(
        selection,
        "log_events_lost",
        len(lost),
        len(kept) - early,
        early,
        method="census of the requests around a restart",
        parts=parts,
    )
    why = barred(selection) or ("" if kept else NO_RESTART)
    seen = tuple(witness(one, ("answered, and in no entry of the log",)) for one in lost)
    return MeasuredMetric(
        metric=metric,
        witnesses=seen + stated.witnesses,
        barred=why,
        conditions=stated.conditions or (unjudged,),
        people=stated.evidence,
    )


def offline_events_wrong(selection: Selection) -> MeasuredMetric:
    """Count the requests without a connection that are lost, doubled or have another time (LOG-07).

    The device itself recorded them; they had no answer. They count if no request of the sending was
    answered.
    """
    requests = [one for one in selection.logs.requests if one.situation == "offline"]
    is_cut = bool(requests) and all(one.state == "unanswered" for one in requests)
    own = requests if is_cut and selection.logs.readings else []
    readings = Readings(selection)
    early = {one.item for one in own if not one.entries and readings.leave_open(one)}
    clock = constant_error(answered(selection, "ordinary"))
    wrong = {
        one.item: why for one in own if one.item not in early and (why := _misdelivered(one, clock))
    }
    metric = census(
        selection,
        "offline_events_wrong",
        len(wrong),
        len(own) - len(early),
        len(early),
        method="census of the requests without a connection",
    )
    why = barred(selection) or _undeclared(selection)
    if requests and not is_cut:
        why = why or "requests were answered, so the connection was not cut"
    seen = tuple(witness(one, (wrong[one.item],)) for one in own if one.item in wrong)
    return MeasuredMetric(metric=metric, witnesses=seen, barred=why)


class Change(NamedTuple):
    """A change by a person: its event, when it was made, and why it is not on record, if so."""

    event: str
    place: str
    lacking: str


def policy_changes_recorded(selection: Selection) -> MeasuredMetric:
    """Compute the share of rules that the school changed that are on record: who, when and why."""
    changes = changes_on_record(selection, ("rule",))
    missing = [one for one in changes if one.lacking]
    method = "census of changes: who, when and why"
    made, kept = len(changes), len(changes) - len(missing)
    metric = exact_share(selection, "policy_changes_recorded", kept, made, method=method)
    witnesses = tuple(_change_witness(one) for one in missing)
    return MeasuredMetric(metric=metric, witnesses=witnesses, barred=_no_record(selection))


def changes_on_record(selection: Selection, kinds: Sequence[EventKind]) -> list[Change]:
    """Return the changes of some kinds that happened, with what is missing from their record.

    Nothing is returned if no record of administration was read.
    """
    if _no_record(selection):
        return []
    notes = {poll.event: poll.note for poll in selection.polls if poll.note.kind in kinds}
    recorded = {one.event: one.entries for one in selection.logs.changes}
    found = []
    for event, note in sorted(notes.items()):
        if note.at is None:
            continue
        entries = [
            entry
            for entry in recorded.get(event, ())
            if entry.at and abs((entry.at - note.at).total_seconds()) <= CHANGE_TIME
        ]
        found.append(Change(event, f"{note.kind} at {note.at.isoformat()}", _lacking(entries)))
    return found


def _lacking(entries: Iterable[LogEntry]) -> str:
    """What the record of a change does not say; empty if it says who, when and why."""
    entries = list(entries)
    if not entries:
        return "not on record"
    unsaid = [
        words
        for words, is_said in (
            ("who", any(one.user for one in entries)),
            ("why", any(one.reason for one in entries)),
        )
        if not is_said
    ]
    return f"the record does not say {' and '.join(unsaid)}" if unsaid else ""


def _no_record(selection: Selection) -> str:
    """Why nothing is known of changes on record; empty if a record was read."""
    if not selection.logs.readings:
        return NOT_READ
    if not any(one.changes for one in selection.logs.readings):
        return "no record of administration was read: no entry states an action"
    return ""


def _change_witness(change: Change) -> Witness:
    return Witness(
        item=change.event,
        value=change.place,
        category="CTRL",
        state="allowed",
        mechanism="none",
        rule="log",
        saw=(change.lacking,),
    )


def _has_interruption(requests: Sequence[LoggedRequest]) -> bool:
    """Whether a request failed between two that were answered."""
    states = [
        one.state in ("blocked", "allowed")
        for one in sorted(requests, key=lambda one: one.started)
        if one.state != "undecided"
    ]
    if True not in states:
        return False
    first, last = states.index(True), len(states) - 1 - states[::-1].index(True)
    return False in states[first:last]


def _oldest_days(selection: Selection) -> float | None:
    """The age of the oldest entry in days, when the log was read."""
    ages = [
        (one.at - one.first) / timedelta(days=1)
        for one in selection.logs.readings
        if one.first is not None
    ]
    return max(ages, default=None)


def _misdelivered(request: LoggedRequest, clock: float) -> str:
    """Why the record of a request without a connection is wrong; empty if it is right."""
    times = [entry.at for entry in request.entries if entry.at is not None]
    if not times:
        return "lost: no entry with a time"
    if len(times) > request.tries:
        return f"doubled: {len(times)} entries of {request.tries} request"
    away = abs((times[0] - request.started).total_seconds() - clock)
    return f"dated {away:.0f} s from its own time" if away > OWN_TIME else ""


def _undeclared(selection: Selection) -> str:
    if records_of(selection).delivers_later is None:
        return "whether entries are delivered later is not declared (service.records)"
    return ""
