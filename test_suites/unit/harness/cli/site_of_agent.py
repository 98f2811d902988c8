"""An agent at a site with a hub that tests play, for tests of what it does each minute."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import cast

import msgspec
import pytest

from harness.cli import site_agent
from harness.cli.agent_home import AgentHome
from harness.cli.hub_clock import HubClock
from harness.cli.monitor_jobs import Job
from harness.cli.monitor_run import carry_out, monitored
from harness.cli.site_agent import SiteAgent
from harness.fleet.messages import (
    FromAgent,
    FromHub,
    Order,
    OrderFile,
    Poll,
    Polled,
    Refused,
    RunReport,
    Update,
    UplinkReport,
)
from harness.fleet.signed_time import ClockReading
from harness.model.surveillance_event import SurveillanceRun
from probes.agent.run_spool import RunSpool
from probes.agent.uplink import HubUplink
from probes.agent.uplink_error import UplinkError
from test_suites.kit.campaigns.monitored_service import BEGAN, MonitoredService
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.fake_hub import HubMemory

SITE = "Hill School"
DUE = BEGAN + timedelta(hours=6, minutes=15)
DOWN = "the hub hub.example:443 was not reached: No route to host"


@dataclass
class PlayedHub:
    """The hub as an agent meets it; ``down`` is why it is not reached, if it is not.

    ``offset`` is what the system's clock of the device is behind the hub's, in seconds. With
    ``loses_answers`` the first answer to each reported run does not reach the agent.
    """

    offset: float = 0.0
    bound: float = 0.01
    down: str = ""
    order: Order | None = None
    update: Update | None = None
    refusal: Refused | None = None
    memory: HubMemory = field(default_factory=HubMemory)
    asked: list[FromAgent] = field(default_factory=list)
    report: UplinkReport | None = None
    loses_answers: bool = False

    def read_clock(self) -> ClockReading:
        """Tell the time."""
        self._require_up()
        return ClockReading(self.offset, self.bound, monotonic())

    def ask(self, message: FromAgent) -> FromHub:
        """Answer a message."""
        self._require_up()
        self.asked.append(message)
        if self.refusal is not None:
            return self.refusal
        if isinstance(message, Poll):
            newer = self.order is not None and self.order.serial > message.serial
            return Polled(order=self.order if newer else None, update=self.update)
        answer = self.memory.answer(message)
        times = sum(each == message for each in self.reports)
        if self.loses_answers and times == 1:
            lost = "the connection was cut off before the answer"
            raise UplinkError(lost, "unreached")
        return answer

    @property
    def polls(self) -> list[Poll]:
        """What the agent said of itself."""
        return [each for each in self.asked if isinstance(each, Poll)]

    @property
    def reports(self) -> list[RunReport]:
        """The runs that it reported."""
        return [each for each in self.asked if isinstance(each, RunReport)]

    def _require_up(self) -> None:
        if self.down:
            raise UplinkError(self.down, "unreached")


class PlayedSite:
    """An agent whose clocks a test moves; the runs that it plans are carried out by the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.out = folder, folder / "out"
        self.service = MonitoredService(folder=folder / "files", sites=(SITE,), sample=8)
        self.service.write()
        self.hub = PlayedHub()
        self.now = BEGAN + timedelta(hours=1)
        self.passed = 0.0
        self.bracket: Callable[[str], str | None] = lambda schedule: None
        self.tried: list[str] = []
        self.fetched: list[Update] = []
        monkeypatch.setattr(site_agent, "bracket_fault", self._bracket_fault)
        monkeypatch.setattr(site_agent, "HubClock", self)
        self.left: HubClock | None = None
        monkeypatch.setattr(site_agent, "clock_left", lambda path: self.left)
        self.start()

    def start(self) -> None:
        """Start the agent, again if it was started."""
        self.stop = threading.Event()
        self.home = AgentHome(self.out)
        self.home.identity()
        self.spool = RunSpool(self.home.folder, monotonic=lambda: self.passed, chance=lambda: 0.5)
        self.agent = SiteAgent(
            self.home,
            self.out,
            cast("HubUplink", self.hub),
            self.spool,
            self.stop,
            self._fetch,
            aside=lambda work: work(),
        )

    def of(self, reading: ClockReading) -> HubClock:
        """Make the agent's clock, in place of ``HubClock.of``."""
        return HubClock.of(
            ClockReading(reading.offset, reading.bound, 0.0),
            monotonic=lambda: 0.0,
            steady=lambda: self.passed,
            system=lambda: self.system,
        )

    @property
    def system(self) -> datetime:
        """What the system's clock shows."""
        return self.now - timedelta(seconds=self.hub.offset)

    def minutes(self, number: float = 1) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=number)
        self.passed += number * 60

    def due(self, after: float = 1) -> Sequence[Job]:
        """Let some minutes pass, and ask the agent what is due."""
        self.minutes(after)
        return self.agent.due(self.system)

    def give_order(self, serial: int = 1, **changes: str) -> None:
        """Let the hub send an order; ``changes`` are the texts of files by their stems."""
        files = {
            path.relative_to(self.service.folder).as_posix(): path.read_bytes()
            for path in sorted(self.service.folder.rglob("*"))
            if path.is_file()
        }
        files |= {f"{stem}.yaml": text.encode() for stem, text in changes.items()}
        self.hub.order = Order(
            serial=serial,
            issued=datetime(2026, 3, 1, tzinfo=UTC),
            monitoring=self.service.file.name,
            files=tuple(OrderFile(name=name, data=data) for name, data in files.items()),
        )

    def _fetch(self, update: Update) -> Path:
        self.fetched.append(update)
        return Path("updates/new.whl")

    def _bracket_fault(self, words: Sequence[str], stop: threading.Event) -> str | None:
        assert stop is self.stop
        assert "bracket" in words
        self.tried.append(words[words.index("--schedule") + 1])
        return self.bracket(self.tried[-1])

    def carry_out(self, key: str) -> SurveillanceRun:
        """Measure a due run at the hub's time, as the agent's command does."""
        declared = self.agent.declared()
        assert declared is not None
        return carry_out(monitored(declared, key, self.out), SetClock(self.now)).run


def run_in(report: RunReport) -> SurveillanceRun:
    """The run of a report."""
    return msgspec.json.decode(report.run, type=SurveillanceRun)


def run_of(site: PlayedSite) -> str:
    """Wait until the daily run is due, and return its key."""
    site.minutes((DUE - site.now) / timedelta(minutes=1))
    (job,) = site.due(0)
    return job.key


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was printed since it was last asked, on both streams."""
    said = capsys.readouterr()
    return [*said.err.splitlines(), *said.out.splitlines()]
