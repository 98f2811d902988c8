"""The main job in one verb: measure, conclude, open plans, report."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.cli.conclude import conclude_journal
from harness.cli.main import app
from harness.errors import UsageError
from harness.model.event import RecordAdded, StreamOpened
from harness.model.registry_record import Service
from harness.model.stream import stream_of
from harness.store.registry.opening import open_registry


@pytest.mark.parametrize(("items", "code"), [("agreed", 0), ("real", 3)])
def test_a_good_service_conforms_within_what_was_tried(
    runner: CliRunner, simulated: Any, tmp_path: Path, web_only: Path, items: str, code: int
) -> None:
    """Whoever says that only the agreed list is meant gets 0; else it is not enough."""
    campaign = simulated(sample=40)
    campaign.write_text(f"items: {items}\nscheme: {web_only}\n" + campaign.read_text())

    words = ["run", str(campaign), "--out", str(tmp_path / "out"), "--json"]
    ended = runner.invoke(app, words)
    with_files = runner.invoke(app, [*words, "--scheme", "becta-2008"])

    assert code == ended.exit_code, ended.output
    assert "agreed list only" in ended.stdout.splitlines()[0]
    said = json.loads(ended.stdout)
    assert said["qualifier"] == "agreed list only"
    binding = [one for one in said["outcomes"] if one["requirement"]["binding"]]
    assert {"conforms"} == {outcome["conformity"] for outcome in binding}
    assert (tmp_path / "out/simulated/report-web-only.html").exists()
    assert "plan" not in ended.stderr

    assert 3 == with_files.exit_code, with_files.output
    undecided = {
        one["requirement"]["id"]: one["conformity"]
        for one in json.loads(with_files.stdout)["outcomes"]
        if one["requirement"]["binding"] and one["conformity"] != "conforms"
    }
    assert undecided == {"MAL-01": "insufficient"}
    assert (tmp_path / "out/simulated/report-becta-2008.html").exists()


def test_what_cannot_be_decided_is_said_before_it_is_measured(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    words = [
        "run",
        str(simulated(whole=())),
        "--out",
        str(tmp_path / "out"),
        "--scheme",
        "uksic-current",
    ]

    ended = runner.invoke(app, [*words, "--json"])

    assert 3 == ended.exit_code, ended.output
    assert "uksic-2024" == json.loads(ended.stdout)["scheme"]
    assert "0 of GAMB" in ended.stderr
    assert ended.stderr.index("URL-06[pupils-proxy]") < ended.stderr.index("report: ")
    assert "-current" not in ended.stderr + ended.stdout


def test_a_service_that_misses_a_category_does_not_and_plans_open(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    missed = [f"drug-{n:03d}.canary.accredit.test" for n in range(1, 121, 2)]
    campaign = simulated(miss=missed, categories=["DRUG"], whole=())

    ended = runner.invoke(app, ["run", str(campaign), "--out", str(tmp_path / "out")])

    assert 1 == ended.exit_code, ended.output
    assert "plan P-0001 opened for F-0001, due" in ended.stderr
    listed = runner.invoke(
        app, ["plan", "list", "--registry", str(tmp_path / "out/registry.sqlite"), "--json"]
    )
    assert ["URL-04"] == [plan["finding"]["requirement"] for plan in json.loads(listed.stdout)]


def test_a_captive_portal_is_insufficient(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    campaign = simulated(captive=True, categories=["DRUG"], whole=())

    ended = runner.invoke(app, ["run", str(campaign), "--out", str(tmp_path / "out")])

    assert 3 == ended.exit_code, ended.output
    assert (
        not runner.invoke(
            app, ["plan", "list", "--registry", str(tmp_path / "out/registry.sqlite"), "--json"]
        )
        .stdout.strip()
        .strip("[]")
    )


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_registry_that_refuses_events_is_found_first_and_costs_no_report(
    when: str, runner: CliRunner, simulated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock was years ahead when the last event was recorded."""
    out, later = tmp_path / "out", datetime(2099, 1, 1, tzinfo=UTC)
    campaign = simulated(block=["PORN"], categories=["PORN", "DRUG"], whole=())
    name = read_campaign(campaign)[0].service.name

    def far_ahead() -> None:
        with (
            open_registry(out / "registry.sqlite", create=True) as registry,
            registry.writing(stream_of("", name)) as access,
        ):
            opened = StreamOpened(at=later, actor="Ann", name=name)
            service = RecordAdded(at=later, actor="Ann", record=Service(id="Other"))
            access.append(service if access.head else opened)

    def conclude(*given: Any) -> Any:
        far_ahead()
        return conclude_journal(*given)

    if when == "before":
        far_ahead()
    else:  # somebody else recorded the event once the campaign was measured
        monkeypatch.setattr("harness.cli.run.conclude_journal", conclude)

    ended = runner.invoke(app, ["run", str(campaign), "--out", str(out)])

    assert isinstance(ended.exception, UsageError)
    assert "check this machine's clock" in str(ended.exception)
    assert (when == "meanwhile") == (out / "simulated/report-becta-2008.html").exists()
    assert (when == "meanwhile") == (out / "simulated/journal").exists()
