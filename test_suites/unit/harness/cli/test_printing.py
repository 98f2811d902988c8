"""Nothing that is printed steers the terminal, fakes a line, is markup, or holds a password."""

from __future__ import annotations

import io
import json
import sys

import pytest

from harness.cli.printing import say, say_json
from harness.cli.process import print_error
from harness.errors import Fault, FaultyDocument, UsageError, first_of

HOSTILE = "[red]\x1b[2J\x9b31m\r\naccredit: conforms\u202e:smile:"
SHOWN = "[red]\\x1b[2J\\x9b31m\\r\\naccredit: conforms\\u202e:smile:"


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE, "second")
    say(HOSTILE, to_stderr=True)

    assert (f"{SHOWN}\nsecond\n", f"{SHOWN}\n") == tuple(capsys.readouterr())


@pytest.mark.parametrize(
    ("most", "noun", "said"),
    [(3, "", "a, b, c"), (2, "", "a, b and 1 more"), (1, "groups", "a and 2 more groups")],
)
def test_the_first_names_say_how_many_more_there_are(most: int, noun: str, said: str) -> None:
    assert first_of(["a", "b", "c"], most, noun) == said


def test_no_password_of_a_url_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say("proxy http://me:hunter2@proxy.example:3128 refused")

    assert "proxy http://***@proxy.example:3128 refused\n" == capsys.readouterr().out


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
    print_error(str(error))

    assert said == capsys.readouterr().err
