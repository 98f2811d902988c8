"""``accredit monitor --hub`` as a process: it enrols, measures, sends, ends, and survives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import msgspec
import pytest

from harness.cli.agent_home import AgentHome
from harness.fleet.identity import Identity
from harness.fleet.messages import (
    Enrol,
    Enrolled,
    FromAgent,
    FromHub,
    Invitation,
    Order,
    OrderFile,
    Poll,
    Polled,
    Refused,
    RunReport,
    read_token,
)
from harness.model.surveillance_event import SurveillanceRun
from test_suites.kit.campaigns.monitored_service import SERVICE, MonitoredService
from test_suites.kit.hubs.fake_hub import FakeHub, HubMemory
from test_suites.kit.networks.public_origin import free_ports
from test_suites.kit.processes.monitor_process import FAST, running_in_group, until_soon
from test_suites.kit.processes.running import accredit
from test_suites.processes.test_monitoring import events

PATIENCE = 200.0
SITE = "Hill School"
AHEAD = timedelta(days=365)
"""The device's clock is a year behind the hub's."""


@dataclass
class Orders(HubMemory):
    """A hub that enrols by a token, once, and gives an order; ``seen`` is all that it was sent."""

    digest: str = ""
    order: Order | None = None
    is_revoked: bool = False
    enrolled: int = 0
    seen: list[FromAgent] = field(default_factory=list)
    on_report: Callable[[], None] = lambda: None

    def answer(self, message: FromAgent) -> FromHub:
        """Answer as a hub does."""
        self.seen.append(message)
        if self.is_revoked:
            return Refused(reason="revoked", words="the school has left")
        match message:
            case Enrol():
                if read_token(message.token).digest != self.digest or self.enrolled:
                    return Refused(reason="token", words="this token was used")
                self.enrolled += 1
                return Enrolled(service=SERVICE, site=SITE)
            case Poll():
                is_newer = self.order is not None and self.order.serial > message.serial
                order = self.order if is_newer else None
                return Polled(order=order, certificates=self.certificates)
            case RunReport():
                answer = super().answer(message)
                self.on_report()
                return answer
        return super().answer(message)

    @property
    def runs_by_key(self) -> dict[str, set[str]]:
        """What the hub holds: the texts of reports by the key of the run."""
        found: dict[str, set[str]] = {}
        for text in self.runs:
            run = msgspec.json.decode(text, type=SurveillanceRun)
            found.setdefault(run.about, set()).add(text)
        return found

    def measured(self) -> list[SurveillanceRun]:
        """The runs that were measured, of those that the hub holds."""
        runs = [msgspec.json.decode(text, type=SurveillanceRun) for text in list(self.runs)]
        return [run for run in runs if run.result == "measured"]


@dataclass
class Device:
    """A device at a school, and its hub."""

    folder: Path
    hub: FakeHub
    memory: Orders
    token: Path

    @property
    def out(self) -> Path:
        """Where the agent's files are."""
        return self.folder / "out"

    def running(self, *words: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """Run the agent in a process group of its own."""
        out = str(self.out)
        told = ["monitor", "--hub", self.hub.url, "--out", out, "--page", "0", *words]
        return running_in_group(*told, before=FAST)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """A device with a token, whose order is to measure each minute; the next run comes soon."""
    service = MonitoredService(folder=tmp_path / "files", sites=(SITE,), cron="* * * * *")
    service.write()
    files = tuple(
        OrderFile(name=path.name, data=path.read_bytes()) for path in service.folder.iterdir()
    )
    issued = datetime(2026, 3, 1, tzinfo=UTC)
    order = Order(serial=1, issued=issued, monitoring=service.file.name, files=files)
    identity = Identity.new()
    invitation = Invitation(hub=identity.public, secret="s" * 43)
    ahead = AHEAD + until_soon()
    memory = Orders(digest=invitation.digest, order=order)
    hub = FakeHub(
        agent=AgentHome(tmp_path / "out").identity().public,
        identity=identity,
        memory=memory,
        clock=lambda: datetime.now(UTC) + ahead,
    )
    token = tmp_path / "token"
    token.write_text(invitation.token() + "\n", encoding="ascii")
    with hub.running():
        yield Device(tmp_path, hub, memory, token)


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something holds while the process runs."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


# what a person gets wrong


def refused(*words: str | Path) -> str:
    """What is said to a wrong call, which ends with 2 and one sentence."""
    ended = accredit("monitor", *words)
    assert "Traceback" not in ended.stderr
    assert (2, "") == (ended.returncode, ended.stdout), ended.stderr
    assert 1 == len(ended.stderr.splitlines()), ended.stderr
    return ended.stderr


def test_a_device_without_a_token_is_told_what_it_needs(tmp_path: Path) -> None:
    said = refused("--hub", "https://hub.invalid", "--out", tmp_path)
    assert "this device is not enrolled; give the token of 'accredit hub agent invite'" in said


@pytest.mark.parametrize("token", ["x", "accredit-agent-", "accredit-agent-e30", "\xff", "\0"])
def test_a_faulty_token_is_refused_and_not_quoted(tmp_path: Path, token: str) -> None:
    path = tmp_path / "token"
    path.write_text(token, encoding="latin-1")
    said = refused("--hub", "https://hub.invalid", "--token-file", path, "--out", tmp_path)
    assert "the token is not whole" in said or "it is no token" in said
    assert "e30" not in said


def test_a_hub_that_is_not_reached_ends_enrolment(tmp_path: Path) -> None:
    token = Invitation(hub=Identity.new().public, secret="s" * 43).token()
    port = free_ports()["http"]
    said = refused("--hub", f"https://127.0.0.1:{port}", "--token", token, "--out", tmp_path)
    assert "this device is not enrolled: the hub 127.0.0.1" in said
    assert token[20:40] not in said
    assert not (tmp_path / "agent/hub.json").exists()


def test_a_hub_that_is_no_address_is_refused(tmp_path: Path) -> None:
    token = Invitation(hub=Identity.new().public, secret="s" * 43).token()
    refused("--hub", "ftp://hub.example", "--token", token, "--out", tmp_path)


def test_the_agent_takes_no_command(tmp_path: Path) -> None:
    said = refused("--hub", "https://hub.invalid", "status", tmp_path / "monitoring.yaml")
    assert "--hub takes no command" in said


def test_monitor_alone_shows_its_help() -> None:
    ended = accredit("monitor")
    assert 2 == ended.returncode
    assert "--hub" in ended.stdout
    assert "Traceback" not in ended.stderr


# what it does


def test_it_enrols_measures_by_the_hubs_time_and_sends(device: Device) -> None:
    port = free_ports()["http"]
    with device.running("--token-file", str(device.token), "--page", str(port)) as process:
        wait_until(lambda: bool(device.memory.measured()), process)
        with urlopen(f"http://127.0.0.1:{port}/", timeout=60) as page:
            shown = page.read().decode()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)

    assert 0 == process.returncode, said
    assert f"enrolled for {SERVICE} at {SITE}" in said
    assert "order 1 of the hub is in force" in said
    assert "the agent has stopped" in said
    assert "Traceback" not in said
    (run, *_) = device.memory.measured()
    assert abs(run.at - datetime.now(UTC) - AHEAD) < timedelta(hours=1)
    assert device.memory.runs[next(iter(device.memory.runs))]
    assert SITE in shown
    assert "1 year" not in shown
    with pytest.raises(URLError):
        urlopen(f"http://127.0.0.1:{port}/", timeout=60)

    with device.running("--token-file", str(device.token)) as process:  # a unit that is not changed
        polls = sum(isinstance(each, Poll) for each in device.memory.seen)
        wait_until(
            lambda: sum(isinstance(each, Poll) for each in device.memory.seen) > polls, process
        )
        with device.running() as second:
            told, _ = second.communicate(timeout=PATIENCE)
        assert 2 == second.returncode
        assert f"process {process.pid} is writing here" in " ".join(told.split())
    assert 1 == device.memory.enrolled
    held = [
        each
        for poll in device.memory.seen
        if isinstance(poll, Poll)
        for each in poll.status.brackets
    ]
    assert all(each.held for each in held), held


