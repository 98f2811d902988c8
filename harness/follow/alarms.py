"""Alarms of surveillance after each of their events, and which events are possible.

An alarm proves nothing: its rules look at a service again and again. A campaign of fixed size
decides, and nothing else ends an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from harness.errors import UsageError, known
from harness.model.action_plan import FIXED, ActionPlan, FollowUp, PlanState, RetestResult
from harness.model.alarm import Alarm, AlarmState
from harness.model.conformity import Conformity
from harness.model.event_times import in_utc
from harness.model.person_names import identity_of
from harness.model.stream import same_name
from harness.model.surveillance_event import (
    AlarmAcknowledged,
    AlarmEvent,
    AlarmRaised,
    AlarmRetested,
    RunEvent,
    SurveillanceEvent,
    SurveillanceRun,
    alarm_subject,
)

STATE_AFTER = {
    Conformity.DOES_NOT_CONFORM: AlarmState.CONFIRMED,
    Conformity.CONFORMS: AlarmState.NOT_CONFIRMED,
}
"""The state of an alarm after a re-test that decided it."""


def record_surveillance(
    runs: dict[str, str], alarms: dict[str, Alarm], event: SurveillanceEvent
) -> None:
    """Record a run once, or change an alarm. Raises UsageError if that is not possible now.

    ``runs`` are campaigns by the keys of their runs; both are changed.
    """
    if isinstance(event, RunEvent) and event.about in runs:
        due = in_utc(event.due)
        msg = f"the run of {event.schedule!r} at {event.site!r} due {due} is recorded already"
        raise UsageError(msg)
    if isinstance(event, SurveillanceRun):
        runs[event.about] = event.campaign
    elif isinstance(event, AlarmEvent):
        used = {campaign: key for key, campaign in runs.items()}
        alarms[event.alarm] = after_alarm_event(alarms, event, used)


def after_alarm_event(
    alarms: Mapping[str, Alarm], event: AlarmEvent, campaigns: Mapping[str, str]
) -> Alarm:
    """The alarm after an event. Raises UsageError if the event is not possible now.

    ``campaigns`` are those of surveillance runs: none of them can be a re-test.
    """
    if isinstance(event, AlarmRaised):
        return _raised(alarms, event)
    if event.alarm not in alarms:
        msg = f"no alarm {event.alarm!r}; {known(alarms)}"
        raise UsageError(msg)
    alarm = alarms[event.alarm]
    if alarm.is_ended:
        msg = f"alarm {alarm.id} is {alarm.state} already, by campaign {alarm.retests[-1].campaign}"
        raise UsageError(msg)
    if isinstance(event, AlarmAcknowledged):
        return _acknowledged(alarm, event)
    if isinstance(event, AlarmRetested):
        return _retested(alarm, event, campaigns)
    msg = f"{type(event).__name__}: not a known event of an alarm"
    raise UsageError(msg)


def _raised(alarms: Mapping[str, Alarm], event: AlarmRaised) -> Alarm:
    raised = event.raised
    if event.alarm != raised.id or event.alarm in alarms:
        msg = f"alarm {event.alarm} exists already; history cannot be rewritten"
        raise UsageError(msg)
    if not raised.sites or not raised.statement.strip():
        msg = f"alarm {event.alarm}: needs the sites that show it, and a statement"
        raise UsageError(msg)
    for other in alarms.values():
        if not other.is_ended and alarm_subject(other.raised) == alarm_subject(raised):
            msg = f"alarm {other.id} about the same requirement is open; re-test it first"
            raise UsageError(msg)
    return Alarm(raised=raised, at=event.at)


def _acknowledged(alarm: Alarm, event: AlarmAcknowledged) -> Alarm:
    if not event.note.strip() or not identity_of(event.actor):
        msg = (
            f"alarm {alarm.id}: acknowledging it needs a name, and a note on what is done (--note)"
        )
        raise UsageError(msg)
    if alarm.state is AlarmState.ACKNOWLEDGED:
        msg = f"alarm {alarm.id}: {alarm.acknowledged_by} acknowledged it already"
        raise UsageError(msg)
    return msgspec.structs.replace(
        alarm,
        state=AlarmState.ACKNOWLEDGED,
        acknowledged_by=event.actor,
        acknowledged=event.at,
        note=event.note,
    )


def _retested(alarm: Alarm, event: AlarmRetested, campaigns: Mapping[str, str]) -> Alarm:
    retest = event.retest
    if retest.campaign in campaigns:
        msg = (
            f"alarm {alarm.id}: campaign {retest.campaign!r} was a run of surveillance; "
            "a re-test needs a campaign of its own"
        )
        raise UsageError(msg)
    if retest.campaign in {each.campaign for each in alarm.retests}:
        msg = f"alarm {alarm.id}: campaign {retest.campaign!r} was counted already; measure again"
        raise UsageError(msg)
    if retest.begun < alarm.at:
        msg = (
            f"alarm {alarm.id}: campaign {retest.campaign!r} began at {in_utc(retest.begun)}, "
            f"before the alarm was raised ({in_utc(alarm.at)}); measure again"
        )
        raise UsageError(msg)
    state = STATE_AFTER.get(retest.conformity, alarm.state)
    return msgspec.structs.replace(
        alarm,
        state=state,
        retests=(*alarm.retests, retest),
        ended=event.at if retest.conformity in STATE_AFTER else None,
    )


def open_alarms(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """The alarms that wait for a re-test, the one that is due first."""
    left = (alarm for alarm in alarms if not alarm.is_ended)
    return tuple(sorted(left, key=lambda alarm: (alarm.raised.retest_by, alarm.id)))


def alarms_of(alarms: Mapping[str, Alarm], service: str) -> tuple[Alarm, ...]:
    """The alarms about a service, oldest first."""
    name = same_name(service)
    return tuple(alarm for alarm in alarms.values() if same_name(alarm.raised.service) == name)


def is_fixed_since(followed: Iterable[FollowUp], alarm: Alarm) -> bool:
    """Whether every finding about an alarm's requirement is fixed, and one since it was confirmed.

    ``followed`` are the findings of the service by the scheme of the re-test.
    """
    about = (alarm.raised.requirement, alarm.raised.profile)
    plans = [
        each.plan for each in followed if (each.finding.requirement, each.finding.profile) == about
    ]
    is_ended = [plan is not None and plan.state in (*FIXED, PlanState.SUPERSEDED) for plan in plans]
    return (
        bool(plans)
        and all(is_ended)
        and any(plan is not None and _ended_after(plan, alarm.ended) for plan in plans)
    )


def _ended_after(plan: ActionPlan, confirmed: datetime | None) -> bool:
    """Whether a re-test since that time showed the fix, or the plan ended with its scheme."""
    if plan.state is PlanState.SUPERSEDED:
        return True
    shown = [one.at for one in plan.retests if one.outcome is RetestResult.CONFORMS]
    return confirmed is not None and any(at > confirmed for at in shown)
