"""``accredit monitor status``: where the surveillance of each service stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table

from harness.cli.decision_basis import state_of
from harness.cli.drawing import terminal
from harness.cli.monitor_alarms import alarm_lines
from harness.cli.monitor_history import (
    History,
    began_at,
    current_intensity,
    is_declared,
    place_of_service,
    whole_history,
)
from harness.cli.monitor_signals import SeriesView, series_views
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say, say_data
from harness.cli.registry_facts import session_if_any
from harness.follow.alarms import is_fixed_since, open_alarms
from harness.follow.state import StreamState
from harness.model.alarm import Alarm, AlarmState
from harness.model.coverage import format_value
from harness.model.stream import same_name
from harness.model.surveillance_event import Intensity, SurveillanceRun
from harness.model.surveillance_reading import RequirementReading
from harness.monitor.content_changes import ContentChange, content_changes
from harness.monitor.monitoring_file import (
    MonitoringFile,
    ScheduleId,
    ServiceMonitoring,
    read_monitoring,
)
from harness.monitor.schedule import due_times, next_due
from harness.ports.storage import Clock, WallClock

clock: Clock = WallClock()
"""The clock of the command; tests replace it."""

FORMAT = "accredit-monitoring/1"

SILENT_AFTER = 2
"""A schedule is silent if so many due times have passed since its last measured run."""

CONFIRMED, WAITING = 1, 3
"""Exit codes: a failure that is not fixed, and something that waits."""


class ScheduleStatus(NamedTuple):
    """Where a schedule stands. ``silent``: due times since the last run that was measured."""

    service: str
    site: str
    schedule: str
    last: SurveillanceRun | None
    measured: SurveillanceRun | None
    next: datetime
    intensity: Intensity
    silent: int

    @property
    def is_silent(self) -> bool:
        """Whether nothing was measured for too long."""
        return self.silent >= SILENT_AFTER


class ServiceStatus(NamedTuple):
    """Where the surveillance of a service stands."""

    service: str
    schedules: tuple[ScheduleStatus, ...]
    series: tuple[SeriesView, ...]
    waiting: tuple[Alarm, ...]
    confirmed: tuple[Alarm, ...]
    changes: tuple[ContentChange, ...] = ()


def status_command(
    file: Annotated[Path, typer.Argument(help="The monitoring file.")],
    out: Annotated[Path, typer.Option("--out", help="Where results are.")] = OUT,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show the last and the next run of each schedule, each requirement, and the alarms.

    Exit 0: nothing needs attention. Exit 1: an alarm was confirmed, and the failure is not fixed.
    Exit 3: an alarm waits for its re-test, or a schedule is silent.
    """
    declared = read_monitoring(file)
    services = statuses(declared, out, clock)
    if json:
        say_data(_data(declared, services))
    else:
        for service in services:
            _show(service, declared)
    raise typer.Exit(code_of(services))


def code_of(services: tuple[ServiceStatus, ...]) -> int:
    """The exit code that says what needs attention; 0 for nothing."""
    if any(service.confirmed for service in services):
        return CONFIRMED
    is_waiting = any(
        service.waiting or any(each.is_silent for each in service.schedules) for service in services
    )
    return WAITING if is_waiting else 0


def statuses(declared: MonitoringFile, out: Path, at: Clock) -> tuple[ServiceStatus, ...]:
    """Where each service of a monitoring file stands. Nothing is written."""
    registry = CampaignPaths(out=out, campaign="").registry
    found = []
    with session_if_any(registry, at) as session:
        for service in declared.services:
            history, state = History((), (), (), ()), StreamState()
            stream = place_of_service(service).stream
            if session is not None:
                with session.registry.reading(stream) as access:
                    history = whole_history(access, declared.monitoring, service.service)
                if any(alarm.state is AlarmState.CONFIRMED for alarm in history.alarms):
                    state = state_of(session, stream)  # its plans say whether they are fixed
            found.append(_status(declared, service, history, state, at.now()))
    return tuple(found)


def _status(
    declared: MonitoringFile,
    service: ServiceMonitoring,
    history: History,
    state: StreamState,
    now: datetime,
) -> ServiceStatus:
    alone = declared.model_copy(update={"services": (service,)})
    confirmed = (
        alarm
        for alarm in history.alarms
        if alarm.state is AlarmState.CONFIRMED
        and not is_fixed_since(state.followed(service.service, alarm.retests[-1].scheme), alarm)
    )
    return ServiceStatus(
        service=service.service,
        schedules=tuple(_schedules(alone, service, history, now)),
        series=series_views(history.runs, history.alarms, service.alarm_sites),
        waiting=open_alarms(history.alarms),
        confirmed=tuple(confirmed),
        changes=tuple(content_changes(history.runs)),
    )


