"""A campaign's journal says what it was measured with, and what changed at a resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import measure
from harness.cli.compose import prepare
from harness.cli.main import app
from harness.cli.measure import read_record, record_of
from harness.ports.storage import WallClock
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.instrument import record


def records(out: Path) -> list[str]:
    (folder,) = out.glob("*/journal")
    journal = open_journal(folder)
    try:
        journal.verify()
        return [one.tls_library for one in journal.instrument_records()]
    finally:
        journal.close()


def test_a_start_is_recorded_once_and_a_change_again(
    runner: CliRunner, simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, campaign = tmp_path / "out", str(simulated(categories=["DRUG"], whole=()))
    words = ["measure", campaign, "--out", str(out)]

    for _ in range(2):
        assert runner.invoke(app, words).exit_code == 0
    own = records(out)
    assert len(own) == 1
    monkeypatch.setattr(measure, "record_of", lambda *_: record(tls_library="Other 1.0"))
    assert runner.invoke(app, words).exit_code == 0

    assert records(out) == [*own, "Other 1.0"]
    concluded = runner.invoke(app, ["conclude", str(next(out.glob("*/journal"))), "--json"])
    assert '"tls_library":"Other 1.0"' in concluded.stdout.replace(": ", ":")


def test_what_changes_while_measuring_is_recorded_at_the_end(
    runner: CliRunner, simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    found = iter([record(), record(tls_library="Other 1.0")])
    monkeypatch.setattr(measure, "record_of", lambda *_: next(found))

    assert (
        runner.invoke(
            app, ["measure", str(simulated(categories=["DRUG"], whole=())), "--out", str(out)]
        ).exit_code
        == 0
    )

    assert records(out) == ["OpenSSL 3.5.9", "Other 1.0"]


def test_the_controls_resolver_is_recorded_without_its_credentials(simulated: Any) -> None:
    prepared = prepare(simulated())
    control = prepared.campaign.control.model_copy(
        update={"options": {"resolver": "https://ann:secret@dns.test/q"}}
    )
    campaign = prepared.campaign.model_copy(update={"control": control})
    declared = prepared.__class__(
        **{name: getattr(prepared, name) for name in prepared.__slots__} | {"campaign": campaign}
    )

    told = record_of(declared, WallClock()).control_resolver

    assert told == "https://(hidden)@dns.test/q"
    assert record_of(prepare(simulated()), WallClock()).control_resolver == "127.0.0.1:1"
    assert "control asks" not in dict(read_record(WallClock()).rows)
