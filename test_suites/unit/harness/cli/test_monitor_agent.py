"""Enrolment of a device, and the start and end of its work, against a hub on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from harness.cli import monitor_in_process
from harness.cli.agent_home import AgentHome
from harness.cli.monitor_agent import AgentOptions, run_agent
from harness.errors import UsageError
from harness.fleet.messages import (
    Enrol,
    Enrolled,
    FromAgent,
    FromHub,
    Invitation,
    Poll,
    Polled,
    Refused,
    read_token,
)
from probes.agent.proxy_choice import NO_PROXY
from test_suites.kit.hubs.fake_hub import FakeHub, HubMemory
from test_suites.kit.processes.product import free_port

SERVICE, SITE = "Safe Net", "Hill School"


@dataclass
class Enrolling(HubMemory):
    """A hub that enrols by one token; ``refuses`` is what it says instead."""

    digest: str = ""
    refuses: Refused | None = None
    asked: list[FromAgent] = field(default_factory=list)

    def answer(self, message: FromAgent) -> FromHub:
        """Answer as a hub does."""
        self.asked.append(message)
        if self.refuses is not None:
            return self.refuses
        if isinstance(message, Enrol):
            is_known = read_token(message.token).digest == self.digest
            words = "this token is not known"
            return (
                Enrolled(service=SERVICE, site=SITE)
                if is_known
                else Refused(reason="token", words=words)
            )
        if isinstance(message, Poll):
            return Polled(certificates=self.certificates)
        return super().answer(message)


@dataclass
class Setting:
    """A device, its hub, and its token."""

    out: Path
    hub: FakeHub
    memory: Enrolling
    token: str

    def work(self, token: str = "", *, hub: str = "", page: int = 0) -> None:
        """Run the agent."""
        run_agent(AgentOptions(hub or self.hub.url, self.out, token, NO_PROXY, page, 1))


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """An agent that asks once what is due, and is stopped then."""

    def once(agent: Any, *given: Any, workers: int) -> None:
        del given, workers
        agent.due(agent.state.clock.now() if agent.state.clock else None)

    monkeypatch.setattr(monitor_in_process, "run_in_process", once)
    out = tmp_path / "out"
    memory = Enrolling()
    hub = FakeHub(agent=AgentHome(out).identity().public, memory=memory)
    invitation = Invitation(hub=hub.identity.public, secret="s" * 22)
    memory.digest = invitation.digest
    with hub.running():
        yield Setting(out, hub, memory, invitation.token())


def test_a_device_is_enrolled_once_and_works_without_its_token_then(
    setting: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    setting.work(setting.token)
    setting.work(setting.token)
    setting.work()

    enrolled = [message for message in setting.memory.asked if isinstance(message, Enrol)]
    polled = [message for message in setting.memory.asked if isinstance(message, Poll)]
    assert len(enrolled) == 1
    assert len(polled) == 3
    assert setting.hub.introduced.count(None) == 3
    said = capsys.readouterr().out
    assert said.count("enrolled for Safe Net at Hill School") == 1
    assert "the agent has stopped; results that wait are sent at the next start" in said


def test_the_page_is_served_while_the_agent_works(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    port = free_port()

    def look(agent: Any, *given: Any, workers: int) -> None:
        del given, workers
        agent.due(None)
        with urlopen(f"http://127.0.0.1:{port}/") as answer:
            shown.append(answer.read().decode())

    monkeypatch.setattr(monitor_in_process, "run_in_process", look)
    setting.work(setting.token, page=port)

    assert "What this device does at Hill School" in shown[0]
    assert "waits for its first order" in shown[0]
    assert setting.hub.url.removeprefix("https://") in shown[0]


def test_without_token_and_enrolment_it_says_what_to_do(setting: Setting) -> None:
    with pytest.raises(UsageError, match="is not enrolled; give the token of 'accredit hub agent"):
        setting.work()


def test_a_token_that_the_hub_does_not_know_enrols_nobody(setting: Setting) -> None:
    other = Invitation(hub=setting.hub.identity.public, secret="t" * 22)

    with pytest.raises(UsageError, match="does not enrol this device: this token is not known"):
        setting.work(other.token())
    assert AgentHome(setting.out).membership() is None


def test_a_hub_that_is_not_reached_enrols_nobody(setting: Setting) -> None:
    with pytest.raises(UsageError, match="this device is not enrolled: "):
        setting.work(setting.token, hub=f"https://127.0.0.1:{free_port()}")


def test_another_hub_cannot_take_the_place_of_the_one_in_the_token(setting: Setting) -> None:
    with (
        FakeHub(agent=setting.hub.agent, memory=setting.memory).running() as other,
        pytest.raises(UsageError, match="this device is not enrolled: "),
    ):
        setting.work(setting.token, hub=other.url)
    assert AgentHome(setting.out).membership() is None


def test_a_revoked_agent_ends_with_the_reason(setting: Setting) -> None:
    setting.work(setting.token)
    setting.memory.refuses = Refused(reason="revoked", words="the school has left")

    with pytest.raises(UsageError, match="revoked this agent: the school has left"):
        setting.work()


def test_two_agents_cannot_work_in_one_folder(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()

    def again(*given: Any, workers: int) -> None:
        del given, workers
        with pytest.raises(UsageError, match="is writing here"):
            setting.work()
        refused.set()

    monkeypatch.setattr(monitor_in_process, "run_in_process", again)
    setting.work(setting.token)

    assert refused.is_set()
