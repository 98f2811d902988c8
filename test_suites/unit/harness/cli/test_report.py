"""A report is written where it was asked for, and never disagrees with the assessment beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.cli.conclude import keep_assessment, write_report
from harness.cli.main import app
from harness.cli.paths import CampaignPaths
from harness.cli.registry_facts import open_plans
from harness.errors import InstrumentError, UsageError
from harness.model.outcome import Assessment
from reports.documents import DOCUMENTS, Report
from test_suites.kit.campaigns.example import example_assessment, example_outcome
from test_suites.unit.harness.cli.conftest import Measured

SCHEME = "becta-2008"


def agree(paths: CampaignPaths, scheme: str = SCHEME) -> bool:
    """Whether the report shows the assessment that lies beside it."""
    kept = paths.assessment(scheme).read_bytes()
    return hashlib.sha256(kept).hexdigest() in paths.report(scheme).read_text()


@pytest.fixture
def paths(tmp_path: Path) -> CampaignPaths:
    return CampaignPaths(out=tmp_path / "out", campaign="spring-2026")


def kept(paths: CampaignPaths, **changes: Any) -> Assessment:
    assessment = example_assessment(**changes)
    keep_assessment(assessment, paths)
    return assessment


def test_the_page_goes_where_it_was_asked_for(
    runner: CliRunner, measured: Measured, tmp_path: Path
) -> None:
    journal = measured(whole=())

    ended = runner.invoke(app, ["report", str(journal), "--out", str(tmp_path / "pages/mine.html")])

    assert 0 == ended.exit_code, ended.output
    assert "<html" in (tmp_path / "pages/mine.html").read_text()


def test_an_unknown_format_tells_what_is_known(
    runner: CliRunner, measured: Measured, tmp_path: Path
) -> None:
    journal = measured(whole=())

    ended = runner.invoke(app, ["report", str(journal), "--format", "papyrus"])

    assert "no document 'papyrus'; known: html" in str(ended.exception)


def test_another_scheme_or_output_leaves_reports_that_agree(
    runner: CliRunner, measured: Measured, tmp_path: Path
) -> None:
    journal = str(measured(whole=()))
    home = CampaignPaths(out=tmp_path / "out", campaign="simulated")
    elsewhere = str(tmp_path / "elsewhere.html")

    for words in (
        ["report", journal],
        ["conclude", journal, "--scheme", "strict"],
        ["report", journal, "--scheme", "uksic-current", "--out", elsewhere],
        ["report", journal, "--scheme", "strict"],
        ["conclude", journal],
    ):
        runner.invoke(app, words)

    assert agree(home)
    assert agree(home, "strict")
    assert not home.report("uksic-2024").exists()
    other = home.assessment("uksic-2024").read_bytes()
    assert hashlib.sha256(other).hexdigest() in Path(elsewhere).read_text()
    assert not list(home.home.glob(".new-*"))


def test_a_new_assessment_renews_the_report_beside_it(paths: CampaignPaths) -> None:
    first = kept(paths)
    write_report(first, paths)
    assert agree(paths)

    kept(paths, outcomes=(example_outcome(),))

    assert agree(paths)
    assert "the one check conforms" in paths.report(SCHEME).read_text()


def test_a_report_that_cannot_be_written_leaves_the_old_pair(
    paths: CampaignPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(kept(paths), paths)
    before = paths.assessment(SCHEME).read_bytes()

    def fail(report: Report, path: Path) -> Path:
        path.write_text("half a page")
        msg = "No space left on device"
        raise InstrumentError(msg)

    monkeypatch.setitem(DOCUMENTS.registered, "html", fail)
    with pytest.raises(InstrumentError):
        kept(paths, outcomes=())

    assert before == paths.assessment(SCHEME).read_bytes()
    assert agree(paths)
    assert not list(paths.home.glob(".new-*"))


def test_files_of_other_kinds_beside_it_are_left_alone(paths: CampaignPaths) -> None:
    write_report(kept(paths), paths)
    printed = paths.report(SCHEME, "pdf")
    printed.write_bytes(b"printed by hand")

    kept(paths, outcomes=())

    assert b"printed by hand" == printed.read_bytes()


def test_the_place_of_another_schemes_report_is_refused(
    runner: CliRunner, measured: Measured, tmp_path: Path
) -> None:
    journal = measured(whole=())
    taken = str(tmp_path / "out/simulated/report-becta-2008.html")
    ended = runner.invoke(app, ["report", str(journal), "--scheme", "strict", "--out", taken])

    assert isinstance(ended.exception, UsageError)
    assert "the place of the report under scheme 'becta-2008'" in str(ended.exception)
    assert not Path(taken).exists()


def test_the_report_shows_the_plans_of_the_registry(paths: CampaignPaths) -> None:
    assessment = kept(paths)
    assert "No action plan is open yet." in write_report(assessment, paths).read_text()

    (plan,) = open_plans(assessment, paths)
    shown = write_report(assessment, paths).read_text()

    assert f"{plan.id}, not yet agreed" in shown
    assert "Example Networks Ltd" in shown
    assert "Plans as of" in shown
    assert agree(paths)


def test_a_plan_closed_before_this_campaign_says_nothing_about_a_failure_that_came_back(
    paths: CampaignPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_plans(kept(paths), paths)
    monkeypatch.setattr("harness.follow.state.StreamState.is_settled", lambda *_: True)
    later = example_assessment(campaign="autumn-2026")

    assert "No action plan is open yet." in write_report(later, paths).read_text()


def test_charts_and_a_table_are_written_beside_the_report(
    runner: CliRunner, measured: Measured, tmp_path: Path
) -> None:
    journal = str(measured(whole=()))
    charts, table = tmp_path / "charts", tmp_path / "outcomes.xlsx"
    ended = runner.invoke(app, ["report", journal, "--figures", str(charts), "--table", str(table)])

    assert 0 == ended.exit_code, ended.output
    written = list(charts.iterdir())
    assert {".png", ".svg"} == {path.suffix for path in written}
    assert f"table: {table}" in ended.stdout
    assert "URL-01" in set(pd.read_excel(table)["requirement"])


def test_a_table_of_unknown_format_is_refused_before_anything_is_written(
    runner: CliRunner, measured: Measured, tmp_path: Path
) -> None:
    journal = measured(whole=())
    ended = runner.invoke(app, ["report", str(journal), "--table", "outcomes.ods"])

    assert "give a name that ends in .csv or .xlsx" in str(ended.exception)
    assert isinstance(ended.exception, UsageError)
    assert not list(journal.parent.glob("assessment-*"))
