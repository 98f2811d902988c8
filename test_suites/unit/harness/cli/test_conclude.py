"""Concluding needs the journal alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.conclude import conclude_journal
from harness.cli.main import app
from harness.cli.measure import measure_campaign
from harness.errors import UsageError


def test_a_table_for_people_and_json_for_programs(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    journal = measure_campaign(simulated(sample=None), tmp_path / "out")

    table = runner.invoke(app, ["conclude", str(journal)])
    data = runner.invoke(app, ["conclude", str(journal.parent), "--json"])

    assert (3, 3) == (table.exit_code, data.exit_code)
    assert "agreed list only" in table.stdout.splitlines()[0]
    assert "URL-01" in table.stdout
    assert "becta-2008" == json.loads(data.stdout)["scheme"]


def test_the_assessment_is_kept_beside_the_journal(simulated: Any, tmp_path: Path) -> None:
    journal = measure_campaign(simulated(), tmp_path / "out")
    _, places = conclude_journal(journal)

    assert places.assessment == (tmp_path / "out/simulated/assessment.json").resolve()
    assert "becta-2008" in places.assessment.read_text()


def test_an_unknown_scheme_tells_what_is_known(simulated: Any, tmp_path: Path) -> None:
    journal = measure_campaign(simulated(), tmp_path / "out")

    with pytest.raises(UsageError, match="becta-2008"):
        conclude_journal(journal, "becta-1066")


def test_no_journal_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=str(tmp_path)):
        conclude_journal(tmp_path)
