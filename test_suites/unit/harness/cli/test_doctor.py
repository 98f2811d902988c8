"""The doctor says what holds, and what to do where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import doctor
from harness.cli.doctor import machine_checks
from harness.cli.main import app
from test_suites.instrument import UNSYNCHRONISED, record


def test_this_machine_is_fit(runner: CliRunner) -> None:
    ended = runner.invoke(app, ["doctor"])

    assert 0 == ended.exit_code, ended.output
    assert "ok    Python 3.11 or newer" in ended.stdout


def test_a_room_that_somebody_else_owns_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "packages_distributions", lambda: {"reports": ["isp-accredit", "report-lab"]}
    )

    broken = [check for check in machine_checks() if not check.holds and check.needed]

    assert ["no other package is named 'reports'"] == [check.name for check in broken]
    assert "report-lab" in broken[0].detail


def test_a_campaign_that_is_ready(runner: CliRunner, simulated: Any) -> None:
    ended = runner.invoke(app, ["doctor", str(simulated()), "--json"])

    assert 0 == ended.exit_code, ended.output
    assert all(check["holds"] for check in json.loads(ended.stdout) if "proxy" in check["name"])


def test_a_filter_that_is_off_is_insufficient(runner: CliRunner, simulated: Any) -> None:
    ended = runner.invoke(app, ["doctor", str(simulated(block=[]))])

    assert 3 == ended.exit_code, ended.output
    assert "FAIL" in ended.stdout


def test_what_a_journal_would_record_is_shown_and_a_clock_adrift_bars_nothing(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "read_record", lambda _: record(clock=UNSYNCHRONISED))

    ended = runner.invoke(app, ["doctor"])

    assert 0 == ended.exit_code, ended.output
    assert "ok    ClientHello of portable: 517 bytes; groups x25519, secp256r1" in ended.stdout
    assert "none  clock: not known: the clock is not synchronised" in ended.stdout
