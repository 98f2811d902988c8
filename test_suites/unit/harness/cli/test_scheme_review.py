"""Whoever uses a scheme past its review is warned, by the day of the clock, and goes on."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import compose
from harness.cli.compose import load_and_warn
from harness.cli.main import app
from harness.ports.storage import WallClock
from test_suites.kit.rooms import modules, syntax


class At(WallClock):
    """A clock that stands at midnight of a day."""

    def __init__(self, year: int, month: int, day: int) -> None:
        self._now = datetime(year, month, day, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now


LAST_DAY, DAY_AFTER = At(2027, 11, 24), At(2027, 11, 25)
WARNING = (
    "accredit: warning: scheme uksic-2024 1.1: review overdue (last reviewed on 2026-11-24, due "
    "by 2027-11-24); look for a newer edition of the document that it holds\n"
)


def test_on_the_last_day_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    load_and_warn("uksic-current", LAST_DAY)

    assert "" == capsys.readouterr().err


def test_a_day_later_one_line_names_the_dated_scheme(capsys: pytest.CaptureFixture[str]) -> None:
    assert "uksic-2024" == load_and_warn("uksic-current", DAY_AFTER).id

    said = capsys.readouterr()
    assert ("", WARNING) == (said.out, said.err)


@pytest.mark.parametrize(
    "words",
    [("check", "uksic-current"), ("show", "uksic-2024", "--json"), ("diff", "strict", "dfe-2024")],
)
def test_every_verb_warns_and_ends_as_it_would(
    monkeypatch: pytest.MonkeyPatch, runner: CliRunner, words: tuple[str, ...]
) -> None:
    early = runner.invoke(app, ["scheme", *words])
    monkeypatch.setattr(compose, "WallClock", lambda: DAY_AFTER)
    late = runner.invoke(app, ["scheme", *words])

    assert (0, early.stdout) == (late.exit_code, late.stdout)
    assert "" == early.stderr
    assert "review overdue" in late.stderr


@pytest.mark.parametrize("verb", ["plan", "list"])
def test_planning_and_listing_warn_as_well(
    monkeypatch: pytest.MonkeyPatch, runner: CliRunner, verb: str
) -> None:
    monkeypatch.setattr(compose, "WallClock", lambda: DAY_AFTER)

    ended: Any = runner.invoke(app, ["scheme", verb, *(["strict"] if verb == "plan" else [])])

    assert 0 == ended.exit_code
    assert "scheme strict 1.1: review overdue" in ended.stderr


OTHERWISE = {
    "compose.py", "declared_scheme.py", "measure.py", "judge.py", "hub_ingest.py",
    "upload_ingest.py", "demo_hub_play.py", "campaign_journal.py", "registered_campaigns.py",
    "scheme_signing.py", "trusted_content.py",
}  # fmt: skip
"""These load a scheme themselves: to warn, with a warning in the assessment, to keep or sign it, or
only to compare.
"""


def test_no_verb_loads_a_scheme_without_warning() -> None:
    loading = {
        path.name
        for path in modules("harness/cli")
        if any(
            isinstance(node, ast.ImportFrom) and "load_scheme" in {one.name for one in node.names}
            for node in ast.walk(syntax(path))
        )
    }

    assert loading == OTHERWISE
