"""``accredit monitor run`` as a process: it measures by schedule, ends when asked, and resumes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.model.event import Event
from harness.model.surveillance_event import RunBegun, SurveillanceRun
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.monitored_service import MonitoredService
from test_suites.kit.processes.monitor_process import FAST, running_in_group, until_soon

PATIENCE = 200.0

AHEAD = """
from datetime import timedelta
from harness.ports.storage import WallClock
told = WallClock.now
WallClock.now = lambda self: told(self) + timedelta(seconds={seconds})
"""
"""Sets the clock forward."""


@pytest.fixture
def service(tmp_path: Path) -> MonitoredService:
    """A service with a run each minute at two sites."""
    made = MonitoredService(folder=tmp_path / "files", cron="* * * * *")
    made.write()
    return made


@cache
def ahead_of(file: Path) -> timedelta:
    """How far the clock of all monitors of a file is ahead."""
    return until_soon()


def monitoring(file: Path, out: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run the monitor, by a clock whose next minute came soon after the first start."""
    seconds = ahead_of(file).total_seconds()
    return running_in_group(
        "monitor", "run", file, "--out", out, before=FAST + AHEAD.format(seconds=seconds)
    )


def events(out: Path) -> tuple[list[RunBegun], list[SurveillanceRun]]:
    """The runs that the registry says were begun, and those that were recorded."""
    found: list[Event] = []
    with suppress(UsageError), open_session(out / "registry.sqlite") as session:  # not made yet
        for head in session.registry.heads():
            with session.registry.reading(head.stream) as access:
                found += access.events()
    begun = [each for each in found if isinstance(each, RunBegun)]
    return begun, [each for each in found if isinstance(each, SurveillanceRun)]


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something holds while the process runs."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_measures_by_schedule_and_ends_in_an_orderly_way(
    service: MonitoredService, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with monitoring(service.file, out) as process:
        wait_until(lambda: any(each.result == "measured" for each in events(out)[1]), process)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, said
    assert said.splitlines()[0] == "monitoring acme; stop it with Ctrl-C"
    assert "monitoring stopped" in said


def test_after_kill_9_in_a_run_its_journal_is_resumed_and_recorded_once(
    service: MonitoredService, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with monitoring(service.file, out) as process:
        wait_until(lambda: bool(events(out)[0]), process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    (first, *_) = events(out)[0]

    with monitoring(service.file, out) as process:
        wait_until(lambda: first.about in {each.about for each in events(out)[1]}, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)

    begun, recorded = events(out)
    assert max(Counter(each.about for each in recorded).values()) == 1
    assert max(Counter(each.about for each in begun).values()) == 1
    (run,) = [each for each in recorded if each.about == first.about]
    assert run.result == "measured"
    assert run.campaign == first.campaign
    journal = open_journal(out / run.campaign / "journal")
    journal.require_unchanged()
    assert journal.rows == run.attempts


def test_two_monitors_cannot_use_the_same_folder(service: MonitoredService, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with monitoring(service.file, out) as process:
        wait_until((out / ".monitor-acme" / "lock.pid").exists, process)
        with monitoring(service.file, out) as second:
            said, _ = second.communicate(timeout=PATIENCE)

    assert second.returncode == 2, said
    assert f"process {process.pid} is writing here" in said
