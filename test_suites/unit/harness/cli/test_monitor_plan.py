"""What is due of a monitored service, from what the registry holds. Nothing is measured."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.cli import plan_step
from harness.cli.monitor_history import current_intensity, intensity_of
from harness.cli.monitor_plan import Surveillance
from harness.model.conformity import Conformity
from harness.model.surveillance_event import RunBegun, SurveillanceRun
from harness.monitor.monitoring_file import ScheduleId, ServiceMonitoring, read_monitoring
from test_suites.kit.campaigns.monitored_runs import reading, run
from test_suites.kit.campaigns.monitored_service import BEGAN, SERVICE
from test_suites.unit.harness.cli.monitor_desk import MORNING, Desk

HILL = "Hill School"
SCHEDULE = ScheduleId.of(SERVICE, HILL, "daily")
DAY = timedelta(days=1)
FAILED = reading(60, 60, conformity=Conformity.DOES_NOT_CONFORM)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch, sites=(HILL,))


def measured(day: int, *readings: Any, **values: Any) -> SurveillanceRun:
    """A run of a day since monitoring began."""
    due = BEGAN + day * DAY + timedelta(hours=6, minutes=15)
    made = run(day, *(readings or (reading(),)), **values)
    return msgspec.structs.replace(made, due=due, at=due + timedelta(minutes=5), begun=due)


def service_of(desk: Desk) -> ServiceMonitoring:
    return read_monitoring(desk.service.file).services[0]


def record(desk: Desk, runs: Iterable[SurveillanceRun]) -> None:
    """Record runs, each with the intensity that holds after it."""
    for each in runs:
        history = desk.history()
        history = history._replace(runs=(*history.runs, each))
        after = intensity_of(history, service_of(desk), SCHEDULE)
        desk.record(msgspec.structs.replace(each, then=after.intensity))


def due_after(desk: Desk, at: datetime) -> datetime:
    """When the next run starts."""
    (planned,) = Surveillance(desk.service.file, desk.out, desk.clock).planned(at)
    return planned.start


@pytest.mark.parametrize(
    ("declared", "after", "next_on"),
    [({}, "normal", 10), ({"reduced": {"every": 3}}, "reduced", 12)],
)
def test_surveillance_is_reduced_only_where_that_is_declared(
    desk: Desk, declared: dict[str, Any], after: str, next_on: int
) -> None:
    desk.begin(intensity=declared)

    record(desk, [measured(day) for day in range(10)])

    assert after == current_intensity(desk.history(), SCHEDULE)
    assert BEGAN + next_on * DAY + timedelta(hours=6, minutes=15) == due_after(desk, desk.now())


def test_a_run_that_decides_nothing_earns_no_reduced_surveillance(desk: Desk) -> None:
    desk.begin(intensity={"reduced": {"every": 3}})
    open_run = measured(9, reading(conformity=Conformity.INSUFFICIENT))

    record(desk, [*(measured(day) for day in range(9)), open_run])

    assert "normal" == current_intensity(desk.history(), SCHEDULE)


def test_reduced_surveillance_leaves_out_as_many_runs_as_declared_across_months(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch, sites=(HILL,), cron="15 6 1 * *")
    desk.begin(intensity={"reduced": {"every": 4}})
    desk.record(measured(30, then="reduced", intensity="reduced"))
    planner = Surveillance(desk.service.file, desk.out, desk.clock)

    starts = []
    for month in range(5, 9):
        desk.clock.at = datetime(2026, month, 1, 6, 15, tzinfo=BEGAN.tzinfo)
        starts += [each.start for each in planner.planned(desk.now())]

    assert [datetime(2026, 8, 1, 6, 15, tzinfo=BEGAN.tzinfo)] * 4 == starts
    assert [(1, "reduced")] * 3 == [(one.count, one.intensity) for one in desk.runs("left-out")]


def test_runs_that_fail_are_followed_by_tightened_and_then_discontinued(desk: Desk) -> None:
    desk.begin()

    record(desk, [measured(day, FAILED) for day in range(7)])

    assert ["normal", *["tightened"] * 5, "discontinued"] == [one.then for one in desk.runs()]


def test_due_times_that_a_wrong_clock_recorded_do_not_silence_a_schedule(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.begin()
    desk.clock.at = BEGAN + 900 * DAY
    Surveillance(desk.service.file, desk.out, desk.clock).planned(desk.now())
    (missed,) = desk.runs("missed")
    assert 899 < missed.count < 902
    desk.clock.at = BEGAN + 2 * DAY
    monkeypatch.setattr(plan_step.clock, "source", desk.clock)
    words = ("plan", "correct-clock", "--reason", "a year ahead", "--registry", desk.registry)
    assert 0 == desk.accredit(*words).code

    start = due_after(desk, desk.now())

    assert start < BEGAN + 4 * DAY


def test_a_run_that_was_begun_is_resumed_before_others_are_due(desk: Desk) -> None:
    desk.begin()
    due = BEGAN + timedelta(hours=6, minutes=15)
    begun = RunBegun(
        at=due, actor="m", service=SERVICE, monitoring="acme", site=HILL, schedule="daily",
        due=due, campaign="begun",
    )  # fmt: skip
    desk.record(begun)
    planner = Surveillance(desk.service.file, desk.out, desk.clock)

    (planned,) = planner.planned(BEGAN + MORNING)

    assert (begun.about, True) == (planned.key, planned.is_going)
    desk.clock.at = BEGAN + MORNING + DAY
    (following,) = planner.planned(desk.now())
    assert not following.is_going
    (failed,) = planner.missed()
    assert ("failed", "begun") == (failed.result, failed.campaign)
    assert () == planner.missed()


def test_a_file_that_became_faulty_leaves_the_last_good_one(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.begin()
    planner = Surveillance(desk.service.file, desk.out, desk.clock)
    desk.service.file.write_text("monitoring: [", encoding="utf-8")

    first, again = planner.planned(desk.now()), planner.planned(desk.now())

    assert first == again
    assert 1 == len(first)
    assert 1 == capsys.readouterr().err.count("continues with the file as it was before")
