"""A hub with two services at several simulated sites, for the tests of hubs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.cli import hub as hub_verbs
from harness.cli import hub_people, hub_tokens
from harness.cli.hub_agents import AgentHub, OnReport, open_hub
from harness.cli.hub_projector import Projector
from harness.cli.hub_uploads import HubUploads
from harness.cli.hub_web import HubWork
from harness.cli.main import app
from harness.cli.registry_session import open_session
from harness.cli.stream_states import StreamStates
from harness.fleet.messages import AgentStatus, Enrolled, Poll, Refused, RunReport
from harness.model.event import Event
from harness.model.surveillance_event import SurveillanceRun
from harness.ports.storage import Clock
from test_suites.kit.campaigns.monitored_service import MonitoredService
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.agent_double import AgentDouble, hub_of

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HILL, VALE = "Hill School", "Vale School"
POLL = Poll(status=AgentStatus(version="0.1.0"))
TOKEN = re.compile(r"accredit-agent-\S+")


class SiteService(MonitoredService):
    """A monitored service whose files can be sent to agents: their paths are relative."""

    def campaign(self, site: str, missed: int = 0, **options: Any) -> dict[str, Any]:
        return {**super().campaign(site, missed, **options), "origin": "origin.json"}


@dataclass
class HubExample:
    """A hub of a monitored service; ``told`` is what the owner was told."""

    folder: Path
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    told: list[str] = field(default_factory=list)
    opened: AgentHub | None = None

    def __post_init__(self) -> None:
        self.service = SiteService(folder=self.folder / "files")

    @property
    def hub(self) -> Path:
        return self.folder / "hub"

    def make(self) -> HubExample:
        self.service.write()
        self.accredit(
            "hub", "init", str(self.hub), "--monitoring", str(self.service.file),
            "--url", "https://hub.example.org", "--out", str(self.folder / "out"),
        )  # fmt: skip
        return self

    def accredit(self, *words: str) -> str:
        """Give a command; its standard output. Raises what the command raises."""
        with ExitStack() as clocks:
            for verbs in (hub_verbs, hub_people, hub_tokens):
                clocks.enter_context(patch.object(verbs, "clock", self.clock))
            ended = CliRunner().invoke(app, list(words))
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    def invite(self, site: str = HILL, *words: str) -> str:
        """The token of a new invitation."""
        said = self.accredit(
            "hub", "agent", "invite", "--hub", str(self.hub),
            "--site", site, "--service", "Safe Net", *words,
        )  # fmt: skip
        found = TOKEN.search(said)
        assert found is not None, said
        return found[0]

    @contextmanager
    def running(self, on_report: OnReport | None = None) -> Iterator[AgentHub]:
        with open_hub(self.hub, self.clock, self.told.append, on_report) as opened:
            self.opened = opened
            yield opened

    def device(self, token: str, send: Callable[[bytes], bytes] | None = None) -> AgentDouble:
        """A device that is not enrolled yet."""
        return AgentDouble(hub_of(token), send or self.send, self.clock.now)

    def agent(self, site: str = HILL) -> AgentDouble:
        """An agent that is enrolled for a site."""
        token = self.invite(site)
        agent = self.device(token)
        assert isinstance(agent.enrol(token), Enrolled)
        return agent

    def send(self, body: bytes) -> bytes:
        assert self.opened is not None
        return self.opened.answer(body)

    def events(self, stream: str) -> tuple[Event, ...]:
        assert self.opened is not None
        with (
            open_session(self.opened.hub.registry, clock=self.clock) as session,
            session.registry.reading(stream) as access,
        ):
            return access.events()

    def change(self, path: Path, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a YAML file."""
        document = YAML(typ="safe", pure=True).load(path.read_text())
        change(document)
        with path.open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(document, file)

    def files_of_hub(self) -> dict[str, int]:
        """The files in the hub's folder, with their sizes."""
        return {
            str(path.relative_to(self.hub)): path.stat().st_size
            for path in sorted(self.hub.rglob("*"))
            if path.is_file()
        }


def work_of(hub: AgentHub, clock: Clock) -> HubWork:
    """The work of an open hub; no thread does it."""
    results = hub.hub.results
    return HubWork(
        Projector(hub.registry, results, clock, lambda _: None),
        HubUploads(hub.hub, hub.registry, clock),
        StreamStates(hub.registry),
    )


def refused(answer: object, reason: str) -> str:
    """The words of a refusal for that reason."""
    assert isinstance(answer, Refused), answer
    assert answer.reason == reason, answer
    return answer.words


def missed(example: HubExample, **changes: Any) -> RunReport:
    """A report of a run that was missed, due now."""
    run = SurveillanceRun(
        at=example.clock.at, actor="agent", service="Safe Net", monitoring="acme", site=HILL,
        schedule="daily", due=example.clock.at, result="missed", reason="no power",
    )  # fmt: skip
    return RunReport(run=msgspec.json.encode(msgspec.structs.replace(run, **changes)).decode())
