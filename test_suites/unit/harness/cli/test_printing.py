"""Nothing that is printed steers the terminal, fakes a line, is markup, or holds a password."""

from __future__ import annotations

import io
import json
import sys

import pytest
import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.printing import Verbs, say, say_json, styled, terminal
from harness.cli.standard_streams import complain
from harness.errors import Fault, FaultyDocument, UsageError

HOSTILE = "[red]\x1b[2J\x9b31m\r\naccredit: conforms\u202e:smile:"
SHOWN = "[red]\\x1b[2J\\x9b31m\\r\\naccredit: conforms\\u202e:smile:"


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE, "second")
    say(HOSTILE, to_stderr=True)

    assert (f"{SHOWN}\nsecond\n", f"{SHOWN}\n") == tuple(capsys.readouterr())


def test_no_password_of_a_url_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say("proxy http://me:hunter2@proxy.example:3128 refused")

    assert "proxy http://***@proxy.example:3128 refused\n" == capsys.readouterr().out


def test_strings_and_cells_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(HOSTILE, box=None)
    table.add_row(HOSTILE)
    printed = terminal(soft_wrap=True)
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


def test_json_keeps_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    say_json(json.dumps({"id": HOSTILE}, ensure_ascii=False))

    said = capsys.readouterr().out
    assert {"id": HOSTILE} == json.loads(said)
    assert {"\x9b", "\u202e"}.isdisjoint(said)


def test_an_encoding_without_the_letters_still_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    say("caf\xe9")
    say_json('{"a": "caf\xe9"}')
    out.flush()

    assert b'caf\\xe9\n{"a": "caf\\u00e9"}\n' == out.buffer.getvalue()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError(f"{HOSTILE}: no such file"), f"accredit: {SHOWN}: no such file\n"),
        (UsageError("one", "two"), "accredit: one\naccredit: two\n"),
        (
            FaultyDocument((Fault(where=HOSTILE, line=1, key="a\nb", found="x", known=""),)),
            f"accredit: {SHOWN}:1: a\\nb: x\n",
        ),
    ],
)
def test_a_complaint_has_as_many_lines_as_faults(
    error: UsageError, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    complain(str(error))

    assert said == capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["\x1b[31m"], ["plan", "\x1b[31m"], ["plan", "list", "\x1b[31m"], ["plan", "list", "--\x1b"]],
)  # fmt: skip
def test_words_that_are_no_verb_are_quoted_escaped(words: list[str], runner: CliRunner) -> None:
    result = runner.invoke(app, words)

    assert 2 == result.exit_code
    assert "\x1b" not in result.output
    assert "\\x1b" in result.output


def test_other_errors_pass_as_they_are() -> None:
    verbs = typer.Typer(cls=Verbs)

    @verbs.command()
    def fail() -> None:
        raise UsageError("as it is")

    verbs.command("other")(fail)
    assert "as it is" == str(CliRunner().invoke(verbs, ["fail"]).exception)
