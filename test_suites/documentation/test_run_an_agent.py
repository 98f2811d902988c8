"""What the pages about agents say of options, files and exit codes is so."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from pathlib import Path

import typer

from harness.cli.agent_home import AgentHome
from harness.cli.agent_orders import CURRENT, KEPT
from harness.cli.monitor import app
from harness.cli.site_agent import ASK_EVERY, BRACKET_EVERY, CLOCK_EVERY
from harness.errors import UsageError
from test_suites.kit.rooms import ROOT

GUIDE = (ROOT / "docs/how-to/run-an-agent.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/reference/agent.md").read_text(encoding="utf-8")
OPTIONS = {
    option
    for each in typer.main.get_command(app).params
    for option in each.opts
    if option not in {"--help", "--install-completion", "--show-completion"}
}


def section(title: str) -> str:
    """The text under a heading of the reference."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_each_option_is_described() -> None:
    described = set(re.findall(r"`(--[a-z-]+)`", section("Options").partition("\nIt ends")[0]))
    assert OPTIONS == described
    assert set(re.findall(r"`(--[a-z-]+)", GUIDE)) <= OPTIONS


def test_each_file_is_described() -> None:
    described = set(re.findall(r"^\| (`.+?) \|", section("Its files"), re.MULTILINE))
    named = {name.rstrip("/") for each in described for name in re.findall(r"`([^`]+)`", each)}
    home = AgentHome(Path())
    places = {home.clock, home.orders, home.updates, home.bundle_key}
    assert {each.name for each in places} <= named
    assert {"agent.keys", "hub.json", "handed-over.json", "spool", "refused"} <= named
    assert CURRENT in section("Its files")
    assert KEPT == 3, "the order in force, and the two before it"


def test_the_times_are_those_of_the_agent() -> None:
    found = [
        int(each) for each in re.findall(r"(\d+) minutes", section("What it does each minute"))
    ]
    assert [CLOCK_EVERY, ASK_EVERY, BRACKET_EVERY] == [timedelta(minutes=each) for each in found]


def test_the_unit_starts_the_agent_and_leaves_one_that_was_revoked_alone() -> None:
    (started,) = re.findall(r"^ExecStart=(.+)$", GUIDE, re.MULTILINE)
    words = shlex.split(started)
    assert ["/srv/accredit/venv/bin/accredit", "monitor"] == words[:2]
    assert {word for word in words if word.startswith("--")} <= OPTIONS
    assert f"RestartPreventExitStatus={UsageError.exit_code}\n" in GUIDE
