"""The verb ``journal verify``: whole, and up to a printed head."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.measure import measure_campaign
from harness.errors import InstrumentError, UsageError
from test_suites.unit.harness.cli.conftest import Measured


@pytest.fixture
def measured(measured: Measured, runner: CliRunner) -> tuple[Path, str]:
    """A journal that was concluded, and the head that the assessment printed."""
    journal = measured(sample=4, whole=())
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
    other = measure_campaign(simulated(sample=4, whole=(), miss=["PORN"]), tmp_path / "other")
    shutil.rmtree(journal.parent)  # with the assessment, which names the head as well
    shutil.copytree(other.parent, journal.parent)

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
