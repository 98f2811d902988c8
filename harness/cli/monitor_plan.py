"""What is due of the schedules of a monitoring file, from what the registry holds.

Reading what is recorded, deciding what was missed, and recording that are one transaction for each
service, so that several workers may ask at the same time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.cli.event_basis import needed_by
from harness.cli.monitor_history import (
    History,
    current_intensity,
    key_of,
    place_of_service,
    recent_history,
    recorded_of,
    run_in_words,
    run_record,
)
from harness.cli.monitor_jobs import Job
from harness.cli.paths import CampaignPaths
from harness.cli.printing import say_at_once, warn
from harness.cli.registry_session import RegistrySession, current_user, open_session
from harness.errors import UsageError
from harness.model.event import Event
from harness.model.stream import same_name
from harness.model.surveillance_event import MonitoringDeclared, SurveillanceRun
from harness.monitor.due_runs import DueRun, LeftOut, Missed, ScheduleState, due_runs
from harness.monitor.intensity import IntensityState, runs_every
from harness.monitor.monitoring_file import (
    MonitoringFile,
    ScheduleId,
    ServiceMonitoring,
    declaration_of,
    read_monitoring,
)
from harness.ports.storage import Clock

AHEAD = timedelta(minutes=2)
"""Runs that start within this time are given to the driver."""

ABANDONED_AFTER = timedelta(hours=24)
"""A run that was begun longer ago, and not finished, is recorded as failed."""

KEY_FILE = "monitor.key"
"""The name of the file with the key of the jitter, among the results."""


class Planned(NamedTuple):
    """A run that goes on, or the next one of a schedule."""

    key: str
    site: str
    start: datetime
    is_going: bool


class _Plan(NamedTuple):
    """The runs of a service that go on or come next, what was decided of others, and all recorded.

    ``recorded`` may lack runs of earlier months.
    """

    runs: tuple[Planned, ...]
    decided: tuple[SurveillanceRun, ...]
    recorded: tuple[SurveillanceRun, ...]


class Surveillance:
    """The planner of a monitoring file (``harness.cli.monitor_jobs.Work``).

    The file is read again each time. One that became faulty is reported once, and the runs of the
    last good one go on.
    """

    def __init__(self, path: Path, out: Path, clock: Clock) -> None:
        self.path, self.out = path, out
        self._clock = clock
        self._declared = read_monitoring(path)
        self._fault = ""
        self._missed: list[SurveillanceRun] = []
        self._recorded: dict[str, SurveillanceRun] = {}
        self._told: frozenset[str] | None = None

    def due(self, now: datetime) -> Sequence[Job]:
        """The runs that are to be begun or resumed now, or within two minutes.

        What was missed or left out is recorded. Each run that was recorded since the last time is
        printed. Raises UsageError, InstrumentError.
        """
        planned = self.planned(now)
        decided = {run.about for run in self._missed}
        told = frozenset(self._recorded) - decided if self._told is None else self._told
        for key, run in self._recorded.items():
            if key not in told:
                say_at_once(run_in_words(run))
        self._told = frozenset(self._recorded)
        return [
            Job(key=each.key, site=same_name(each.site), start=each.start)
            for each in planned
            if each.start <= now + AHEAD
        ]

    def missed(self) -> tuple[SurveillanceRun, ...]:
        """The due runs that this planner recorded as missed or failed since it was last asked."""
        found, self._missed = tuple(self._missed), []
        return found

    def command(self, key: str) -> list[str]:
        """The command line that carries out a run."""
        words = ["monitor", "carry-out", str(self.path), "--key", key, "--out", str(self.out)]
        return [sys.executable, "-m", "harness.cli.process", *words]

    def planned(self, now: datetime) -> tuple[Planned, ...]:
        """The runs that go on, and the next run of each other schedule."""
        from harness.store.private_folder import private_key  # noqa: PLC0415 - only planning needs it

        declared = self._read()
        secret = private_key(self.out / KEY_FILE)
        registry = CampaignPaths(out=self.out, campaign="").registry
        with open_session(registry, create=True, clock=self._clock) as session:
            plans = [
                _plan(session, declared, service, now, secret) for service in declared.services
            ]
        self._recorded = {run.about: run for plan in plans for run in plan.recorded}
        for plan in plans:
            self._missed += [run for run in plan.decided if run.result != "left-out"]
        return tuple(run for plan in plans for run in plan.runs)

    def _read(self) -> MonitoringFile:
        try:
            self._declared = read_monitoring(self.path)
        except UsageError as error:
            if str(error) != self._fault:
                warn(f"{error}\nmonitoring continues with the file as it was before")
            self._fault = str(error)
        else:
            self._fault = ""
        return self._declared


def _plan(
    session: RegistrySession,
    declared: MonitoringFile,
    service: ServiceMonitoring,
    now: datetime,
    secret: bytes,
) -> _Plan:
    place = place_of_service(service)
    with session.registry.writing(place.stream) as access:
        history = recent_history(access, declared, service, now)
        events: list[Event] = []
        if (changed := declaration_now(declared, service, history, now)) is not None:
            events.append(changed)
            history = history._replace(declarations=(*history.declarations, changed))
        alone = declared.model_copy(update={"services": (service,)})
        left, decided = _going(history, alone, now)
        resumed = {each.key for each in left}
        history = history._replace(
            runs=(*history.runs, *decided),
            going=tuple(run for run in history.going if run.about in resumed),
        )
        states = due_runs(
            alone,
            {each: recorded_of(history, each, now) for each, _ in alone.schedules()},
            now,
            secret,
            _every(history, alone, service),
        )
        decided += _decided(states, history, now)
        events += decided
        if events:
            session.record_in(access, place, events, needed_by(access, events))
    planned = (*left, *_next(state.run for state in states))
    return _Plan(planned, tuple(decided), (*history.runs, *decided))


def declaration_now(
    declared: MonitoringFile, service: ServiceMonitoring, history: History, now: datetime
) -> MonitoringDeclared | None:
    """The event that says how a service is monitored, if that is not on record."""
    text = declaration_of(declared, service)
    if history.declarations and history.declarations[-1].declaration == text:
        return None
    return MonitoringDeclared(
        at=now,
        actor=current_user(),
        service=service.service,
        monitoring=declared.monitoring,
        declaration=text,
        sites=tuple(site.site for site in service.sites),
        sites_for_alarm=service.alarm_sites,
    )


def _going(
    history: History, declared: MonitoringFile, now: datetime
) -> tuple[list[Planned], list[SurveillanceRun]]:
    """The runs to resume, and those that cannot be: begun too long ago, or not declared now."""
    known = {schedule for schedule, _ in declared.schedules()}
    left: list[Planned] = []
    abandoned: list[SurveillanceRun] = []
    for run in history.going:
        is_known = key_of(run).schedule_id in known
        if is_known and now - run.at <= ABANDONED_AFTER:
            left.append(Planned(run.about, run.site, run.at, is_going=True))
            continue
        hours = ABANDONED_AFTER // timedelta(hours=1)
        why = f"not finished within {hours} hours"
        if not is_known:
            why = f"{declared.path} has no such schedule now"
        reason = f"begun at {run.at:%Y-%m-%d %H:%M} UTC, and {why}"
        intensity = current_intensity(history, key_of(run).schedule_id)
        record = run_record(key_of(run), now, "failed", reason, intensity=intensity)
        abandoned.append(msgspec.structs.replace(record, campaign=run.campaign))
    return left, abandoned


def _every(
    history: History, declared: MonitoringFile, service: ServiceMonitoring
) -> dict[ScheduleId, int]:
    found = {}
    for each, _ in declared.schedules():
        state = IntensityState(intensity=current_intensity(history, each))
        found[each] = runs_every(state, service.intensity)
    return found


def _decided(
    states: Sequence[ScheduleState], history: History, now: datetime
) -> Iterator[SurveillanceRun]:
    """The events for what was missed or left out."""
    for state in states:
        intensity = current_intensity(history, state.schedule)
        for one in state.decided:
            match one:
                case Missed():
                    run = run_record(one.key, now, "missed", one.reason, intensity=intensity)
                case LeftOut():
                    reason = "surveillance is reduced"
                    run = run_record(one.key, now, "left-out", reason, intensity=intensity)
            yield msgspec.structs.replace(run, count=one.count, first_due=one.first)


def _next(runs: Iterator[DueRun | None]) -> Iterator[Planned]:
    for run in runs:
        if run is not None:
            yield Planned(run.key.text, run.key.site, run.ready_at, is_going=False)
