"""What cannot be seen is escaped; JSON keeps its meaning, and cells can be undone."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.untrusted.visible_text import cell_text, spreadsheet_cell, visible, visible_json

ANY = st.text(st.characters(codec=None, categories=None), max_size=80)
HOSTILE = "\x1b]0;x\x07\x9b31m\r\nok\u202e\u2066\u200b\ufeff\u2028\udcff\U000e0041\u3164\t"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain", "plain"),
        ("caf\xe9 \u2713 \U0001f512", "caf\xe9 \u2713 \U0001f512"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\nb"),
        ("\u202egnp", "\\u202egnp"),
        ("x\u200by", "x\\u200by"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
        ("3\u202f%", "3\u202f%"),
    ],
)
def test_what_shows_itself_stays_and_the_rest_is_escaped(text: str, said: str) -> None:
    assert said == visible(text)


@pytest.mark.parametrize(
    "blank", "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U000e0100\U000e01ef"
)
@pytest.mark.parametrize("around", ["", "plain", "3\xa0% \u2713"])
def test_characters_that_are_printable_and_invisible_are_escaped(around: str, blank: str) -> None:
    escape = blank.encode("unicode_escape").decode()

    assert f"{around}{escape}{around}" == visible(f"{around}{blank}{around}")


@given(ANY, ANY)
@example("3\xa0%", "\u2800")
def test_a_text_is_escaped_as_its_parts_are(first: str, second: str) -> None:
    assert visible(first) + visible(second) == visible(first + second)


@given(ANY)
@example(HOSTILE)
def test_nothing_that_steers_is_left(text: str) -> None:
    shown = visible(text)

    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn"}
    assert shown == visible(shown)
    shown.encode()


def test_what_is_kept_is_named() -> None:
    assert "a\nb\\x1b" == visible("a\nb\x1b", keep="\n")


@given(st.recursive(ANY, lambda inner: st.lists(inner) | st.dictionaries(ANY, inner)))
@example([HOSTILE])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_means_the_same(ascii_only: bool, indent: int | None, value: object) -> None:
    text = visible_json(json.dumps(value, ensure_ascii=False, indent=indent), ascii_only=ascii_only)

    assert json.loads(json.dumps(value)) == json.loads(text)
    assert text == visible(text, keep="\n")
    assert not ascii_only or text.isascii()


@given(ANY)
@example(HOSTILE)
@example("'=1+1")
@example("\\x1b and \\n")
def test_a_cell_can_be_undone(text: str) -> None:
    cell = spreadsheet_cell(text)

    assert text == cell_text(cell)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b"))
    assert cell == visible(cell)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("'quoted'", "''quoted'"),
        ("plain", "plain"),
        ("", ""),
        ("C:\\x", "C:\\\\x"),
    ],
)
def test_cells_run_nothing(text: str, cell: str) -> None:
    assert cell == spreadsheet_cell(text)
