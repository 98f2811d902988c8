"""The guides on what comes before a campaign: their commands run in order from an empty folder."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import msgspec
import pytest
import typer

from harness.cli.compose import prepare
from harness.cli.dry_run import (
    KILOBYTES_PER_PAGE,
    KILOBYTES_PER_QUESTION,
    SECONDS_PER_ATTEMPT,
)
from harness.cli.main import app
from test_suites.documentation.test_tutorials import DOCS, commands
from test_suites.kit.processes.running import accredit
from test_suites.kit.processes.warm_start import run

COST = DOCS / "how-to/estimate-the-cost.md"
LETTER = DOCS / "how-to/send-the-supplier-what-to-load.md"
REFERENCE = DOCS / "reference/campaign-file.md"


def follow(page: Path, folder: Path) -> str:
    """Run the commands of a page in order; returns what they printed."""
    printed = ""
    for line in commands(page):
        words, _, target = line.removeprefix("accredit ").partition(" > ")
        ended = accredit(*shlex.split(words), cwd=folder)
        assert (0, "") == (ended.returncode, ended.stderr), line
        if target:
            (folder / target).write_text(ended.stdout, encoding="utf-8")
        printed += ended.stdout
    return printed


def test_the_cost_is_told_as_the_guide_says(tmp_path: Path) -> None:
    printed = follow(COST, tmp_path)

    told = msgspec.json.decode((tmp_path / "cost.json").read_bytes())
    assert ("proxy", "resolver") == tuple(
        line.name for line in prepare(tmp_path / "campaign.yaml").campaign.lines
    )
    assert {"items", "attempts", "cost", "prospects"} <= set(told)
    assert {"control", "proxy", "resolver"} == {row["line"] for row in told["attempts"]}
    assert "OVB-04" in printed
    text = COST.read_text(encoding="utf-8")
    for number in (
        f"{SECONDS_PER_ATTEMPT:g} s each",
        f"{KILOBYTES_PER_PAGE:g} kB a page",
        f"{KILOBYTES_PER_QUESTION:g} kB a DNS question",
    ):
        assert number in text, number


def test_the_letter_and_lists_are_written_as_the_guide_says(tmp_path: Path) -> None:
    follow(LETTER, tmp_path)

    folder = tmp_path / "for-the-supplier"
    text = (folder / "letter.md").read_text(encoding="utf-8")
    assert "copper-meadow.canary.example.org" in text
    assert "Example Networks Ltd" in text
    assert "[" in text
    assert list(folder.glob("lists/*/must-block-hosts"))
    assert (folder / "lists/hosts/DRUG").exists()


def test_the_reference_names_every_option_of_init() -> None:
    command = typer.main.get_command(app).get_command(None, "init")  # type: ignore[attr-defined]
    options = {
        name for each in command.params for name in each.opts if name not in {"--yes", "directory"}
    }
    text = REFERENCE.read_text(encoding="utf-8").partition("## Written by `init`")[2]

    assert options == set(re.findall(r"`(--[a-z-]+)[ `]", text)) - {"--yes"}


@pytest.mark.parametrize(
    "page", [DOCS / "how-to/measure-on-site.md", DOCS / "how-to/host-an-origin.md"]
)
def test_the_init_command_of_other_guides_is_accepted(page: Path, tmp_path: Path) -> None:
    (line,) = re.findall(r"`accredit (init --[^`]+)`", page.read_text(encoding="utf-8"))
    if "--origin" in line:
        made = run(
            [sys.executable, "-m", "harness.cli.process", "origin", "init", "origin",
             "--zone", "canary.example.org", "--address", "192.0.2.10"],
            cwd=tmp_path, capture_output=True,
        )  # fmt: skip
        assert 0 == made.returncode, made.stderr

    ended = accredit(*shlex.split(line), cwd=tmp_path)

    assert 0 == ended.returncode, ended.stderr
