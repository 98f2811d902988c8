"""What packs say apart is said in the same words everywhere."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from rich.console import Console

from harness.model.outcome import Assessment
from harness.model.pack_rate import Foreknowledge, PackRate
from reports.documents.html import render
from reports.tables import pack_tables
from reports.terminal import render_assessment
from test_suites.example import example_assessment

PLACE: dict[str, Any] = {"line": "proxy", "profile": "ks2", "group": "GAMB"}
RATE = PackRate(
    **PLACE, pack="secret", audience="sealed", design="popularity_weighted", expectation="block",
    kind="real",
    right=6, n=9, undecided=2, value=2 / 3, lower=0.3, upper=0.9, method="m",
)  # fmt: skip
FOUND = Foreknowledge(
    **PLACE, frame="as visited", known_right=9, known_n=9, hidden_right=6, hidden_n=9,
    undecided=2, p_value=0.01, adjusted=0.02, alpha=0.05,
)  # fmt: skip


def assessment() -> Assessment:
    return replace(example_assessment(), packs=(RATE,), foreknowledge=(FOUND,))


def test_each_table_has_its_rows() -> None:
    rates, foreknowledge = pack_tables(assessment())

    assert rates.rows == (
        ("secret (real, sealed)", "as visited", "GAMB", "ks2 on proxy", "66.7 %", "6/9 +2?",
         "30.0 % to 90.0 %"),
    )  # fmt: skip
    assert foreknowledge.rows[0][3:6] == ("100.0 % (9/9)", "66.7 % (6/9)", "0.02")
    assert foreknowledge.rows[0][6].endswith("(2 undecided)")
    assert all(len(table.columns) == len(table.rows[0]) for table in (rates, foreknowledge))


def test_one_pack_makes_no_table() -> None:
    assert pack_tables(example_assessment()) == ()
    assert "Packs apart" not in render(example_assessment())


def test_page_and_terminal_say_it() -> None:
    console = Console(file=io.StringIO(), width=200)
    render_assessment(assessment(), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]

    for text in (shown, render(assessment())):
        assert "tuned to the known list" in text
        assert "secret (real, sealed)" in text


def test_a_narrow_terminal_loses_no_letter_of_a_name() -> None:
    console = Console(file=io.StringIO(), width=60)
    long = replace(RATE, pack="a-very-long-name-of-a-pack-whose-end-tells-it")
    render_assessment(replace(assessment(), packs=(long,)), console)

    assert "\u2026" not in console.file.getvalue()  # type: ignore[attr-defined]
