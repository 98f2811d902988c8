"""The guide on monitoring: its files are read, and its commands run in order, on simulated lines."""

from __future__ import annotations

import re
import shlex
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.cli import (
    monitor,
    monitor_alarms,
    monitor_retest,
    monitor_status,
    plan_step,
)
from harness.cli.main import app
from harness.cli.registry_session import open_session, place_of
from harness.model.alarm import AlarmRule
from harness.model.decision import Basis, Decision, Proposal, Recommendation, Status
from harness.model.decision_event import DecisionMade, EvaluationReviewed
from harness.model.event import Event, RecordAdded
from harness.model.registry_record import AnyRecord, CampaignRecord, Service, ServiceVersion
from harness.model.surveillance_event import RunResult
from test_suites.documentation.task_runner import BLOCK
from test_suites.kit.campaigns.rehearsal import simulated_origin
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.guides import files_of
from test_suites.kit.hubs.registered_people import signed_by_registered
from test_suites.kit.rooms import ROOT

GUIDE = "monitor-a-service.md"
PAGE = (ROOT / "docs/how-to" / GUIDE).read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/reference/monitoring-file.md").read_text(encoding="utf-8")
COMMANDS = [
    line for kind, block in BLOCK.findall(PAGE) if kind == "sh" for line in block.splitlines()
]
BEGAN = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
DRUGS = [f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121)]
DAY = timedelta(days=1)


class Followed:
    """Types the commands of the guide, at times of its story, in a folder with its files."""

    def __init__(self, folder: Path, clock: SetClock) -> None:
        self.folder, self.clock = folder, clock
        (folder / "origin").mkdir()
        simulated_origin(folder / "origin", twin_zone="orchard-view.test")
        self.behave(missed=0)

    def behave(self, missed: int) -> None:
        """Write the guide's files, with simulated lines that miss so many drug sites."""
        yaml = YAML(typ="safe", pure=True)
        for name, text in files_of(GUIDE).items():
            document = yaml.load(text)
            if "lines" in document:
                options = {"block": ["DRUG", "copper-meadow.accredit.test"], "miss": DRUGS[:missed]}
                for line in document["lines"]:
                    line |= {"type": "simulated", "options": options}
                document |= {"control": {"type": "simulated"}, "plain_twins": {"pause": 0}}
            with (self.folder / name).open("w", encoding="utf-8") as file:
                yaml.dump(document, file)

    def type(self, command: str, *, code: int) -> str:
        """Run one command of the guide; gives what it printed."""
        assert command in PAGE
        ended = CliRunner().invoke(app, shlex.split(command)[1:])
        assert code == ended.exit_code, (command, ended.output, ended.exception)
        return ended.output

    def accredit(self) -> None:
        """Record that the service is accredited."""
        basis = Basis(
            campaign="spring", journal="0" * 64, assessment="0" * 64, rules="2026.1",
            begun=BEGAN, concluded=BEGAN,
        )  # fmt: skip
        held = Decision(
            number=1, service="Safe Net", version="2.1", scheme="becta-2008", scheme_version="1.2",
            status=Status.ACCREDITED, reason="All requirements are met", until=BEGAN + 300 * DAY,
            proposal=Proposal(status=Status.ACCREDITED, reasons=(), basis=basis),
        )  # fmt: skip
        spring = CampaignRecord(
            id="spring", of="Safe Net", scheme="becta-2008", scheme_version="1.2", rules="2026.1",
            journal="0" * 64, conforms=9, does_not_conform=0, insufficient=0,
        )  # fmt: skip
        version = ServiceVersion(id="2.1", of="Safe Net")
        records: list[AnyRecord] = [Service(id="Safe Net"), version, spring]
        added = [RecordAdded(at=BEGAN, actor="Cy", record=record) for record in records]
        said = Recommendation(
            service=held.service, version=held.version, scheme=held.scheme,
            scheme_version=held.scheme_version, status=held.status, reason="It is complete",
            proposal=held.proposal,
        )  # fmt: skip
        acts: tuple[Event, ...] = (
            EvaluationReviewed(at=BEGAN, actor="R. Reader", recommendation=said),
            DecisionMade(at=BEGAN, actor="D. Maker", decision=held),
        )
        registry = Path("out/registry.sqlite")
        signed = [
            signed_by_registered(act, registry, Path("out"), "Acme", self.clock) for act in acts
        ]
        with open_session(registry, clock=self.clock) as book:
            book.record(place_of("Acme"), *added, *signed)


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Followed:
    monkeypatch.chdir(tmp_path)
    clock = SetClock(BEGAN)
    for module in (monitor, monitor_alarms, monitor_retest, monitor_status):
        monkeypatch.setattr(module, "clock", clock)
    monkeypatch.setattr(plan_step.clock, "source", clock)
    return Followed(tmp_path, clock)


