"""The commands of the guide work in the order in which it gives them."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import plan, retest
from harness.cli.main import app
from harness.cli.registry_session import open_session
from harness.follow.findings import draft_plan
from harness.model.action_plan import Finding
from harness.model.event import FindingOpened
from harness.ports.storage import WallClock
from test_suites.house.rooms import ROOT
from test_suites.rehearsal import simulated_origin, write_campaign

GUIDE = (ROOT / "docs/how-to/follow-an-action-plan.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:\|[^|]*\| `)?accredit plan ([^`\n]+)", GUIDE, re.MULTILINE)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class SetClock:
    """A clock that the test sets."""

    at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def test_the_commands_of_the_guide_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, where = SetClock(), tmp_path / "registry.sqlite"
    monkeypatch.setattr(plan, "clock", clock)
    finding = Finding(
        id="F-0001",
        campaign="spring",
        requirement="URL-01",
        title="Gambling is blocked",
        severity="Maj",
        scheme="becta-2008",
        scheme_version="1.0",
        profile="ks2",
        line="proxy",
        statement="",
        missed=("a",),
        categories=("GAMB",),
        sampled=60,
        opened=NOW,
        supplier="Acme",
    )
    with open_session(where, create=True) as book:
        book.record(
            FindingOpened(at=NOW, actor="Ann", finding=finding),
            draft_plan(finding, at=NOW, actor="Ann"),
        )
    verbs = []

    for command in COMMANDS:
        words = shlex.split(command)
        if words[0] == "canaries":
            continue  # see below
        verbs.append(words[0])
        if words[0] == "correct-clock":
            clock.at -= timedelta(hours=1)
        words = [re.sub("^2026-05-01$", "2026-07-01", word) for word in words]
        ended = CliRunner().invoke(plan.app, [*words, "--registry", str(where)])
        assert ended.exit_code == 0, (command, ended.output, ended.exception)

    assert {"agree", "claim", "extend", "deviate", "correct-clock"} <= set(verbs)


def simulated_campaign(folder: Path, *miss: str) -> Path:
    """A campaign over a simulated service that lets some sites through."""
    block = ["DRUG", "copper-meadow.accredit.test"]
    options = {"block": block, "miss": list(miss)}
    return write_campaign(
        folder,
        origin=simulated_origin(folder, twin_zone="orchard-view.test"),
        lines=[{"name": "proxy", "type": "simulated", "options": options}],
        control={"type": "simulated"},
        categories=["DRUG"],
        plain_twins={"pause": 0},
        items="agreed",
    )


def test_new_canaries_and_the_re_test_work_as_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missed = [f"drug-{number:03d}.canary.accredit.test" for number in range(1, 121, 3)]
    simulated_campaign(tmp_path, *missed)
    runner = CliRunner()

    def run(command: str, code: int = 0) -> str:
        ended = runner.invoke(app, shlex.split(command.removeprefix("accredit ")))
        assert ended.exit_code == code, (command, ended.output, ended.exception)
        return ended.output

    run("run campaign.yaml", 1)
    for verb in ("agree", "progress", "claim"):
        run("plan " + next(command for command in COMMANDS if command.startswith(verb)))
    [command] = re.findall("^accredit (retest [^\n]+)", GUIDE, re.MULTILINE)
    simulated_campaign(tmp_path)
    early = runner.invoke(app, shlex.split(command))
    assert "only 0 fresh items of DRUG are left, and a re-test needs 120" in str(early.exception)
    [make] = [each for each in COMMANDS if each.startswith("canaries")]
    loaded = WallClock().now() + timedelta(days=5)  # the clock of this machine counts
    make = make.replace("2026-12-01", f"{loaded:%Y-%m-%d}")

    assert "new-canaries.txt: 240 new canaries of DRUG, as squid" in run(f"plan {make}")

    listed = (tmp_path / "new-canaries.txt").read_text(encoding="utf-8").splitlines()
    assert 480 == len(listed), "and a plain twin of each"
    early = runner.invoke(app, shlex.split(command))
    assert f"canaries are loaded by {loaded:%Y-%m-%d} 09:00 UTC" in str(early.exception)
    clock = SetClock()
    clock.at = loaded + timedelta(days=1)
    monkeypatch.setattr(retest, "clock", clock)
    said = run(command)
    assert "plan P-0001: re-test conforms; the plan is now closed: 0 of 40 missed items" in said
    assert "120 of 120 fresh items were blocked (100 %); at least 90 % is required" in said
