"""The verbs ``journal verify`` and ``registry verify``: whole, and up to a printed head."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.measure import measure_campaign
from harness.errors import InstrumentError, UsageError
from harness.model.event import FixClaimed
from harness.store import registry
from harness.store.registry import START, open_registry


@pytest.fixture
def measured(simulated: Any, tmp_path: Path, runner: CliRunner) -> tuple[Path, str]:
    """A journal that was concluded, and the head that the assessment printed."""
    journal = measure_campaign(simulated(sample=10), tmp_path / "out")
    ran = runner.invoke(app, ["conclude", str(journal), "--json"])
    return journal, json.loads(ran.stdout)["journal_head"]["hash"]


def test_a_journal_goes_on_from_the_head_that_was_printed(
    measured: tuple[Path, str], runner: CliRunner
) -> None:
    journal, head = measured

    ran = runner.invoke(app, ["journal", "verify", str(journal.parent), "--head", head])

    assert 0 == ran.exit_code, ran.output
    assert f"head {head}" in ran.stdout
    assert "it continues from the printed head" in ran.stdout


def test_who_rewrites_chain_and_head_together_is_found_against_a_printed_head(
    measured: tuple[Path, str], runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    journal, head = measured
    other = measure_campaign(simulated(sample=10, miss=["PORN"]), tmp_path / "other")
    shutil.rmtree(journal)
    shutil.copytree(other, journal)

    ran = runner.invoke(app, ["journal", "verify", str(journal), "--head", head[:20]])
    alone = runner.invoke(app, ["journal", "verify", str(journal)])

    assert 0 == alone.exit_code
    assert isinstance(ran.exception, InstrumentError)
    assert f"never had the head {head[:20]}: it was rewritten or cut" in str(ran.exception)


@pytest.mark.parametrize("head", ["abc", "g" * 64, ""])
def test_what_is_no_head_is_the_users_mistake(
    measured: tuple[Path, str], runner: CliRunner, head: str
) -> None:
    ran = runner.invoke(app, ["journal", "verify", str(measured[0]), "--head", head])

    if head:
        assert isinstance(ran.exception, UsageError)
    else:
        assert 0 == ran.exit_code


NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def heads(tmp_path: Path) -> list[str]:
    """The heads of a registry of three events, as they were printed after each."""
    printed = []
    with open_registry(tmp_path / "registry.sqlite", create=True) as registry:
        for number in range(3):
            event = FixClaimed(at=NOW, actor="Acmé", plan="P-0001", statement=str(number))
            registry.append(event, after=number)
            printed.append(registry.hashes()[-1])
    return printed


def test_it_goes_on_from_any_head_that_was_printed(
    heads: list[str], runner: CliRunner, tmp_path: Path
) -> None:
    for number, head in enumerate((START, *heads)):
        ran = runner.invoke(app, ["registry", "verify", "--out", str(tmp_path), "--head", head])

        assert 0 == ran.exit_code, ran.output
        assert f"unchanged: 3 events; head {heads[-1]}" in ran.stdout
        assert f"printed head: {number} events are unchanged" in ran.stdout


def test_who_cuts_the_tail_and_the_head_together_is_found_against_a_printed_head(
    heads: list[str], runner: CliRunner, tmp_path: Path
) -> None:
    path = tmp_path / "registry.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        rules = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in rules.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM events WHERE position = 3")
        connection.execute("UPDATE registry_head SET events = 2, hash = ?", [heads[1]])
        connection.commit()

    command = ["registry", "verify", "--registry", str(path)]
    alone = runner.invoke(app, command)
    held = runner.invoke(app, [*command, "--head", heads[1]])
    cut = runner.invoke(app, [*command, "--head", heads[2]])

    assert (0, 0) == (alone.exit_code, held.exit_code)
    assert isinstance(cut.exception, InstrumentError)
    assert "never had the head" in str(cut.exception)


def test_events_that_are_dated_before_earlier_ones_are_named(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "require_times", lambda *_: None)  # as before it was checked
    with open_registry(tmp_path / "registry.sqlite", create=True) as opened:
        for number in range(2):
            at = NOW - timedelta(days=number)
            event = FixClaimed(at=at, actor="Acme", plan="P-0001", statement="s")
            opened.append(event, after=number)

    ran = runner.invoke(app, ["registry", "verify", "--out", str(tmp_path)])

    assert 0 == ran.exit_code, ran.output
    assert "event 2 (2026-03-01 00:00:00 UTC) is dated 1 d before event 1" in ran.stdout
