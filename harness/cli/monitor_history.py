"""What the registry holds of the surveillance of a service: runs, alarms, and where each stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from harness.cli.registry_session import Place, current_user, place_of_any
from harness.follow.derived_rows import ALARM, ALARMS, read_row
from harness.model.alarm import Alarm, AlarmRule, AlarmState
from harness.model.conformity import Conformity
from harness.model.stream import same_name
from harness.model.surveillance_event import (
    Intensity,
    MonitoringDeclared,
    RunBegun,
    RunEvent,
    RunResult,
    SurveillanceRun,
    monitoring_key,
    month_key,
)
from harness.monitor.budget import SpentRun
from harness.monitor.due_runs import Recorded
from harness.monitor.intensity import IntensityState, Lot, intensity_after
from harness.monitor.monitoring_file import MonitoringFile, ScheduleId, ServiceMonitoring
from harness.monitor.schedule import RunKey

if TYPE_CHECKING:
    from harness.store.registry.streams import StreamAccess

KINDS = ("surveillance-begun", "surveillance-run")

MOST_EXPECTED = timedelta(hours=12)
"""A run is expected to take no longer than this, however long the last one took."""


class History(NamedTuple):
    """The runs of a service, those that were begun and did not end, its alarms, its declarations.

    Each is in the order of its events. ``runs`` may lack those of earlier months.
    """

    runs: tuple[SurveillanceRun, ...]
    going: tuple[RunBegun, ...]
    alarms: tuple[Alarm, ...]
    declarations: tuple[MonitoringDeclared, ...]


def place_of_service(service: ServiceMonitoring) -> Place:
    """The stream of the supplier of a monitored service."""
    return place_of_any(service.supplier or "", service.service)


def whole_history(access: StreamAccess, monitoring: str, service: str) -> History:
    """All runs of a service in a stream."""
    return _history(access, monitoring, service, access.found(kind=KINDS))


def recent_history(
    access: StreamAccess, declared: MonitoringFile, service: ServiceMonitoring, now: datetime
) -> History:
    """The runs of this month and the last; all runs, if a schedule has none in them.

    Runs that were left out do not count as such: they do not say how intensely is measured.
    """
    months = {
        month_key(declared.monitoring, service.service, at)
        for at in (now, now.replace(day=1) - timedelta(days=1))
    }
    found = _history(
        access, declared.monitoring, service.service, access.found(topic=sorted(months))
    )
    known = {(same_name(run.site), run.schedule) for run in found.runs if run.result != "left-out"}
    asked = {
        (same_name(site.site), schedule.name)
        for site in service.sites
        for schedule in site.schedules
    }
    if not found.declarations or asked <= known:
        return found
    return whole_history(access, declared.monitoring, service.service)


def _history(
    access: StreamAccess, monitoring: str, service: str, found: Iterable[tuple[int, object]]
) -> History:
    name = same_name(service)
    events = [
        event
        for _, event in found
        if isinstance(event, RunEvent)
        and (event.monitoring, same_name(event.service)) == (monitoring, name)
    ]
    runs = tuple(event for event in events if isinstance(event, SurveillanceRun))
    ended = {run.about for run in runs}
    going = {event.about: event for event in events if isinstance(event, RunBegun)}
    alarms = (read_row(row, ALARMS) for row in access.rows(ALARM, key=name))
    declarations = [event for _, event in access.found(about=[monitoring_key(monitoring, service)])]
    return History(
        runs=runs,
        going=tuple(event for about, event in going.items() if about not in ended),
        alarms=tuple(sorted(alarms, key=lambda alarm: alarm.raised.number)),
        declarations=tuple(each for each in declarations if isinstance(each, MonitoringDeclared)),
    )


def lot_of(run: SurveillanceRun) -> Lot | None:
    """What a run counts as in the switching rules; ``None`` if it was left out."""
    if run.result == "left-out":
        return None
    if run.result != "measured":
        return "missed"
    binding = [reading.conformity for reading in run.readings if reading.is_binding]
    if Conformity.DOES_NOT_CONFORM in binding:
        return "not_accepted"
    if not binding or Conformity.INSUFFICIENT in binding:
        return "undecided"
    return "accepted"


def intensity_of(
    history: History, service: ServiceMonitoring, schedule: ScheduleId
) -> IntensityState:
    """The intensity after the runs of a schedule.

    Surveillance that was discontinued resumes as tightened when a re-test has shown that such an
    alarm was false.
    """
    lots: list[tuple[datetime, Lot]] = [
        (run.at, lot)
        for run in history.runs
        if (same_name(run.site), run.schedule) == schedule[1:] and (lot := lot_of(run))
    ]
    lots += [
        (alarm.ended, "resumed")
        for alarm in history.alarms
        if alarm.raised.rule is AlarmRule.DISCONTINUED
        and alarm.state is AlarmState.NOT_CONFIRMED
        and alarm.ended is not None
    ]
    may_reduce = service.intensity.reduced is not None
    lots.sort(key=lambda each: each[0])
    return intensity_after([lot for _, lot in lots], may_reduce=may_reduce)


def current_intensity(history: History, schedule: ScheduleId) -> Intensity:
    """The intensity now, as the last run of a schedule says; also of a part of the history."""
    runs = [
        run
        for run in history.runs
        if (same_name(run.site), run.schedule) == schedule[1:] and run.result != "left-out"
    ]
    if not runs:
        return "normal"
    then = runs[-1].then
    resumed = [
        alarm
        for alarm in history.alarms
        if alarm.raised.rule is AlarmRule.DISCONTINUED
        and alarm.state is AlarmState.NOT_CONFIRMED
        and alarm.ended is not None
        and alarm.ended > runs[-1].at
    ]
    return "tightened" if then == "discontinued" and resumed else then


def began_at(history: History, schedule: ScheduleId) -> datetime:
    """Since when the declarations of a service have had a schedule, without a break.

    Raises ValueError if the last one has not.
    """
    began = None
    for declared in reversed(history.declarations):
        if not _names(declared, schedule):
            break
        began = declared.at
    if began is None:
        msg = f"the last declaration has no schedule {'/'.join(schedule)}"
        raise ValueError(msg)
    return began


def is_declared(history: History, schedule: ScheduleId) -> bool:
    """Whether the last declaration on record has a schedule."""
    return any(_names(declared, schedule) for declared in history.declarations[-1:])


def _names(declared: MonitoringDeclared, schedule: ScheduleId) -> bool:
    held = msgspec.json.decode(declared.declaration)
    return any(
        schedule[1:] == (same_name(site["site"]), each["name"])
        for site in held["service"]["sites"]
        for each in site["schedules"]
    )


def recorded_of(history: History, schedule: ScheduleId, now: datetime) -> Recorded:
    """What is recorded of a schedule, for the plan of its next run.

    Due times after ``now`` were recorded while a clock was wrong, and are not looked at: else
    nothing would be due until then.
    """
    began = began_at(history, schedule)
    runs = [run for run in history.runs if (same_name(run.site), run.schedule) == schedule[1:]]
    going = [run for run in history.going if (same_name(run.site), run.schedule) == schedule[1:]]
    past = (each.due for each in (*runs, *going) if each.due <= now)
    last = max(past, default=began)
    left_out = 0
    for run in reversed(runs):
        if run.result != "left-out":
            break
        left_out += run.count
    measured = [run for run in runs if run.result == "measured"]
    seconds = measured[-1].seconds if measured else 0.0
    return Recorded(
        last=max(last, began),
        left_out=left_out,
        is_running=bool(going),
        ended=measured[-1].at if measured else None,
        expected=min(timedelta(seconds=seconds), MOST_EXPECTED),
    )


def spent_in(history: History) -> tuple[SpentRun, ...]:
    """The runs that count in budgets. Those that go on count with the attempts of the last one."""
    measured = [run for run in history.runs if run.begun is not None]
    attempts = {(same_name(run.site), run.schedule): run.attempts for run in measured}
    spent = [SpentRun(run.service, run.begun, run.attempts) for run in measured if run.begun]
    spent += [
        SpentRun(run.service, run.at, attempts.get((same_name(run.site), run.schedule), 0))
        for run in history.going
    ]
    return tuple(spent)


def run_record(
    key: RunKey, at: datetime, result: RunResult, reason: str = "", *, intensity: Intensity
) -> SurveillanceRun:
    """The record of a run without what it measured."""
    # a missed run ends reduced surveillance, as one that did not conform does
    is_missed = intensity == "reduced" and result not in ("measured", "left-out")
    return SurveillanceRun(
        at=at,
        actor=current_user(),
        service=key.service,
        monitoring=key.monitoring,
        site=key.site,
        schedule=key.schedule,
        due=key.due,
        result=result,
        reason=reason,
        intensity=intensity,
        then="normal" if is_missed else intensity,
    )


def key_of(run: RunEvent) -> RunKey:
    """The key of the run that an event is about."""
    return RunKey(run.monitoring, run.service, run.site, run.schedule, run.due)


def run_in_words(run: SurveillanceRun) -> str:
    """What became of a run, in one line."""
    due = f"due {run.due:%Y-%m-%d %H:%M} UTC"
    if run.count > 1 and run.first_due is not None:
        due = (
            f"{run.count:,} runs due {run.first_due:%Y-%m-%d %H:%M} to {run.due:%Y-%m-%d %H:%M} UTC"
        )
    what = f"campaign {run.campaign}" if run.result == "measured" else run.reason
    return f"{run.service}, {run.site}, {run.schedule}, {due}: {run.result}: {what}"
