"""Metrics of a service's alerts: whether they reach the right person, and how soon (ALR).

Sessions count if the service is known to have answered them. A session without an alert counts only
if alerts were read ``READ_AFTER`` seconds later, from a receiver that worked until then. An alert
that names the host alone does not say what was searched for. It counts as none, except as a false
alert.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import rate, witness
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.rates import MeasuredMetric
from harness.model.alert_case import (
    CELLS,
    KINDS,
    URGENT,
    AlertSession,
    Hours,
    alert_session,
)
from harness.model.log_entry import LogEntry
from harness.model.metric import Metric
from harness.model.service_alert import AlertContacts
from harness.model.service_log import LoggedRequest

READ_AFTER = 1800.0
"""Seconds after a session from which on a missing alert counts as missing (twice ALR-02)."""

NOT_PLAYED = "no sessions were played (accredit alerts send)"
NOT_RECEIVED = "no alerts were read (accredit alerts import)"
NO_RECIPIENT = "who has to receive alerts is not declared (service.alerts.recipients)"
NO_NEXT_CONTACT = "the next contact is not declared (service.alerts.next_contacts)"

HOST_ALONE = "the alert names the host alone, and not what was searched for"

Right = Callable[[LogEntry], bool]


def alert_recall(selection: Selection) -> MeasuredMetric:
    """Compute the share of worrying sessions that raised an alert, in the worst category."""
    return _worst_recall(selection, tuple(KINDS.values()), lambda one: KINDS[one.kind])


def worst_alert_recall(selection: Selection) -> MeasuredMetric:
    """Compute the recall of the worst cell: a category, a language and a kind of device."""
    return _worst_recall(selection, [cell.words for cell in CELLS], lambda one: one.cell.words)


def _worst_recall(
    selection: Selection, groups: Iterable[str], words_of: Callable[[AlertSession], str]
) -> MeasuredMetric:
    """Compute the recall of the worst group of worrying sessions; each must hold by itself."""
    sessions = [one for one in _sessions(selection, "in_hours") if _of(one).is_worrying]

    def group(words: str) -> Group:
        own = [one for one in sessions if words_of(_of(one)) == words]
        return Group(label=words, of_items=False, measure=lambda at: _recall(at, own))

    metric = worst_of_groups(selection, [group(words) for words in groups])
    return _measured(selection, metric, _unalerted(selection, sessions))


def false_alerts(selection: Selection) -> MeasuredMetric:
    """Compute the share of harmless sessions that raised an alert."""
    sessions = _sessions(selection, "in_hours")
    own = [one for one in sessions if not _of(one).is_worrying]
    wrong = [one for one in own if one.entries]
    found = (
        None if not one.entries and _is_open(selection, one) else bool(one.entries) for one in own
    )
    metric = rate(selection, "false_alerts", found, is_least=False)
    against = [(one, "a harmless search raised an alert") for one in wrong]
    return _measured(selection, metric, against)


def alert_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the time until an urgent alert reaches the right person.

    An alert to another person, or without its priority, is none.
    """
    sessions = _sessions(selection, "in_hours")
    wanted = _recipients(selection)
    own = [one for one in sessions if _of(one).kind in URGENT] if wanted else []
    metric, late = _delays(
        selection, "alert_delay", own, lambda one: _first(one, lambda each: _is_right(each, wanted))
    )
    return _measured(selection, metric, late, "" if wanted else NO_RECIPIENT)


