"""Each due time is run, missed or left out once, whenever one asks."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from harness.monitor.due_runs import (
    IN_QUIET_HOURS,
    NOT_RUNNING,
    STILL_RUNNING,
    DueRun,
    LeftOut,
    Missed,
    Recorded,
    ScheduleState,
    due_runs,
)
from harness.monitor.monitoring_file import MonitoringFile
from harness.monitor.quiet_hours import free_gaps
from harness.monitor.schedule import due_times
from test_suites.unit.harness.monitor.monitoring_example import declared_file

NIGHT = [{"from": "22:00", "to": "06:00"}]
BEGAN = datetime(2026, 11, 29, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hour: int, minute: int = 0, day: int = 29) -> datetime:
    return datetime(2026, 11, 29, hour, minute, tzinfo=UTC) + timedelta(days=day - 29)


def one(cron: str, folder: Path, quiet: list[Any] | None = None, **keys: Any) -> MonitoringFile:
    schedule = {"name": "s", "cron": cron, "campaign": "c.yaml", "jitter": 0, **keys}
    return declared_file(folder, [schedule], quiet_hours=quiet or [])


def state(declared: MonitoringFile, now: datetime, every: int = 1, **keys: Any) -> ScheduleState:
    recorded = Recorded(**{"last": BEGAN, **keys})
    ((schedule_id, _),) = declared.schedules()
    (found,) = due_runs(declared, {schedule_id: recorded}, now, b"secret", {schedule_id: every})
    assert schedule_id == found.schedule
    return found


def run_of(found: ScheduleState) -> DueRun:
    assert found.run is not None
    return found.run


def told(found: ScheduleState) -> list[tuple[datetime, datetime, int, str]]:
    return [
        (each.first, each.key.due, each.count, each.reason if isinstance(each, Missed) else "left")
        for each in found.decided
    ]


def test_the_next_run_is_told_before_it_is_due(tmp_path: Path) -> None:
    run = run_of(state(one("0 7 * * *", tmp_path), at(3)))

    assert at(7) == run.key.due == run.start == run.ready_at
    assert tmp_path / "c.yaml" == run.campaign
    assert not run.is_ready(at(6, 59))
    assert run.is_ready(at(7))


def test_a_run_may_start_late_but_not_later_than_declared(tmp_path: Path) -> None:
    declared = one("0 7 * * *", tmp_path, start_within="2h")

    assert run_of(state(declared, at(8, 59))).is_ready(at(8, 59))
    missed = state(declared, at(9))
    assert [(at(7), at(7), 1, NOT_RUNNING)] == told(missed)
    assert at(7, day=30) == run_of(missed).key.due


@pytest.mark.parametrize(
    ("cron", "hours"), [("0 7 * * *", 6), ("0 */4 * * *", 2), ("0 7 * * 1", 6)]
)
def test_otherwise_it_may_start_until_half_of_the_way_to_the_next(
    cron: str, hours: int, tmp_path: Path
) -> None:
    run = run_of(state(one(cron, tmp_path), at(3)))

    assert hours * HOUR == run.until - run.start


def test_it_may_never_start_once_the_next_is_due(tmp_path: Path) -> None:
    run = run_of(state(one("0 * * * *", tmp_path, start_within="5d"), at(3, 30)))

    assert (at(3), at(4)) == (run.key.due, run.until)


def test_days_off_are_told_as_one(tmp_path: Path) -> None:
    found = state(one("0 * * * *", tmp_path), at(9, 10, day=31))

    assert [(at(1), at(8, day=31), 56, NOT_RUNNING)] == told(found)
    assert at(9, day=31) == run_of(found).key.due


def test_due_times_within_quiet_hours_are_skipped_but_for_the_last(tmp_path: Path) -> None:
    found = state(one("30 * * * *", tmp_path, NIGHT), at(6, 10, day=30), last=at(21, 30))

    assert [(at(22, 30), at(4, 30, day=30), 7, IN_QUIET_HOURS)] == told(found)
    run = run_of(found)
    assert (at(5, 30, day=30), at(6, day=30)) == (run.key.due, run.start)
    assert run.is_ready(at(6, 10, day=30))


def test_a_late_run_does_not_start_in_quiet_hours(tmp_path: Path) -> None:
    declared = one("0 21 * * *", tmp_path, NIGHT, start_within="12h")
    late = run_of(state(declared, at(23)))
    too_late = state(one("0 21 * * *", tmp_path, NIGHT, start_within="3h"), at(23))

    assert (at(21), at(6, day=30)) == (late.start, late.ready_at)
    assert at(21, day=30) == run_of(too_late).key.due
    assert [] == told(too_late)


def test_while_a_run_goes_on_no_other_is_due(tmp_path: Path) -> None:
    declared = one("0 * * * *", tmp_path)
    found = state(declared, at(5, 10), last=at(3), is_running=True)

    assert found.run is None
    assert [(at(4), at(4), 1, STILL_RUNNING)] == told(found)
    after = state(declared, at(5, 50), last=at(3), ended=at(4, 40))
    assert [(at(4), at(4), 1, STILL_RUNNING), (at(5), at(5), 1, NOT_RUNNING)] == told(after)


def test_reduced_intensity_makes_every_third_run(tmp_path: Path) -> None:
    declared = one("0 * * * *", tmp_path)
    found = state(declared, at(3), every=3)
    assert [(at(1), at(2), 2, "left")] == told(found)
    assert at(3) == run_of(found).key.due
    early = state(declared, at(1), every=3)
    assert (1, at(3)) == (early.left_out, run_of(early).key.due)

    later = state(declared, at(2), every=3, last=at(1), left_out=1)
    assert [(at(2), at(2), 1, "left")] == told(later)
    assert (2, at(3)) == (later.left_out, run_of(later).key.due)


def test_a_missed_run_is_not_followed_by_another_at_once(tmp_path: Path) -> None:
    found = state(one("0 * * * *", tmp_path), at(4), every=2)

    assert ["left", NOT_RUNNING, "left"] == [each[3] for each in told(found)]
    assert at(4) == run_of(found).key.due


def test_jitter_is_at_most_half_of_the_way_to_the_next(tmp_path: Path) -> None:
    declared = one("*/10 * * * *", tmp_path, jitter="5d")
    for minutes in range(10, 600, 10):
        run = run_of(state(declared, BEGAN, last=BEGAN + timedelta(minutes=minutes)))
        assert timedelta(0) <= run.start - run.key.due < timedelta(minutes=5)


def test_a_schedule_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gateway/hill/s"):
        due_runs(one("0 7 * * *", tmp_path), {}, at(3), b"secret")


def test_a_run_longer_than_all_free_time_is_startable_at_its_start(tmp_path: Path) -> None:
    declared = one("0 3 * * *", tmp_path, NIGHT)
    start = run_of(state(declared, at(3, 1), last=at(3, day=28), expected=20 * HOUR)).start
    run = run_of(state(declared, start, last=at(3, day=28), expected=20 * HOUR))

    assert at(6) == start
    assert run.is_ready(start)


class Monitoring(RuleBasedStateMachine):
    """A worker that asks at odd times: each due time is run, missed or left out once."""

    @initialize(
        cron=st.sampled_from(
            ["*/10 * * * *", "0 * * * *", "30 1,5 * * *", "0 7 * * 1", "0 0 1 * *"]
        ),
        quiet=st.sampled_from([[], NIGHT, [*NIGHT, {"from": "06:20", "to": "21:00"}]]),
        jitter=st.sampled_from([0, "10m", "3h"]),
        within=st.sampled_from([None, "1m", "2d"]),
        start=st.sampled_from(
            [BEGAN, datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)]
        ),
    )
    def begin(self, cron: str, quiet: list[Any], jitter: Any, within: Any, start: datetime) -> None:
        schedule = {"name": "s", "cron": cron, "campaign": "c.yaml", "jitter": jitter}
        if within:
            schedule["start_within"] = within
        with tempfile.TemporaryDirectory() as folder:
            self.declared = declared_file(
                Path(folder), [schedule], quiet_hours=quiet, timezone="Europe/London"
            )
        ((self.id, self.schedule),) = self.declared.schedules()
        self.began, self.now, self.every = start, start, 1
        self.recorded = Recorded(last=start)
        self.fates: dict[datetime, str] = {}
        self.state: ScheduleState | None = None

    def undecided(self, number: int) -> list[datetime]:
        dues = due_times(self.schedule, self.declared.zone, self.recorded.last)
        return list(islice(dues, number))

    @rule(
        minutes=st.one_of(st.integers(0, 90), st.integers(0, 60 * 24 * 12)),
        seconds=st.integers(0, 59),
        starts=st.booleans(),
    )
    def tick(self, minutes: int, seconds: int, starts: bool) -> None:
        self.now += timedelta(minutes=minutes, seconds=seconds)
        self.ask()
        if starts:
            self.start()

    @rule()
    def the_clock_steps_back(self) -> None:
        self.now -= timedelta(minutes=1)
        self.ask()
        self.start()

    @rule()
    def wait_for_the_next_run(self) -> None:
        self.the_run_ends()
        self.ask()
        if self.state is not None and self.state.run is not None:
            self.now = max(self.now, self.state.run.ready_at)
            self.ask()
            self.start()

    @rule()
    def the_run_ends(self) -> None:
        if self.recorded.is_running:
            self.recorded = replace(self.recorded, is_running=False, ended=self.now)

    @rule(every=st.integers(1, 3), expected=st.sampled_from([0, 5, 30, 600, 3000]))
    def intensity_and_length_change(self, every: int, expected: int) -> None:
        self.every = every
        self.recorded = replace(self.recorded, expected=timedelta(minutes=expected))

    def ask(self) -> None:
        (self.state,) = due_runs(
            self.declared, {self.id: self.recorded}, self.now, b"secret", {self.id: self.every}
        )
        for each in self.state.decided:
            self.decide(each)
        self.recorded = replace(self.recorded, left_out=self.state.left_out)
        (due, following) = self.undecided(2)
        run = self.state.run
        assert following > self.now, "a due time was forgotten"
        if run is not None:
            assert run.key.due >= due
            assert run.ready_at >= run.start >= run.key.due
            assert not self.recorded.is_running
            assert self.is_free(run.ready_at)

    def decide(self, each: Missed | LeftOut) -> None:
        dues = self.undecided(each.count)
        assert (each.first, each.key.due) == (dues[0], dues[-1])
        assert each.key.due <= self.now
        self.fates |= dict.fromkeys(dues, type(each).__name__)
        self.recorded = replace(self.recorded, last=each.key.due)

    def start(self) -> None:
        assert self.state is not None
        run = self.state.run
        if run is None or not run.is_ready(self.now):
            return
        assert [run.key.due] == self.undecided(1)
        assert run.key.due not in self.fates
        assert self.is_free(self.now)
        self.fates[run.key.due] = "run"
        self.recorded = replace(self.recorded, last=run.key.due, left_out=0, is_running=True)

    def is_free(self, moment: datetime) -> bool:
        windows = self.declared.quiet_hours
        return not windows or next(free_gaps(windows, self.declared.zone, moment)).begins == moment

    def teardown(self) -> None:
        """Each due time up to the last has one fate."""
        if not hasattr(self, "recorded"):
            return
        last = self.recorded.last
        dues = due_times(self.schedule, self.declared.zone, self.began, last)
        assert list(self.fates) == list(dues)


TestMonitoring = Monitoring.TestCase
