"""The demo never deletes what is not its own, and never writes into a shared registry."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from harness.cli import demo, demo_story, demo_whole
from harness.cli.main import app
from harness.cli.paths import DATABASE, REGISTRY, CampaignPaths
from harness.model.metric_spec import spec_of
from harness.schemes.load import load_scheme


@pytest.mark.parametrize("variable", [DATABASE, REGISTRY])
@pytest.mark.parametrize(("played", "words"), [(demo_story, []), (demo_whole, ["--all"])])
def test_a_shared_registry_is_never_that_of_the_demo(
    runner: CliRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    played: ModuleType,
    words: list[str],
) -> None:
    monkeypatch.setenv(variable, "postgresql://127.0.0.1:1/shared")
    used: list[Path | str] = []

    def end(home: Path, seed: str = "") -> None:
        del seed
        used.append(CampaignPaths(out=home, campaign="demo").registry)
        raise KeyboardInterrupt

    monkeypatch.setattr(played, "make_lists", end)
    runner.invoke(app, ["demo", *words, "--out", str(tmp_path)])

    assert used == [tmp_path / "demo-run/range/registry.sqlite"]


def test_a_folder_of_somebody_elses_stays(runner: CliRunner, tmp_path: Path) -> None:
    mine = tmp_path / "demo-run/thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")

    ended = runner.invoke(app, ["demo", "--out", str(tmp_path)])

    assert "not a demo" in str(ended.exception)
    assert mine.exists()


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo only says where its report would be."""
    monkeypatch.setattr(demo_story, "play_story", lambda home, console: home / "report.html")


def test_what_a_stopped_demo_left_is_replaced(
    runner: CliRunner, tmp_path: Path, played: None
) -> None:
    left = tmp_path / "demo-run" / demo.VENDOR_LIST
    left.parent.mkdir(parents=True)
    left.write_text("")

    assert 0 == runner.invoke(app, ["demo", "--out", str(tmp_path)]).exit_code
    assert not left.exists()


@pytest.mark.parametrize("display", demo.DISPLAYS)
def test_the_report_opens_in_a_browser_and_its_address_is_the_last_line(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, played: None, display: str
) -> None:
    shown: list[str] = []

    def show(address: str) -> bool:
        shown.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", show)
    monkeypatch.setenv(display, ":0")

    quiet = runner.invoke(app, ["demo", "--out", str(tmp_path)])
    assert [] == shown
    opened = runner.invoke(app, ["demo", "--open", "--out", str(tmp_path)])

    assert [(tmp_path / "demo-run/report.html").as_uri()] == shown
    assert shown == quiet.stdout.splitlines() == opened.stdout.splitlines()


def test_where_there_is_no_desktop_no_browser_takes_the_terminal(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, played: None
) -> None:
    monkeypatch.setattr("webbrowser.open", pytest.fail)
    monkeypatch.setattr("sys.platform", "linux")
    for name in demo.DISPLAYS:
        monkeypatch.delenv(name, raising=False)

    ended = runner.invoke(app, ["demo", "--open", "--out", str(tmp_path)])

    assert 0 == ended.exit_code
    said, address = ended.stdout.splitlines()
    assert "No browser" in said
    assert (tmp_path / "demo-run/report.html").as_uri() == address


def test_the_short_demo_decides_by_nothing_that_is_about_time(tmp_path: Path) -> None:
    path = tmp_path / "scheme.yaml"
    path.write_text(demo_story.SCHEME)
    scheme = load_scheme(str(path))

    assert set(demo_story.FIXES) == {one.id for one in scheme.requirements}
    assert {"items", "share"} >= {spec_of(one.measure.metric).unit for one in scheme.requirements}


def test_the_demo_tries_every_category_that_its_scheme_names() -> None:
    named = {
        code
        for row in load_scheme("becta-2008").requirements
        if row.binding and row.measure.expectation == "block" and row.rests_on == "real"
        for code in row.measure.categories
    }

    assert named == set(demo_whole.NAMED)
