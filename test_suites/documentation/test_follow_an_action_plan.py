"""The commands of the guide work in the order in which it gives them."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import plan
from harness.cli.registry_session import open_session
from harness.follow.findings import draft_plan
from harness.model.action_plan import Finding
from harness.model.event import FindingOpened
from test_suites.house.rooms import ROOT

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
        verbs.append(words[0])
        if words[0] == "correct-clock":
            clock.at -= timedelta(hours=1)
        words = [re.sub("^2026-05-01$", "2026-07-01", word) for word in words]
        ended = CliRunner().invoke(plan.app, [*words, "--registry", str(where)])
        assert ended.exit_code == 0, (command, ended.output, ended.exception)

    assert {"agree", "claim", "extend", "deviate", "correct-clock"} <= set(verbs)
