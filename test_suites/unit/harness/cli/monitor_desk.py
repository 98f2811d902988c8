"""Gives the commands of ``accredit monitor`` in one process, at times that a test sets."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from harness.cli import monitor, monitor_alarms, monitor_retest, monitor_status
from harness.cli.event_basis import alarms_in
from harness.cli.main import app
from harness.cli.monitor_history import History, whole_history
from harness.cli.registry_session import open_session, place_of
from harness.errors import HarnessError
from harness.model.alarm import Alarm
from harness.model.event import Event
from harness.model.surveillance_event import SurveillanceRun
from test_suites.kit.campaigns.monitored_service import (
    BEGAN,
    SERVICE,
    SUPPLIER,
    MonitoredService,
)
from test_suites.kit.clocks.set_clock import SetClock

MORNING = timedelta(hours=6, minutes=20)
"""Five minutes after the daily runs are due."""
SAMPLE = 20
"""Items of a run: enough to show that a site misses nearly all."""


class RunningClock(SetClock):
    """A clock whose date stands still, and whose seconds pass."""

    def monotonic(self) -> float:
        """The seconds of this machine."""
        return perf_counter()


class Ended(NamedTuple):
    """How a command ended: its exit code, and all that it said in one line."""

    code: int
    said: str


class Desk:
    """Gives the commands about a monitored service."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **service: Any) -> None:
        self.service = MonitoredService(folder=folder / "files", **service)
        self.out = folder / "out"
        self.clock = RunningClock(BEGAN)
        for module in (monitor, monitor_status, monitor_alarms, monitor_retest):
            monkeypatch.setattr(module, "clock", self.clock)

    @property
    def registry(self) -> Path:
        """The registry of the results."""
        return self.out / "registry.sqlite"

    def accredit(self, *words: str | Path) -> Ended:
        """Give a command; an error is told as the process would tell it."""
        ended = CliRunner().invoke(app, [str(word) for word in words])
        error = ended.exception
        if isinstance(error, HarnessError):
            return Ended(error.exit_code, str(error))
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Ended(ended.exit_code, " ".join(ended.output.split()))

    def seed(self, campaign: Path) -> None:
        """Two parties give the seed of a campaign that has not begun, as a decision needs it."""
        file, out = campaign.with_suffix(".commitment.json"), ("--out", self.out)
        assert 0 == self.accredit("seed", "commit", campaign, "--file", file, *out).code
        assert 0 == self.accredit("seed", "contribute", campaign, "--by", "Sue", *out).code

    def check(self) -> Ended:
        """Check the monitoring file."""
        return self.accredit("monitor", "check", self.service.file, "--out", self.out)

    def begin(self, **changes: Any) -> None:
        """Write the files, with small samples, and let the monitor see them for the first time."""
        self.service.sample = SAMPLE
        self.service.write(**changes)
        assert Ended(0, "") == self.once()

    def once(self) -> Ended:
        """Carry out what is due."""
        return self.accredit("monitor", "once", self.service.file, "--out", self.out)

    def on_day(self, day: int, later: timedelta = timedelta(0)) -> Ended:
        """Carry out what is due on the morning of a day, the first of which is 0."""
        self.clock.at = BEGAN + timedelta(days=day) + MORNING + later
        return self.once()

    def status(self, *words: str) -> Ended:
        """Show the status."""
        return self.accredit("monitor", "status", self.service.file, "--out", self.out, *words)

    def status_data(self) -> Any:
        """The status of the first service as data."""
        return json.loads(self.status("--json").said)["services"][0]

    def alarms(self, *words: str) -> Ended:
        """List alarms."""
        return self.accredit("monitor", "alarms", "--registry", self.registry, *words)

    def alarm(self, name: str = "A-0001", supplier: str = SUPPLIER) -> Alarm:
        """An alarm as the registry holds it."""
        with (
            open_session(self.registry) as session,
            session.registry.reading(place_of(supplier).stream) as access,
        ):
            return alarms_in(access)[name]

    def retest(self, campaign: Path, *words: str | Path, alarm: str = "A-0001") -> Ended:
        """Re-test an alarm."""
        return self.accredit("monitor", "retest", alarm, campaign, "--out", self.out, *words)

    def history(self, service: str = SERVICE, supplier: str = SUPPLIER) -> History:
        """What the registry holds of the surveillance of a service."""
        with (
            open_session(self.registry) as session,
            session.registry.reading(place_of(supplier, service).stream) as access,
        ):
            return whole_history(access, "acme", service)

    def runs(self, *results: str) -> tuple[SurveillanceRun, ...]:
        """The runs of the service, of some results if any are named."""
        runs = self.history().runs
        return tuple(run for run in runs if not results or run.result in results)

    def record(self, *events: Event) -> None:
        """Record events about the supplier's services, at the time of the last one."""
        self.clock.at = events[-1].at
        with open_session(self.registry, create=True, clock=self.clock) as session:
            session.record(place_of(SUPPLIER), *events)

    def now(self) -> datetime:
        """The time that is set."""
        return self.clock.at
