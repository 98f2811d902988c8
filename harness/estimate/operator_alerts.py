"""Alerts to the operator when the filter is off or its settings drift, and regular reports.

- ALR-05: outages, such as a filter that is off or lists that are out of date.
- ALR-08: settings that differ from the accredited ones.
- ALR-04: a supplier's regular report is compared with the sessions of its period.

That an outage or a drift took place is shown by polls (``accredit watch``): its place was blocked
before, and open afterwards.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import census, exact_share, part
from harness.estimate.rates import MeasuredMetric
from harness.estimate.waits import Wait, waits_by_event
from harness.model.alert_case import KINDS, Kind, alert_session
from harness.model.outcome import Witness
from harness.model.timed_event import EventKind

OUTAGE_TIME = 3600.0
"""Seconds within which the operator is notified of an outage (proposed by this project)."""
DRIFT_TIME = 86_400.0
"""Seconds within which the operator is notified of a drift (ALR-08)."""

NO_OPERATOR = "who is notified of the filter itself is not declared (service.alerts.operator)"
NO_REPORT = "no report of the supplier was read (accredit alerts report)"
NOT_PLAYED = "the service answered no session in the period of the report"
NOT_RECEIVED = "no alerts were read (accredit alerts import)"


class _Told(NamedTuple):
    """An event that took place, and whether the operator was notified; ``None`` if that is open."""

    event: str
    at: datetime
    is_told: bool | None


def outage_alerts(selection: Selection) -> MeasuredMetric:
    """Compute the share of outages of which the operator was notified (ALR-05)."""
    return _share_told(selection, "outage_alerts", "outage", OUTAGE_TIME)


def drift_alerts(selection: Selection) -> MeasuredMetric:
    """Compute the share of drifting settings of which the operator was notified (ALR-08)."""
    return _share_told(selection, "drift_alerts", "drift", DRIFT_TIME)


def report_mismatches(selection: Selection) -> MeasuredMetric:
    """Count the categories for which a regular report does not name the sessions of its period.

    The report is one of the tester's own accounts, so that nothing else is in it.
    """
    reports = selection.alerts.reports
    parts, unseen, witnesses = [], list[str](), list[Witness]()
    for kind, words in KINDS.items():
        least, most, stated = _counts(selection, kind)
        is_wrong = bool(least) and not least <= stated <= most
        parts.append(part(selection, words, int(is_wrong), int(bool(least)), 0))
        if not least:
            unseen.append(words)
        if is_wrong:
            played = f"{least}" if least == most else f"{least} to {most}"
            saw = f"the report names {stated}, {played} sessions were played"
            witnesses.append(_witness(f"report: {words}", words, saw))
    wrong, tried = len(witnesses), len(KINDS) - len(unseen)
    metric = census(
        selection, "report_mismatches", wrong, tried, 0, method="census", parts=tuple(parts)
    )
    why = NO_REPORT if not reports else f"{NOT_PLAYED}: {', '.join(unseen)}" if unseen else ""
    return MeasuredMetric(metric=metric, witnesses=tuple(witnesses), barred=why)


def _counts(selection: Selection, kind: Kind) -> tuple[int, int, int]:
    """How many sessions of a kind reports must name at least and at most, and how many they name.

    Only sessions that the service answered must be named. Each may be counted as often as it was
    played (``tries``).
    """
    least = most = stated = 0
    for report in selection.alerts.reports:
        own = [
            one
            for one in selection.alerts.sessions
            if report.begins <= one.started < report.ends and _kind(one.case) == kind
        ]
        least += sum(one.state in ("blocked", "allowed") for one in own)
        most += sum(one.tries for one in own)
        stated += report.counts.get(kind, 0)
    return least, most, stated


def _share_told(selection: Selection, name: str, kind: EventKind, seconds: float) -> MeasuredMetric:
    told = _told(selection, kind, seconds)
    decided = [one for one in told if one.is_told is not None]
    right = sum(one.is_told is True for one in decided)
    open_ = len(told) - len(decided)
    metric = exact_share(selection, name, right, len(decided), open_, method="census")
    service = selection.service
    is_declared = bool(service and service.alerts and service.alerts.operator)
    why = "" if is_declared else NO_OPERATOR
    why = why or ("" if selection.alerts.readings else NOT_RECEIVED)
    missing = (one for one in decided if not one.is_told)
    witnesses = tuple(
        _witness(one.event, f"{kind} at {one.at.isoformat()}", "the operator was not notified")
        for one in missing
    )
    return MeasuredMetric(metric=metric, witnesses=witnesses, barred=why)


def _told(selection: Selection, kind: EventKind, seconds: float) -> list[_Told]:
    """The events of a kind that took place; each alert to the operator is about one of them."""
    polls = [one for one in selection.polls if one.note.kind == kind]
    waits = waits_by_event(polls)
    times = {one.event: one.note.at for one in polls if one.note.at is not None}
    seen = sorted(
        (at, event)
        for event, at in times.items()
        if isinstance(wait := waits.get(event), Wait) and wait.at_most is not None
    )
    alerts = sorted(one.at for one in selection.alerts.to_operator if one.at is not None)
    found = []
    for at, event in seen:
        end = at + timedelta(seconds=seconds)
        alert = next((one for one in alerts if at <= one <= end), None)
        if alert is not None:
            alerts.remove(alert)
        until = selection.alerts.received_until(at)
        is_open = until is None or until < end
        found.append(_Told(event, at, True if alert else None if is_open else False))
    return found


def _kind(case: str) -> str:
    session = alert_session(f"CTRL/alert:{case}")
    return session.kind if session is not None else ""


def _witness(item: str, value: str, saw: str) -> Witness:
    return Witness(
        item=item,
        value=value,
        category="CTRL",
        state="allowed",
        mechanism="none",
        rule="alert",
        saw=(saw,),
    )