def _schedules(
    declared: MonitoringFile, service: ServiceMonitoring, history: History, now: datetime
) -> Iterator[ScheduleStatus]:
    for site in service.sites:
        for schedule in site.schedules:
            each = ScheduleId.of(service.service, site.site, schedule.name)
            runs = [run for run in history.runs if (same_name(run.site), run.schedule) == each[1:]]
            measured = [run for run in runs if run.result in ("measured", "left-out")]
            began = [began_at(history, each)] if is_declared(history, each) else []
            began += [run.due for run in measured[-1:]]
            passed = 0
            if began:
                passed = sum(1 for _ in due_times(schedule, declared.zone, max(began), now))
            yield ScheduleStatus(
                service=service.service,
                site=site.site,
                schedule=schedule.name,
                last=runs[-1] if runs else None,
                measured=next((run for run in reversed(runs) if run.result == "measured"), None),
                next=next_due(schedule, declared.zone, now),
                intensity=current_intensity(history, each),
                silent=passed,
            )


def _show(status: ServiceStatus, declared: MonitoringFile) -> None:
    say(status.service)
    table = Table(box=None)
    for name in ("site", "schedule", "last run", "next run", "intensity"):
        table.add_column(name)
    for each in status.schedules:
        following = f"{each.next.astimezone(declared.zone):%Y-%m-%d %H:%M %Z}"
        table.add_row(each.site, each.schedule, _last(each), following, each.intensity)
    terminal().print(table)
    if status.series:
        terminal().print(_requirements(status.series))
    say(*map(str, status.changes))
    for alarm in (*status.confirmed, *status.waiting):
        say(*alarm_lines(alarm, clock.now()))
    say("")


def _last(status: ScheduleStatus) -> str:
    if status.last is None:
        return "none yet"
    at = f"{status.last.at:%Y-%m-%d %H:%M} UTC"
    if status.is_silent:
        since = f"{status.measured.at:%Y-%m-%d %H:%M} UTC" if status.measured else "the beginning"
        return f"silent since {since} ({status.silent} due times)"
    reason = f": {status.last.reason}" if status.last.reason else ""
    return f"{status.last.result} {at}{reason}"


def _requirements(series: tuple[SeriesView, ...]) -> Table:
    table = Table(box=None)
    for name in ("requirement", "site", "schedule", "last", "required", "evidence", "chart"):
        table.add_column(name)
    for view in series:
        key, reading = view.series.key, view.series.last.reading
        readings = view.series.readings
        table.add_row(
            f"{key.requirement}[{key.profile}-{key.line}]",
            key.site,
            key.schedule,
            _measured(reading) if reading is not None else "not measured",
            required(readings[-1]) if readings else "",
            "" if view.evidence is None else f"{view.evidence.e_value:.3g} of {view.alarm_at:.3g}",
            chart_in_words(view),
        )
    return table


def _measured(reading: RequirementReading) -> str:
    value = format_value(reading.value, reading.unit) if reading.value is not None else "nothing"
    return f"{value}, {reading.conformity}"


def required(reading: RequirementReading) -> str:
    """The threshold of a reading in words."""
    sides = [("at least", reading.at_least), ("at most", reading.at_most)]
    return " and ".join(
        f"{word} {format_value(limit, reading.unit)}" for word, limit in sides if limit is not None
    )


def chart_in_words(view: SeriesView) -> str:
    """What the control chart of a series says."""
    from harness.estimate.control_charts import baseline_of  # noqa: PLC0415 - keep the start light

    if view.chart is None:
        return ""
    if view.chart.state == "learning":
        first = baseline_of(view.series.runs_per_year)
        return f"learning ({view.chart.measured} of {first} runs)"
    last = [one for one in view.chart.signals if one.index == len(view.series.points) - 1]
    return "; ".join(f"rule {one.rule}, {one.direction}" for one in last) or "no signal"


def _data(declared: MonitoringFile, services: tuple[ServiceStatus, ...]) -> dict[str, Any]:
    """The status as plain values for JSON."""
    return {
        "format": FORMAT,
        "monitoring": declared.monitoring,
        "services": [
            {
                "service": status.service,
                "schedules": [_schedule_data(each) for each in status.schedules],
                "series": [_series_data(view) for view in status.series],
                "waiting": status.waiting,
                "confirmed": status.confirmed,
                "changes": [each._asdict() for each in status.changes],
            }
            for status in services
        ],
    }


def _schedule_data(status: ScheduleStatus) -> dict[str, Any]:
    last = status.last
    return {
        "site": status.site,
        "schedule": status.schedule,
        "intensity": status.intensity,
        "next": status.next,
        "last": None if last is None else {
            "due": last.due, "at": last.at, "result": last.result, "reason": last.reason,
            "campaign": last.campaign,
        },
        "due_times_since_measured": status.silent,
        "is_silent": status.is_silent,
    }  # fmt: skip


def _series_data(view: SeriesView) -> dict[str, Any]:
    evidence = view.evidence
    e_value = None
    if evidence is not None:
        e_value = evidence.e_value if evidence.e_value != float("inf") else "infinite"
    return {
        **view.series.key._asdict(),
        "runs": len(view.series.readings),
        "last": view.series.last.reading,
        "e_value": e_value,
        "alarm_at": None if evidence is None else view.alarm_at,
        "chart": chart_in_words(view),
        "signals": [{"rule": each.rule, "statement": each.statement} for each in view.signals],
    }


def attention_code(file: Path, out: Path, at: Clock) -> int:
    """The exit code for a monitoring file as it stands now."""
    return code_of(statuses(read_monitoring(file), out, at))
