"""Read from a stream what an event rests on: the state of a part of it, made from its events."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from harness.follow.identities import is_identity
from harness.follow.replay import replay
from harness.follow.state import StreamState, number_of
from harness.follow.wrong_dates import undone_in
from harness.model.action_plan import Subject
from harness.model.alarm import Alarm
from harness.model.decision_event import DecisionEvent
from harness.model.escalation import Escalation
from harness.model.event import (
    CanariesMade,
    ClockCorrected,
    Event,
    FindingOpened,
    PlanClosed,
    PlanDrafted,
    PlanEscalated,
    PlanEvent,
    RecordAdded,
    RecordClosed,
    RetestConcluded,
    RetestStarted,
    SoakMeasured,
)
from harness.model.registry_record import OfService, record_key
from harness.model.surveillance_event import (
    AlarmRetested,
    RunEvent,
    SurveillanceEvent,
    SurveillanceRun,
)

if TYPE_CHECKING:
    from harness.store.registry.streams import StreamAccess


def part_of(
    access: StreamAccess,
    *,
    plans: Collection[str] = (),
    findings: Collection[str] = (),
    records: Collection[str] = (),
) -> StreamState:
    """Return the state of some plans, findings and records, by ids and keys, from their events.

    Plans come with their findings, and findings with their plans. A plan that was escalated by rule
    or whose fix was verified also rests on the corrections of the clock.
    """
    held = dict(access.found(about=[*plans, *records]))
    wanted = [event.finding for event in held.values() if isinstance(event, PlanDrafted)]
    wanted += findings
    drafts = [event for _, event in access.found(topic=wanted) if isinstance(event, PlanDrafted)]
    held |= access.found(about=[*wanted, *(event.plan for event in drafts)])
    if any(map(_rests_on_dates, held.values())):
        held |= access.found(kind=["clock-corrected"])
    state = _part_of(access)
    for position in sorted(held):
        state.apply(held[position], is_kept=True, position=position)
    return _as_of(state, access)


def _part_of(access: StreamAccess) -> StreamState:
    """A state of nothing of a stream yet, with its name, which signatures are bound to."""
    return StreamState(name=access.head.name if access.head else "")


def _rests_on_dates(event: Event) -> bool:
    """Whether a correction of the clock may undo what an event made of a plan."""
    by_rule = isinstance(event, PlanEscalated) and bool(event.rule)
    return by_rule or isinstance(event, RetestConcluded | SoakMeasured | PlanClosed)


def _rests_on_all(event: Event) -> bool:
    """Whether an event rests on its whole stream.

    So do identities, a corrected clock, and the close of a review (it may be of a recall) or of a
    complaint (whoever closes it must not be involved in it).
    """
    is_answer = isinstance(event, RecordClosed) and event.record.startswith(ANSWERED)
    return is_answer or is_identity(event) or isinstance(event, DecisionEvent | ClockCorrected)


def needed_by(access: StreamAccess, events: Iterable[Event]) -> StreamState:
    """Return the state of what the events rest on."""
    added = list(events)
    if any(map(_rests_on_all, added)):
        return replay(access.events())
    if monitored := [event for event in added if isinstance(event, SurveillanceEvent)]:
        return _monitoring_needed_by(access, monitored, added)
    drafts = [event for event in added if isinstance(event, PlanDrafted)]
    new = {event.plan for event in drafts}
    records = [event.about for event in added if isinstance(event, RecordAdded | RecordClosed)]
    records += _services_of(access, added)
    opened = [event for event in added if isinstance(event, FindingOpened)]
    state = part_of(
        access,
        plans=[one.plan for one in added if isinstance(one, PlanEvent) and one.plan not in new],
        findings=[
            *(event.finding.id for event in opened),
            *(event.finding for event in drafts),
            *findings_about(access, [event.finding.subject for event in opened]),
        ],
        records=records,
    )
    return with_uses(access, state, added)


ANSWERED = ("review:", "complaint:")
"""How the keys of records begin that somebody without a part closes."""
ALARM_KINDS = ("alarm-raised", "alarm-acknowledged", "alarm-retested")


def alarms_in(access: StreamAccess) -> dict[str, Alarm]:
    """Return all alarms of a stream by their ids, made from their events."""
    return _monitoring_needed_by(access, (), ()).alarms


def _monitoring_needed_by(
    access: StreamAccess, monitored: Iterable[SurveillanceEvent], added: Iterable[Event]
) -> StreamState:
    """Return the alarms of a stream, and what events of surveillance and records beside them need.

    Of earlier runs it has those with the same keys, or with the campaign of a re-test.
    """
    records = [event.about for event in added if isinstance(event, RecordAdded | RecordClosed)]
    keys = [event.about for event in monitored if isinstance(event, RunEvent)]
    campaigns = [event.retest.campaign for event in monitored if isinstance(event, AlarmRetested)]
    held = dict(access.found(kind=ALARM_KINDS))
    held |= access.found(about=[*keys, *records, *_services_of(access, added)])
    held |= {
        position: event
        for position, event in access.found(uses=campaigns)
        if isinstance(event, SurveillanceRun)
    }
    state = _part_of(access)
    for position in sorted(held):
        state.apply(held[position], is_kept=True, position=position)
    return _as_of(state, access)


def dropped_by(before: StreamState, after: StreamState) -> tuple[tuple[str, Escalation], ...]:
    """Return the escalations that counted before and count no more, with the ids of their plans."""
    return tuple(
        (plan.id, each)
        for plan in before.plans.values()
        for each in plan.counted_escalations
        if each not in after.plan(plan.id).counted_escalations
    )


def undone_by(before: StreamState, after: StreamState) -> tuple[str, ...]:
    """Return what a correction of the clock undid beside escalations, in sentences."""
    plans = (
        f"plan {name}: {words}"
        for name, plan in before.plans.items()
        if (words := undone_in(plan, after.plan(name)))
    )
    decisions = (
        f"decision {name}: void: {after.decisions[name].void}"
        for name, held in before.decisions.items()
        if after.decisions[name].void != held.void
    )
    certificates = (
        f"certificate {number} of decision {name}: revoked"
        for name, held in before.decisions.items()
        for number in after.decisions[name].void_certificates
        if number not in held.void_certificates
    )
    return (*plans, *decisions, *certificates)


def _services_of(access: StreamAccess, events: Iterable[Event]) -> list[str]:
    """Return the keys of the services that records are of; all services, if one is not known."""
    records = [event.record for event in events if isinstance(event, RecordAdded)]
    keys = [record_key("service", one.of) for one in records if isinstance(one, OfService)]
    if all(access.rows("service", key=key, state="open") for key in keys):
        return keys
    return keys + [row.key for row in access.rows("service", state="open")]


def with_uses(access: StreamAccess, state: StreamState, events: Iterable[Event]) -> StreamState:
    """Add to a state what used the events' campaigns and canaries before, and return it."""
    added = list(events)
    for _, event in access.found(uses=[event.uses for event in added if event.uses]):
        plan = event.plan if isinstance(event, RetestStarted) else ""
        state.campaigns.setdefault(event.uses, plan)
    if any(isinstance(event, CanariesMade) for event in added):
        for _, event in access.found(kind=["canaries-made"]):
            if isinstance(event, CanariesMade):
                state.canaries |= dict.fromkeys(event.canaries.items, event.plan)
    return state


def findings_about(access: StreamAccess, subjects: Iterable[Subject]) -> list[str]:
    """Return the ids of the findings about any of the subjects."""
    topics = {"\x1f".join(subject) for subject in subjects}
    return [event.about for _, event in access.found(topic=topics)]


def _as_of(state: StreamState, access: StreamAccess) -> StreamState:
    """Give a part of a stream the stream's own name, times and numbers."""
    if access.head is None:
        return state
    last = access.last("finding-opened")
    state.name, state.events = access.head.name, access.head.events
    state.latest, state.number = access.head.latest, number_of(last.about) if last else 0
    return state
