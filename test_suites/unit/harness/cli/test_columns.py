"""What is printed fits the terminal: 60 columns, ASCII, and whole paths; nothing fakes a line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table
from typer.testing import CliRunner

from harness.cli.drawing import terminal
from harness.cli.main import MainVerbs, app
from harness.cli.printing import NARROWEST, encodable, say, wrapped

GROUPS = ("bundle", "journal", "plan", "registry", "scheme", "corpus", "origin", "range")
PATH = "/a/folder/with/a/very/long/name/that/no/terminal/shows/in/one/line/journal"


def too_long(text: str, columns: int) -> list[str]:
    """The lines that are wider than that, but those of a single word such as a path."""
    return [line for line in text.splitlines() if len(line) > columns and " " in line.strip()]


@pytest.fixture
def narrow(runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command with 60 columns, and returns its output."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> str:
        ended = runner.invoke(app, [*map(str, words)])
        assert ended.exit_code in (0, 1, 3), (words, ended.output, ended.exception)
        return ended.output

    return run


@pytest.mark.parametrize(
    "words",
    [
        "list",
        "list lines",
        "scheme list",
        "scheme show becta-2008",
        "scheme plan becta-2008",
        "scheme diff becta-2008 strict",
        "corpus info canary",
        "corpus diff canary canary",
        "doctor",
        "plan list",
    ],
)
def test_sixty_columns_are_enough_without_a_campaign(words: str, narrow: Any) -> None:
    said = narrow(*words.split())

    assert said.strip()
    assert [] == too_long(said, 60)


def test_sixty_columns_are_enough_for_a_campaign(
    narrow: Any, simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocked = ["PORN", "ADLT", "VIOL", "DISC", "EXTR"]
    campaign = simulated("short", whole=(), block=blocked).relative_to(tmp_path)
    run = narrow("run", campaign)
    plans = narrow("plan", "list")
    shown = narrow("plan", "show", "P-0001")
    others = [
        narrow("conclude", "out/short"),
        narrow("compare", "out/short", "out/short"),
        narrow("report", "out/short"),
        narrow("doctor", campaign),
        narrow("scheme", "plan", "becta-2008", "--campaign", campaign),
        narrow("journal", "verify", "out/short"),
        narrow("registry", "verify"),
    ]

    assert "Does not conform, pupils on proxy: 0.0 % (0/" in run
    assert "P-0001" in plans
    assert "finding" in shown
    assert [] == [line for said in (run, plans, shown, *others) for line in too_long(said, 60)]


@pytest.mark.parametrize("verb", ["", *MainVerbs.verbs])
def test_h_is_help_of_every_verb(verb: str, narrow: Any) -> None:
    words = [verb] if verb else []
    said = narrow(*words, "-h")

    assert said == narrow(*words, "--help")
    assert "-h, --help" in said


@pytest.mark.parametrize("group", GROUPS)
def test_h_is_help_of_every_command_of_a_group(group: str, narrow: Any) -> None:
    listed = narrow(group, "-h").split("Commands:")[1].splitlines()
    commands = [line.split()[0] for line in listed if re.match(r"  \w", line)]

    assert commands
    for command in commands:
        said = " ".join(narrow(group, command, "-h").split())
        assert said.startswith(f"Usage: accredit {group} {command} ") or command == said


def test_a_line_breaks_between_words_and_what_follows_is_indented() -> None:
    lines = wrapped(f"  accredit: {PATH} is intact, and accredit: it conforms", 40)

    assert ["  accredit:", f"    {PATH}"] == lines[:2]
    assert all(line.startswith("    ") for line in lines[1:])
    assert max(len(line) for line in lines[2:]) <= 40


def test_wide_letters_count_as_two_columns() -> None:
    assert ["学校 学校", "  学校"] == wrapped("学校 学校 学校", 10)


def test_without_a_terminal_lines_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    said = "word " * 60 + "end"
    say(said)
    terminal().print(said)

    assert f"{said}\n{said}\n" == capsys.readouterr().out


@pytest.mark.parametrize("columns", ["0", "-3", "wide", ""])
def test_a_width_that_is_none_is_ignored(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    say("word " * 60 + "end")

    assert 1 == len(capsys.readouterr().out.splitlines())


def test_a_terminal_of_one_column_gets_lines_of_a_readable_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1")
    say("some words that are short, one after another")

    assert NARROWEST - 8 < max(map(len, capsys.readouterr().out.splitlines())) <= NARROWEST


def test_a_table_that_is_too_wide_becomes_a_list_and_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    table = Table("plan", "state", "due", "owner", "requirement", box=None)
    table.add_row("P-0001", "draft", "2026-12-04", "Example Networks Ltd", "URL-04[pupils-proxy]")
    terminal().print(table)

    said = capsys.readouterr().out
    assert "P-0001\n  state: draft; due: 2026-12-04; owner:\n" in said
    assert "Example Networks Ltd; requirement: URL-04[pupils-proxy]" in " ".join(said.split())
    assert [] == too_long(said, 40)


def test_our_own_signs_have_forms_in_ascii_and_others_are_escaped() -> None:
    assert "x <= 5 %, 3 +/- 1" == encodable("✗ ≤ 5 %, 3 ± 1", "ascii")
    assert "caf\\xe9" == encodable("caf\xe9", "ascii")
    assert "✓" == encodable("✓", "utf-8")
