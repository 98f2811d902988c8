"""The table: one row per outcome, numbers as numbers, cells that run nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from harness.model.outcome import Conformity
from reports.exports.table import outcomes_table, write_outcomes
from test_suites.example import (
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
