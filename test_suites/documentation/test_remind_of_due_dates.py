"""The commands of the guides on due dates and on tables of plans work, and their examples are true."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import plan_step
from harness.cli.main import app
from harness.cli.registry_session import open_session, place_of
from harness.follow.findings import draft_plan
from harness.follow.planned_rows import COLUMNS
from harness.model.event import FindingOpened
from harness.model.obligation import Lane, ObligationKind
from test_suites.documentation.task_runner import BLOCK
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.rooms import ROOT

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPLIER = "Example Networks Ltd"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a registry that holds a draft."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan_step.clock, "source", SetClock(NOW))
    finding = example_finding(severity="Maj", supplier=SUPPLIER)
    with open_session(Path("out/registry.sqlite"), create=True) as book:
        book.record(
            place_of(SUPPLIER),
            FindingOpened(at=NOW, actor="Cy", finding=finding),
            draft_plan(finding, at=NOW, actor="Cy"),
        )
    return tmp_path


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """The command lines of the blocks that can be run as they are."""
    return [
        line for kind, block in BLOCK.findall(text) if kind == "sh" for line in block.splitlines()
    ]


@pytest.mark.parametrize("guide", ["remind-of-due-dates.md", "import-plans.md"])
def test_the_commands_of_the_guides_work(guide: str, here: Path) -> None:
    told = []
    for command in commands(page(f"how-to/{guide}")):
        ended = CliRunner().invoke(app, shlex.split(command)[1:])
        assert ended.exit_code == 0, (command, ended.output, ended.exception)
        told.append(ended.output)

    assert len(told) >= 3
    if guide == "import-plans.md":
        assert "1 open plan to fill in" in told[0]
    else:
        assert "agreement of the plan, due in 14 days" in told[1]
        assert (here / "due.ics").is_file()


def test_the_table_of_the_guide_submits_a_plan(here: Path) -> None:
    [example] = [
        block
        for _, block in BLOCK.findall(page("how-to/import-plans.md"))
        if block.startswith("plan;")
    ]
    (here / "plans.csv").write_text(example, encoding="utf-8")
    words = ["plan", "import", "plans.csv", "--supplier", SUPPLIER, "--by", "Ann Lee"]

    assert "P-0001: submitted" in CliRunner().invoke(app, words).output
    wrong = example.replace("2026-03-31", "03/04/2026")
    (here / "plans.csv").write_text(wrong, encoding="utf-8")
    shown = str(CliRunner().invoke(app, words).exception)
    assert shown.replace("plans.csv:3:", "plans.csv:7:") in page("how-to/import-plans.md")


def test_the_pages_name_every_column_kind_and_lane() -> None:
    named = set(re.findall(r"`([^`]+)`", page("reference/plan-tables.md")))
    due = set(re.findall(r"^\| `([^`]+)`", page("reference/due-dates.md"), re.MULTILINE))

    assert {*COLUMNS} <= named
    assert {*map(str, ObligationKind), *map(str, Lane)} <= due
