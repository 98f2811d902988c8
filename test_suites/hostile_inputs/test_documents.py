"""An assessment full of hostile names, in everything that is written for people."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import replace
from pathlib import Path

from harness.cli.drawing import Terminal
from harness.model.outcome import Assessment, Outcome
from harness.untrusted.visible_text import cell_text
from reports.documents import Report
from reports.documents.html import render
from reports.exports.table import write_outcomes
from reports.terminal import render_assessment
from test_suites.accreditation.notes import message, worst_items
from test_suites.kit.campaigns.example import example_assessment, example_outcome, example_witness
from test_suites.kit.campaigns.hostile_texts import NAME

WITNESS = example_witness(item=NAME, value=NAME, saw=(NAME,))


def outcome() -> Outcome:
    return example_outcome(witnesses=(WITNESS,), profile=NAME, line=NAME, reasons=(NAME,))


def assessment() -> Assessment:
    names = dict.fromkeys(("title", "service", "supplier", "campaign"), NAME)
    return replace(example_assessment(outcomes=(outcome(),)), warnings=(NAME,), **names)  # type: ignore[arg-type]  # the keys are texts


def steering(text: str) -> set[str]:
    return {sign for sign in text if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def test_the_page_holds_no_control_and_no_markup() -> None:
    page = render(Report(assessment=assessment()))

    assert {"\n"} == steering(page)
    assert page.count("<script>") == 1, "the report's own"
    assert "&lt;script&gt;" in page


def test_the_terminal_shows_no_control_and_no_faked_line() -> None:
    shown = Terminal(file=io.StringIO(), width=200)
    render_assessment(assessment(), shown)
    text = shown.file.getvalue()  # type: ignore[attr-defined]  # StringIO

    assert {"\n"} == steering(text)
    assert "\naccredit:" not in text


def test_the_table_holds_no_formula_and_can_be_undone(tmp_path: Path) -> None:
    path = write_outcomes(replace(assessment(), campaign="=1+1"), tmp_path / "outcomes.csv")
    with path.open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)

    assert ("'=1+1", "=1+1") == (row["campaign"], cell_text(row["campaign"]))
    assert (NAME, NAME) == (cell_text(row["profile"]), cell_text(row["reasons"]))
    assert not steering("".join(row.values()))


def test_pytest_and_allure_get_plain_lines() -> None:
    assert {"\n"} == steering(message(outcome()))
    assert {"\r", "\n"} == steering(worst_items((WITNESS,)))
