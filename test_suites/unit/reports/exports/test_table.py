"""The table: one row per outcome, numbers as numbers, cells that run nothing."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UsageError
from harness.model.outcome import Conformity
from harness.untrusted.visible_text import cell_text
from reports.exports.table import LONGEST_CELL, outcomes_table, write_outcomes
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_requirement,
)


def test_one_row_per_outcome() -> None:
    table = outcomes_table(example_assessment())

    assert list(table["requirement"]) == [
        "ILL-01",
        "URL-01",
        "URL-04",
        "URL-04",
        "OVB-01",
        "PRF-03",
        "URL-01",
    ]
    assert table.loc[2, "conformity"] == "does-not-conform"
    assert table.loc[2, "lower"] == 0.7228
    assert table.loc[2, "direction"] == "at_least"
    assert table.loc[4, "direction"] == "at_most"


def test_csv_comes_back(tmp_path: Path) -> None:
    path = write_outcomes(example_assessment(), tmp_path / "outcomes.csv")

    table = pd.read_csv(path)
    assert list(table["k"]) == [0, 100, 80, 93, 2, 400, 0]
    assert table["value"].isna().tolist() == [False] * 6 + [True]
    assert path.read_bytes().count(b"\r\n") == len(table) + 1


@pytest.mark.parametrize("kept", [7, 3, 1])
def test_csv_has_the_bytes_that_pandas_writes(kept: int, tmp_path: Path) -> None:
    outcomes = example_assessment().outcomes[-kept:]
    odd = example_outcome(metric=example_metric(value=0.1 + 0.2, k=3), reasons=('a "b", c', "é"))
    for chosen in (outcomes, (*outcomes, odd), (odd,)):
        assessment = example_assessment(outcomes=chosen)
        expected = outcomes_table(assessment).to_csv(
            index=False, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC
        )
        written = write_outcomes(assessment, tmp_path / "outcomes.csv")
        assert expected.encode() == written.read_bytes()


def test_cells_run_nothing_and_numbers_stay_numbers(tmp_path: Path) -> None:
    outcome = example_outcome(
        Conformity.INSUFFICIENT,
        requirement=example_requirement(title="=HYPERLINK(1)", threshold=None),
        metric=example_metric(value=-0.5),
        reasons=("@SUM(A1)",),
    )
    path = write_outcomes(example_assessment(outcomes=(outcome,)), tmp_path / "outcomes.csv")

    table = pd.read_csv(path)
    assert table.loc[0, "title"] == "'=HYPERLINK(1)"
    assert table.loc[0, "reasons"] == "'@SUM(A1)"
    assert table.loc[0, "value"] == -0.5
    assert table["direction"].isna().all()


def test_no_outcomes_give_a_header_alone(tmp_path: Path) -> None:
    path = write_outcomes(example_assessment(outcomes=()), tmp_path / "outcomes.csv")

    assert path.read_text().splitlines() == ['"requirement","profile","line","conformity"']


HOSTILE = (
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\x07bell",
    "\uff1d1",
    "'=1",
    "http://x",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_workbook_runs_no_text_as_a_formula(text: str, tmp_path: Path) -> None:
    outcome = example_outcome(reasons=(text,), profile=text)
    path = write_outcomes(
        example_assessment(outcomes=(outcome,), campaign=text), tmp_path / "outcomes.xlsx"
    )
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    shown = pd.read_excel(path, dtype=str)["campaign"][0]
    assert text == cell_text(shown)
    assert shown[0] not in "=+-@\t\uff1d"


def test_numbers_of_a_workbook_are_numbers(tmp_path: Path) -> None:
    table = pd.read_excel(write_outcomes(example_assessment(), tmp_path / "outcomes.xlsx"))

    assert list(table["k"]) == [0, 100, 80, 93, 2, 400, 0]
    assert table.loc[2, "lower"] == 0.7228


def test_a_very_long_text_is_cut_in_a_workbook_and_whole_in_csv(tmp_path: Path) -> None:
    assessment = example_assessment(outcomes=(example_outcome(reasons=("x" * 40_000,)),))
    book = pd.read_excel(write_outcomes(assessment, tmp_path / "outcomes.xlsx"))
    whole = pd.read_csv(write_outcomes(assessment, tmp_path / "outcomes.CSV"))

    cut = str(book.loc[0, "reasons"])
    assert len(cut) == LONGEST_CELL
    assert cut.endswith("x…"), "the reader sees that it is cut"
    assert str(whole.loc[0, "reasons"]) == "x" * 40_000


def test_a_text_that_just_fits_a_cell_is_whole(tmp_path: Path) -> None:
    assessment = example_assessment(outcomes=(example_outcome(reasons=("x" * LONGEST_CELL,)),))
    book = pd.read_excel(write_outcomes(assessment, tmp_path / "outcomes.xlsx"))

    assert book.loc[0, "reasons"] == "x" * LONGEST_CELL


def test_another_ending_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.csv or \.xlsx"):
        write_outcomes(example_assessment(), tmp_path / "outcomes.ods")
