"""What is due now: the next run of each schedule, and what was missed or left out since the last.

``due_runs`` decides each due time once and in order: it is run, missed or left out. A due time may
be started from its planned start until ``start_within`` later, and only until the next due time;
so never are two runs of a schedule startable at once. What is returned as decided has to be
recorded before the next call, and so has a run that is started: ``Recorded.last`` is its due time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from harness.monitor.monitoring_file import MonitoringFile, Schedule, ScheduleId
from harness.monitor.quiet_hours import earliest_start
from harness.monitor.schedule import RunKey, due_times, start_of

LONGEST_START_WITHIN = timedelta(hours=6)
"""How late a run may start at most, if the schedule does not say."""

NOT_RUNNING = "the monitor was not running"
IN_QUIET_HOURS = "skipped: inside quiet hours until the next run was due"
STILL_RUNNING = "the run before it had not ended"

_MOST_AHEAD = 20_000
"""The most due times in the future that are looked at to find the next run."""
_NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is recorded of a schedule. ``last``: due time last decided, or when monitoring began.

    ``left_out``: due times left out since the last run or miss. ``is_running``: whether a run goes
    on; ``ended``: when the last one ended; ``expected``: how long a run takes.
    """

    last: datetime
    left_out: int = 0
    is_running: bool = False
    ended: datetime | None = None
    expected: timedelta = _NO_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRun:
    """The run that is due, or the next one. It may start from ``ready_at`` to before ``until``.

    ``start`` is the planned start; ``ready_at`` is later if quiet hours have begun since.
    """

    key: RunKey
    campaign: Path
    start: datetime
    ready_at: datetime
    until: datetime

    def is_ready(self, now: datetime) -> bool:
        """Whether it may start now."""
        return self.ready_at <= now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """``count`` consecutive due times that were not started: from ``first`` to ``key.due``."""

    key: RunKey
    first: datetime
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """``count`` consecutive due times that reduced intensity leaves out."""

    key: RunKey
    first: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """What is to be done about one schedule: ``decided``, to be recorded in order; then ``run``.

    ``run`` is None while a run goes on. ``left_out`` is for the next ``Recorded``; it is 0 once the
    run is started.
    """

    schedule: ScheduleId
    decided: tuple[Missed | LeftOut, ...]
    left_out: int
    run: DueRun | None


def due_runs(
    declared: MonitoringFile,
    recorded: Mapping[ScheduleId, Recorded],
    now: datetime,
    secret: bytes,
    every: Mapping[ScheduleId, int] | None = None,
) -> tuple[ScheduleState, ...]:
    """Return what is to be done now about each schedule of a file, in its order.

    ``every``: of schedules whose inspection is reduced, the ``reduced.every`` of their service.
    Raises ValueError for a schedule that nothing is recorded of: record when it began.
    """
    states = []
    for service in declared.services:
        for site in service.sites:
            for schedule in site.schedules:
                schedule_id = ScheduleId.of(service.service, site.site, schedule.name)
                if schedule_id not in recorded:
                    msg = f"nothing is recorded of {'/'.join(schedule_id)}: record when it began"
                    raise ValueError(msg)
                plan = _Plan(
                    declared=declared,
                    schedule=schedule,
                    names=(service.service, site.site),
                    recorded=recorded[schedule_id],
                    secret=secret,
                    every=(every or {}).get(schedule_id, 1),
                )
                states.append(_state_of(plan, schedule_id, now))
    return tuple(states)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """One schedule with all that its runs depend on."""

    declared: MonitoringFile
    schedule: Schedule
    names: tuple[str, str]
    recorded: Recorded
    secret: bytes
    every: int

    def key(self, due: datetime) -> RunKey:
        return RunKey(self.declared.monitoring, *self.names, self.schedule.name, due)

    def slots(self) -> Iterator[_Slot]:
        """Yield the due times that are not decided, each with its planned start."""
        dues = due_times(self.schedule, self.declared.zone, self.recorded.last)
        for due, following in pairwise(dues):
            half = (following - due) / 2
            start = start_of(
                due,
                self.key(due).text,
                jitter=min(self.declared.jitter_of(self.schedule), half),
                quiet_hours=self.declared.quiet_hours,
                timezone=self.declared.zone,
                secret=self.secret,
                expected=self.recorded.expected,
            )
            within = self.schedule.start_within or min(half, LONGEST_START_WITHIN)
            yield _Slot(due, start, min(start + within, following), following)

    def run(self, slot: _Slot, now: datetime) -> DueRun | None:
        """Return the run of a due time; None if quiet hours last until it is too late."""
        ready = earliest_start(
            max(slot.start, now),
            self.recorded.expected,
            self.declared.quiet_hours,
            self.declared.zone,
        )
        if ready >= slot.until:
            return None
        return DueRun(
            key=self.key(slot.due),
            campaign=self.declared.campaign_path(self.schedule),
            start=slot.start,
            ready_at=ready,
            until=slot.until,
        )

    def reason(self, slot: _Slot) -> str:
        """Return why a due time was missed that could have been started."""
        ended = self.recorded.ended
        if self.recorded.is_running or (ended is not None and ended >= slot.until):
            return STILL_RUNNING
        return NOT_RUNNING


@dataclass(frozen=True, slots=True)
class _Slot:
    """A due time, its planned start, until when it may start, and the following due time."""

    due: datetime
    start: datetime
    until: datetime
    following: datetime

    @property
    def is_skipped(self) -> bool:
        """Whether quiet hours last until the following due time."""
        return self.start >= self.following


def _state_of(plan: _Plan, schedule: ScheduleId, now: datetime) -> ScheduleState:
    decided: list[Missed | LeftOut] = []
    turns, recorded_turns = plan.recorded.left_out, plan.recorded.left_out
    ahead, run = 0, None
    for slot in plan.slots():
        if slot.is_skipped:
            if slot.following <= now:
                _add_missed(decided, plan, slot, IN_QUIET_HOURS)
        elif turns < plan.every - 1:
            turns += 1
            if slot.start <= now:
                _add_left_out(decided, plan, slot)
                recorded_turns = turns
        elif slot.until <= now:
            turns = recorded_turns = 0
            _add_missed(decided, plan, slot, plan.reason(slot))
        else:
            run = None if plan.recorded.is_running else plan.run(slot, now)
            if run is not None or plan.recorded.is_running:
                break
        ahead += slot.due > now
        if ahead > _MOST_AHEAD:
            break
    return ScheduleState(
        schedule=schedule, decided=tuple(decided), left_out=recorded_turns, run=run
    )


def _add_missed(decided: list[Missed | LeftOut], plan: _Plan, slot: _Slot, reason: str) -> None:
    last = decided[-1] if decided else None
    key = plan.key(slot.due)
    if isinstance(last, Missed) and last.reason == reason:
        decided[-1] = replace(last, key=key, count=last.count + 1)
    else:
        decided.append(Missed(key=key, first=slot.due, count=1, reason=reason))


def _add_left_out(decided: list[Missed | LeftOut], plan: _Plan, slot: _Slot) -> None:
    last = decided[-1] if decided else None
    key = plan.key(slot.due)
    if isinstance(last, LeftOut):
        decided[-1] = replace(last, key=key, count=last.count + 1)
    else:
        decided.append(LeftOut(key=key, first=slot.due, count=1))