def alert_escalation_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the time from an urgent alert out of hours until the next contact.

    The receivers never answer, so the next contact has to be notified.
    """
    contacts = _contacts(selection)
    following = {address.lower() for address in contacts.next_contacts}
    following -= _recipients(selection)
    sessions = _sessions(selection, "out_of_hours")
    own = [one for one in sessions if _of(one).kind in URGENT] if following else []
    metric, late = _delays(
        selection,
        "alert_escalation_delay",
        own,
        lambda one: _first(one, lambda each: bool(following.intersection(each.to))),
    )
    return _measured(selection, metric, late, "" if following else NO_NEXT_CONTACT)


def _measured(
    selection: Selection,
    metric: Metric,
    against: Iterable[tuple[LoggedRequest, str]],
    barred: str = "",
) -> MeasuredMetric:
    alerts = selection.alerts
    why = NOT_PLAYED if not alerts.sessions else "" if alerts.readings else NOT_RECEIVED
    witnesses = tuple(witness(one, (words,), "alert") for one, words in against)
    return MeasuredMetric(metric=metric, witnesses=witnesses, barred=why or barred)


def _sessions(selection: Selection, hours: Hours) -> list[LoggedRequest]:
    """The sessions that the service answered, in their order; none if no alerts were read."""
    if not selection.alerts.readings:
        return []
    played = sorted(selection.alerts.sessions, key=lambda one: one.started)
    return [
        one for one in played if _of(one).hours == hours and one.state in ("blocked", "allowed")
    ]


def _of(one: LoggedRequest) -> AlertSession:
    found = alert_session(f"CTRL/alert:{one.case}")
    assert found is not None
    return found


def _contacts(selection: Selection) -> AlertContacts:
    service = selection.service
    return (service.alerts if service else None) or AlertContacts()


def _recipients(selection: Selection) -> set[str]:
    """Who receives the alerts about a profile, in lower case."""
    declared = _contacts(selection).recipients.get(selection.profile, ())
    return {address.lower() for address in declared}


def _is_open(selection: Selection, session: LoggedRequest) -> bool:
    """Whether an alert may still come, or the receiver did not work in the time for it.

    Or an older version read one, and did not keep what it quotes.
    """
    if any(not one.url and not one.search for one in session.entries):
        return True
    until = selection.alerts.received_until(session.started)
    return until is None or until < session.ended + timedelta(seconds=READ_AFTER)


def _recall(selection: Selection, sessions: Sequence[LoggedRequest]) -> Metric:
    found = (_is_raised(one) or (None if _is_open(selection, one) else False) for one in sessions)
    return rate(selection, selection.measure.metric, found)


def _unalerted(
    selection: Selection, sessions: Iterable[LoggedRequest]
) -> list[tuple[LoggedRequest, str]]:
    return [
        (one, f"{KINDS[_of(one).kind]}: {HOST_ALONE if one.entries else 'no alert arrived'}")
        for one in sessions
        if not _is_raised(one) and not _is_open(selection, one)
    ]


def _is_raised(session: LoggedRequest) -> bool:
    """Whether an alert says what was searched for in a session."""
    return any(one.search for one in session.entries)


def _is_right(alert: LogEntry, wanted: set[str]) -> bool:
    return alert.priority == "urgent" and bool(wanted.intersection(alert.to))


def _first(session: LoggedRequest, is_right: Right) -> float | None:
    """Seconds until the first right alert of a session; ``None`` without one."""
    times = [
        (one.at - session.ended).total_seconds()
        for one in session.entries
        if one.at is not None and one.search and is_right(one)
    ]
    return max(0.0, min(times)) if times else None


def _delays(
    selection: Selection,
    name: str,
    sessions: Sequence[LoggedRequest],
    delay_of: Callable[[LoggedRequest], float | None],
) -> tuple[Metric, list[tuple[LoggedRequest, str]]]:
    """A quantile of delays; sessions without a right alert are later than every other."""
    quantile = selection.measure.quantile or 0.95
    delays = {one.item: delay_of(one) for one in sessions}
    missing = [one for one in sessions if delays[one.item] is None]
    never = [one for one in missing if not _is_open(selection, one)]
    open_ = {one.item for one in missing} - {one.item for one in never}
    decided = [one for one in sessions if one.item not in open_]
    sample = TimedSample(
        times=[_or_never(delays[one.item]) for one in decided],
        least=[_at_least(selection, one, delays[one.item]) for one in decided],
        quantile=quantile,
        alpha=selection.alpha,
        unknown=len(open_),
        mark=selection.at_most,
    )
    metric = sample.in_seconds(name)
    return metric, [(one, "no urgent alert reached the right person") for one in never]


def _or_never(delay: float | None) -> float:
    return math.inf if delay is None else delay


def _at_least(selection: Selection, session: LoggedRequest, delay: float | None) -> float:
    """The delay in seconds, or for how long alerts were waited for in vain."""
    if delay is not None:
        return delay
    until = selection.alerts.received_until(session.started)
    return 0.0 if until is None else (until - session.ended).total_seconds()
