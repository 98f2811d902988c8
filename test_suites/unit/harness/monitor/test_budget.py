"""A budget refuses what is too much, in words, and says from when on it is allowed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.monitor.budget import Refusal, SpentRun, refusal_of
from harness.monitor.monitoring_file import Budget, MonitoringFile
from test_suites.unit.harness.monitor.monitoring_example import declared_file, moments

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SCHEDULE = {"name": "s", "cron": "0 7 * * *", "campaign": "c.yaml"}


def file_with(folder: Path, own: dict[str, int] | None = None, **budget: Any) -> MonitoringFile:
    declared = declared_file(folder, [SCHEDULE], budget=budget, timezone="Europe/London")
    service = declared.services[0].model_copy(update={"budget": Budget(**(own or {}))})
    return declared.model_copy(update={"services": (service,)})


def refused(
    declared: MonitoringFile, *spent: SpentRun, estimate: int = 100, now: datetime = NOW
) -> Refusal | None:
    return refusal_of(declared, declared.services[0], spent, estimate, now)


def run(attempts: int = 100, service: str = "Gateway", at: datetime = NOW) -> SpentRun:
    return SpentRun(service, at, attempts)


def test_without_a_budget_every_run_is_allowed(tmp_path: Path) -> None:
    assert refused(file_with(tmp_path), *[run(10**9)] * 1000) is None


def test_runs_of_a_day_are_limited(tmp_path: Path) -> None:
    declared = file_with(tmp_path, runs_per_day=2)

    assert refused(declared, run()) is None
    assert Refusal(
        "budget of north: 2 runs a day are used; the next may start on 2026-11-30 00:00",
        datetime(2026, 11, 30, tzinfo=UTC),
    ) == refused(declared, run(), run(service="Another"))


def test_a_service_has_a_budget_of_its_own(tmp_path: Path) -> None:
    declared = file_with(tmp_path, own={"runs_per_day": 2}, runs_per_day=9)
    found = refused(declared, run(), run(service=" GATEWAY"))

    assert refused(declared, run(), run(service="Another")) is None
    assert found is not None
    assert found.words.startswith("budget of Gateway: 2 runs")


def test_attempts_of_a_day_are_limited(tmp_path: Path) -> None:
    declared = file_with(tmp_path, attempts_per_day=1000)
    found = refused(declared, run(901))

    assert refused(declared, run(900)) is None
    assert found is not None
    assert found.words == (
        "budget of north: 901 of 1,000 attempts a day are used, and the run needs about 100; "
        "it may start on 2026-11-30 00:00"
    )


def test_the_limit_that_forbids_for_the_longest_is_told(tmp_path: Path) -> None:
    declared = file_with(tmp_path, runs_per_day=2, attempts_per_day=1000, attempts_per_month=1000)
    month = refused(declared, run(75), run(75), estimate=900)
    never = refused(declared, run(75), run(75), estimate=1001)

    assert month is not None
    assert datetime(2026, 12, 1, tzinfo=UTC) == month.again_at
    assert never is not None
    assert never.again_at is None
    assert "raise the budget, or take smaller samples" in never.words


@pytest.mark.parametrize(
    ("started", "now", "is_allowed"),
    [
        ("2026-07-01T22:59", "2026-07-01T23:01", True),  # midnight in London is 23:00 UTC
        ("2026-07-01T23:00", "2026-07-02T22:59", False),
        ("2026-11-29T23:59", "2026-11-30T00:00", True),
        ("2026-11-30T12:00", "2026-11-30T11:59", False),  # the clock was set back
    ],
)
def test_a_day_is_one_of_the_time_zone(
    started: str, now: str, is_allowed: bool, tmp_path: Path
) -> None:
    moments = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (started, now)]
    declared = file_with(tmp_path, runs_per_day=1)

    assert is_allowed == (refused(declared, run(at=moments[0]), now=moments[1]) is None)


@pytest.mark.parametrize(
    ("now", "again"), [("2026-12-31", "2027-01-01"), ("2026-02-01", "2026-03-01")]
)
def test_a_month_ends_with_its_last_day(now: str, again: str, tmp_path: Path) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = refused(file_with(tmp_path, attempts_per_month=100), run(at=moment), now=moment)

    assert found is not None
    assert datetime.fromisoformat(again).replace(tzinfo=UTC) == found.again_at
    assert found.words.endswith(f"{again} 00:00")


@given(
    ages=st.lists(st.integers(0, 60 * 24 * 40), max_size=20),
    attempts=st.integers(1, 60),
    now=moments("2026-01-01", "2027-01-01"),
)
def test_what_is_refused_is_allowed_when_it_says(
    ages: list[int], attempts: int, now: datetime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("file")
    declared = file_with(folder, runs_per_day=3, attempts_per_day=100, attempts_per_month=400)
    spent = [run(attempts, at=now - timedelta(minutes=age)) for age in ages]
    found = refused(declared, *spent, estimate=attempts, now=now)

    if found is not None:
        assert found.again_at is not None
        assert found.again_at > now
        assert refused(declared, *spent, estimate=attempts, now=found.again_at) is None
