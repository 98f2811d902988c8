"""The demo tells its story, and never deletes what is not its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.demo import NAMED
from harness.cli.main import app
from harness.schemes.load import load_scheme
from test_suites.unit.harness.cli.test_columns import too_long


@pytest.mark.timeout(120)
def test_the_story(runner: CliRunner, tmp_path: Path) -> None:
    ended = runner.invoke(app, ["demo", "--out", str(tmp_path)], env={"COLUMNS": "60"})

    assert 0 == ended.exit_code, ended.output
    told = " ".join(ended.stdout.split())
    for word in ("Conforms", "Does not", "Not decided"):
        assert word in told
    assert "it is now closed" in told
    assert "P-0001 draft" in told.split("a re-test decides")[1]
    assert [] == too_long(ended.output, 60)
    assert (tmp_path / "demo-run/demo/report-becta-2008.html").exists()
    for kind in ("on agreed items", "on real items", "on content items"):
        assert kind in " ".join(ended.stdout.split())
    assert list((tmp_path / "demo-run/demo/allure-results").glob("*-result.json"))


def test_a_folder_of_somebody_elses_stays(runner: CliRunner, tmp_path: Path) -> None:
    mine = tmp_path / "demo-run/thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")

    ended = runner.invoke(app, ["demo", "--out", str(tmp_path)])

    assert "not a demo" in str(ended.exception)
    assert mine.exists()


def test_the_demo_tries_every_category_that_its_scheme_names() -> None:
    named = {
        code
        for row in load_scheme("becta-2008").requirements
        if row.binding and row.measure.expectation == "block" and row.rests_on == "real"
        for code in row.measure.categories
    }

    assert named == set(NAMED)
