"""The demo never deletes what is not its own, and never writes into a shared registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import demo
from harness.cli.demo_campaign import NAMED
from harness.cli.main import app
from harness.cli.paths import DATABASE, REGISTRY, CampaignPaths
from harness.schemes.load import load_scheme


@pytest.mark.parametrize("variable", [DATABASE, REGISTRY])
def test_a_shared_registry_is_never_that_of_the_demo(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "postgresql://127.0.0.1:1/shared")
    used: list[Path | str] = []

    def end(home: Path) -> None:
        used.append(CampaignPaths(out=home, campaign="demo").registry)
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "make_lists", end)
    runner.invoke(app, ["demo", "--out", str(tmp_path)])

    assert used == [tmp_path / "demo-run/range/registry.sqlite"]


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
