"""A report is written where it was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.measure import measure_campaign


def test_the_page_goes_where_it_was_asked_for(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    journal = measure_campaign(simulated(), tmp_path / "out")

    ended = runner.invoke(app, ["report", str(journal), "--out", str(tmp_path / "pages/mine.html")])

    assert 0 == ended.exit_code, ended.output
    assert "<html" in (tmp_path / "pages/mine.html").read_text()


def test_an_unknown_format_tells_what_is_known(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    journal = measure_campaign(simulated(), tmp_path / "out")

    ended = runner.invoke(app, ["report", str(journal), "--format", "papyrus"])

    assert "no document 'papyrus'; known: html" in str(ended.exception)