def test_a_device_that_is_revoked_ends_and_says_so(device: Device) -> None:
    with device.running("--token-file", str(device.token)) as process:
        wait_until(lambda: any(isinstance(each, Poll) for each in device.memory.seen), process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert 0 == process.returncode

    device.memory.is_revoked = True
    with device.running() as process:
        said, _ = process.communicate(timeout=PATIENCE)

    assert 2 == process.returncode, said
    words = "the hub has revoked this agent: the school has left; nothing more is measured"
    assert words in " ".join(said.split())
    assert not (device.out / "agent/orders").exists()
    assert (device.out / "agent/spool").exists()


def test_a_token_that_was_used_enrols_no_second_device(device: Device) -> None:
    device.memory.enrolled = 1
    with device.running("--token-file", str(device.token)) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert 2 == process.returncode
    assert "the hub does not enrol this device: this token was used" in " ".join(said.split())


@pytest.mark.parametrize("moment", ["while it measures", "while the hub takes a run"])
def test_after_kill_9_each_run_is_at_the_hub_once_and_none_is_lost(
    device: Device, moment: str
) -> None:
    with device.running("--token-file", str(device.token)) as process:
        if moment == "while it measures":
            wait_until(lambda: bool(events(device.out)[0]), process)
            os.killpg(process.pid, signal.SIGKILL)
        else:

            def kill() -> None:
                device.memory.on_report = lambda: None
                os.killpg(process.pid, signal.SIGKILL)
                raise ConnectionResetError

            device.memory.on_report = kill
        process.wait(PATIENCE)
    (first, *_) = events(device.out)[0]

    with device.running() as process:
        wait_until(
            lambda: (
                first.about in device.memory.runs_by_key
                and not list((device.out / "agent/spool").iterdir())
            ),
            process,
        )
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
    assert 0 == process.returncode, said

    assert {1} == {len(texts) for texts in device.memory.runs_by_key.values()}
    begun, recorded = events(device.out)
    assert max(Counter(each.about for each in begun).values()) == 1
    assert max(Counter(each.about for each in recorded).values()) == 1
    (run,) = [each for each in device.memory.measured() if each.about == first.about]
    assert run.campaign == first.campaign
    with device.running() as process:  # what was recorded last is sent at the next start
        wait_until(
            lambda: {each.about for each in recorded} <= {*device.memory.runs_by_key}, process
        )
