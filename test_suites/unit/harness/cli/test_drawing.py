"""What is drawn steers no terminal, fakes no line, and is no markup."""

from __future__ import annotations

import io

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from harness.cli.drawing import styled, terminal
from test_suites.unit.harness.cli.test_printing import HOSTILE, SHOWN


def test_strings_and_cells_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(HOSTILE, box=None)
    table.add_row(HOSTILE)
    printed = terminal()
    printed.print(table)
    printed.print(HOSTILE)
    printed.print(styled(HOSTILE))

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [SHOWN] * 4 == lines


def test_text_that_others_styled_steers_nothing_either(capsys: pytest.CaptureFixture[str]) -> None:
    terminal().print(Panel(Text("\x1b[2J\u202e"), title=Text("\x9b")))

    said = capsys.readouterr().out
    assert said.isascii() or not {"\x1b", "\u202e", "\x9b"} & set(said)
    assert "\\x1b[2J\\u202e" in said


def test_styles_of_our_own_reach_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    printed = terminal()
    printed.file = io.StringIO()
    printed.print(styled("bold\x1b[31m", style="bold"))

    assert "\x1b[1mbold\\x1b[31m\x1b[0m\n" == printed.file.getvalue()
