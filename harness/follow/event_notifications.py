"""The notifications that events of a supplier's stream ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from harness.follow.recall import recalled_decision
from harness.model.alarm import RaisedAlarm
from harness.model.conformity import Conformity
from harness.model.decision_event import DecisionMade
from harness.model.event import (
    Event,
    FindingOpened,
    PlanClosed,
    PlanDrafted,
    PlanEscalated,
    PlanEvent,
    PlanSuperseded,
    RecordAdded,
)
from harness.model.notification import Notification, NotificationKind
from harness.model.registry_record import Review
from harness.model.stream import StreamHead
from harness.model.surveillance_event import AlarmRaised, AlarmRetested, SurveillanceRun

_RETESTED = {
    Conformity.DOES_NOT_CONFORM: (NotificationKind.ALARM_CONFIRMED, "is confirmed"),
    Conformity.CONFORMS: (NotificationKind.ALARM_NOT_CONFIRMED, "is not confirmed"),
}


class _Told(NamedTuple):
    kind: NotificationKind
    service: str
    title: str
    words: str
    path: str
    site: str = ""


def event_notifications(
    head: StreamHead, position: int, event: Event, services: Mapping[str, str]
) -> Iterator[Notification]:
    """The notifications of an event at a position of a stream.

    ``services`` are the services of plans by their ids, as far as they are known.
    """
    told = _told_of(head.stream, event, services)
    if told is None:
        return
    yield Notification(
        key=f"{head.stream}\x1f{position}",
        at=event.at,
        stream=head.stream,
        supplier=head.name,
        **told._asdict(),
    )


def findings_named(
    drafted: Iterable[PlanDrafted], opened: Iterable[FindingOpened]
) -> dict[str, str]:
    """The services of plans by their ids, from the events that opened plans and findings."""
    services = {each.finding.id: each.finding.service for each in opened}
    return {each.plan: services.get(each.finding, "") for each in drafted}


def _told_of(stream: str, event: Event, services: Mapping[str, str]) -> _Told | None:
    told = None
    match event:
        case AlarmRaised():
            told = _raised(stream, event.raised)
        case AlarmRetested():
            told = _retested(stream, event)
        case RecordAdded(record=Review() as review) if decision := recalled_decision(review):
            told = _recalled(stream, review, decision)
        case PlanDrafted() | PlanEscalated() | PlanClosed() | PlanSuperseded():
            told = _plan(stream, event, services.get(event.plan, ""))
        case DecisionMade():
            told = _decided(stream, event)
        case SurveillanceRun() if event.result == "failed":
            told = _Told(
                NotificationKind.RUN_FAILED,
                event.service,
                f"A run at {event.site} failed",
                f"Nothing was measured: {event.reason or 'no reason was given'}.",
                "/sites",
                event.site,
            )
    return told


def _raised(stream: str, raised: RaisedAlarm) -> _Told:
    return _Told(
        NotificationKind.ALARM_RAISED,
        raised.service,
        f"Alarm {raised.id}: {raised.service}, {raised.requirement}",
        f"{raised.statement} A re-test of fixed size is due by {raised.retest_by:%d %b %Y}.",
        page_path("alarms", stream, raised.id),
    )


def _retested(stream: str, event: AlarmRetested) -> _Told | None:
    if event.retest.conformity not in _RETESTED:
        return None
    kind, words = _RETESTED[event.retest.conformity]
    return _Told(
        kind,
        event.service,
        f"Alarm {event.alarm} {words}: {event.service}",
        event.retest.statement,
        page_path("alarms", stream, event.alarm),
    )


def _plan(stream: str, event: PlanEvent, service: str) -> _Told:
    about = f"Plan {event.plan}" + (f" of {service}" if service else "")
    path = page_path("plans", stream, event.plan)
    match event:
        case PlanDrafted():
            words = f"It is due on {event.due:%d %b %Y}. It waits to be agreed."
            return _Told(NotificationKind.PLAN_OPENED, service, f"{about} was opened", words, path)
        case PlanEscalated():
            title = f"{about} was escalated: {str(event.level).replace('-', ' ')}"
            words = f"{event.reason} It ends when: {event.exit_criteria}"
            return _Told(NotificationKind.PLAN_ESCALATED, service, title, words, path)
        case PlanSuperseded():
            words = f"The scheme changed to {event.scheme_version}: {event.reason}"
            return _Told(NotificationKind.PLAN_CLOSED, service, f"{about} was ended", words, path)
    return _Told(NotificationKind.PLAN_CLOSED, service, f"{about} was closed", "", path)


def _recalled(stream: str, review: Review, decision: str) -> _Told:
    words = "Its accreditation is under review until a new decision is made."
    path = page_path("decisions", stream, decision)
    title = f"{review.of}: decision {decision} was recalled"
    return _Told(NotificationKind.DECISION, review.of, title, words, path)


def _decided(stream: str, event: DecisionMade) -> _Told:
    made = event.decision
    status = str(made.status).replace("-", " ")
    return _Told(
        NotificationKind.DECISION,
        made.service,
        f"{made.service} {made.version}: {status}",
        f"Decision {made.id} by {event.actor}.",
        page_path("decisions", stream, made.id),
    )


def page_path(page: str, stream: str, name: str) -> str:
    """The path of a page of the hub about something in a stream."""
    return f"/{page}/{quote(stream, safe='')}/{quote(name, safe='')}"