def test_the_commands_of_the_guide_work_in_their_order(followed: Followed) -> None:
    check, once, status, alarms, acknowledge, retest, propose = COMMANDS

    checked = followed.type(check, code=0)
    assert "no faults" in checked
    assert "lessons (Monday" not in checked
    assert not followed.type(once, code=0)
    followed.accredit()
    followed.clock.at = BEGAN + DAY - timedelta(hours=1)
    assert 2 == followed.type(once, code=0).count(": measured: campaign ")
    assert "learning (1 of 20 runs)" in followed.type(status, code=0)

    followed.behave(missed=110)
    followed.clock.at += DAY
    assert "alarm A-0001 was raised" in followed.type(once, code=3)
    assert "(e-process)" in followed.type(alarms, code=0)
    assert "acknowledged by A. Assessor" in followed.type(acknowledge, code=0)
    followed.type(status, code=3)
    followed.clock.at += timedelta(hours=1)
    assert "A-0001: URL-04, profile pupils: confirmed" in followed.type(retest, code=1)
    assert "suspended" in followed.type(propose, code=1)
    assert "P-0001" in CliRunner().invoke(app, ["plan", "list"]).output
    followed.type(status, code=1)


def test_an_alarm_that_was_false_ends_and_a_machine_that_is_off_is_seen(followed: Followed) -> None:
    _, once, status, _, _, retest, _ = COMMANDS
    followed.type(once, code=0)
    followed.behave(missed=110)
    followed.clock.at = BEGAN + DAY - timedelta(hours=1)
    followed.type(once, code=3)

    followed.behave(missed=0)
    followed.clock.at += timedelta(hours=1)
    assert "not-confirmed" in followed.type(retest, code=0)
    assert "A-0001" not in followed.type(status, code=0)

    followed.clock.at += 3 * DAY
    assert "silent since" in followed.type(status, code=3)


def test_the_pages_of_results_and_json_are_complete(followed: Followed) -> None:
    _, once, status, *_ = COMMANDS
    rows = set(re.findall(r"^\| \*([a-z-]+)\* \|", PAGE, re.MULTILINE))
    assert {*get_args(RunResult), *AlarmRule, "silent", "insufficient"} <= rows
    assert {"tightened", "discontinued"} <= rows
    followed.type(once, code=0)
    followed.clock.at = BEGAN + DAY - timedelta(hours=1)
    followed.type(once, code=0)

    told = CliRunner().invoke(app, [*shlex.split(status)[1:], "--json"]).output

    document = msgspec.json.decode(told.encode())
    assert "accredit-monitoring/1" == document["format"]
    section = REFERENCE.split("\n## Status as JSON\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)`", section))
    (service,) = document["services"]
    (daily, *_), (first, *_) = service["schedules"], service["series"]
    used = {*document, *service, *daily, *daily["last"], *first, *first["signals"]}
    assert used <= named


def test_a_timer_and_cron_give_the_command_of_the_guide() -> None:
    (unit,) = re.findall(r"^ExecStart=/usr/local/bin/(.*)$", PAGE, re.MULTILINE)
    (line,) = re.findall(r"^\*/5 \* \* \* \*  cd \S+ && (.*)$", PAGE, re.MULTILINE)

    assert COMMANDS[1] == unit == line
    words = shlex.split("monitor run monitoring.yaml --workers 4")
    assert f"accredit {' '.join(words[:3])}" in PAGE
    assert "--workers" in CliRunner().invoke(app, [*words[:2], "--help"]).output
