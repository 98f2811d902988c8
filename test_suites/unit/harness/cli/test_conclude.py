"""Concluding needs the journal alone."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import pipeline
from harness.cli.conclude import conclude_journal
from harness.cli.main import app
from harness.errors import UsageError
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.held import unpacked
from test_suites.unit.harness.cli.conftest import Measured


def test_a_table_for_people_and_json_for_programs(
    runner: CliRunner, measured: Measured, tmp_path: Path, web_only: Path
) -> None:
    journal = measured(sample=30)

    table = runner.invoke(app, ["conclude", str(journal), "--scheme", str(web_only)])
    data = runner.invoke(app, ["conclude", str(journal.parent), "--json"])

    assert (3, 3) == (table.exit_code, data.exit_code)
    assert "agreed list only" in table.stdout.splitlines()[0]
    assert "URL-01" in table.stdout
    assert "becta-2008" == json.loads(data.stdout)["scheme"]
    undecided = {
        one["requirement"]["id"]: one["reasons"]
        for one in json.loads(data.stdout)["outcomes"]
        if one["requirement"]["binding"] and one["conformity"] == "insufficient"
    }
    assert {"MAL-01": ["no item for this requirement was measured"]} == undecided


def test_the_assessment_is_kept_beside_the_journal(measured: Measured, tmp_path: Path) -> None:
    journal = measured(whole=())
    _, places = conclude_journal(journal)

    kept = places.assessment("becta-2008")
    assert kept == (tmp_path / "out/simulated/assessment-becta-2008.json").resolve()
    assert "becta-2008" in kept.read_text()


def test_an_unknown_scheme_tells_what_is_known(measured: Measured, tmp_path: Path) -> None:
    journal = measured(whole=())

    with pytest.raises(UsageError, match="becta-2008"):
        conclude_journal(journal, "becta-1066")


def test_no_journal_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=str(tmp_path)):
        conclude_journal(tmp_path)


class InTwoYears(WallClock):
    """A clock past every review."""

    def now(self) -> datetime:
        return datetime(2028, 11, 24, tzinfo=UTC)


def test_an_overdue_review_is_in_the_assessment_and_an_alias_is_nowhere(
    measured: Measured, tmp_path: Path
) -> None:
    journal = measured(whole=())
    assessment, places = conclude_journal(journal, "uksic-current", InTwoYears())

    assert "uksic-2024" == assessment.scheme
    assert "scheme uksic-2024 1.1: review overdue" in assessment.warnings[0]
    kept = json.loads(places.assessment("uksic-2024").read_text())
    assert list(assessment.warnings) == kept["warnings"]
    assert "uksic-current" not in places.assessment("uksic-2024").read_text()


def test_the_warning_goes_to_standard_error_and_changes_no_exit_code(
    runner: CliRunner, measured: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = str(measured(whole=()))
    on_time = runner.invoke(app, ["conclude", journal, "--json"])
    monkeypatch.setattr(pipeline, "WallClock", InTwoYears)
    late = runner.invoke(app, ["conclude", journal, "--json"])

    assert (on_time.exit_code, "") == (late.exit_code, on_time.stderr)
    assert late.stderr.startswith("accredit: warning: scheme becta-2008 1.3: review overdue")
    assert json.loads(late.stdout)["warnings"]


def test_concluding_from_kept_verdicts_imports_only_what_it_needs(
    runner: CliRunner, tmp_path: Path
) -> None:
    journal = unpacked("demo", tmp_path)
    code = (
        f"from harness.cli.main import invoke\nimport sys\ninvoke(['conclude', {str(journal)!r}])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    first = runner.invoke(app, ["conclude", str(journal)])
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert first.stdout == again.stdout
    assert "harness.estimate.intervals" in again.stderr.split()
    unneeded = {"scipy", "pandas", "harness.cli.measure", "harness.campaign.assemble"}
    assert unneeded.isdisjoint(again.stderr.split())
