"""``accredit speed``: what it refuses, and how it ends as a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import HarnessError
from harness.measure.speed_rounds import SpeedExtent
from harness.model.later_evidence import later_evidence
from harness.model.metric_spec import spec_of
from harness.model.speed_metric_specs import SPEED_METRICS
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.clocks.simulated_speed import FEW_BYTES, SpeedCampaign

LINE = {"name": "line", "type": "simulated", "options": {"block": ["GAMB"]}}


def written(folder: Path, **more: Any) -> Path:
    if "origin" not in more:
        more["origin"] = simulated_origin(folder, twin_zone="twins.test")
    usual: dict[str, Any] = {"lines": [LINE], "control": {"type": "simulated"}}
    return write_campaign(folder, categories=["GAMB"], sample=2, **usual | more)


def run(*words: str) -> tuple[int, str]:
    """The exit code and the message of a command that is refused."""
    ended = CliRunner().invoke(app, ["speed", *words, "--rounds", "1"])
    error = ended.exception
    code = error.exit_code if isinstance(error, HarnessError) else ended.exit_code
    return code, " ".join(f"{ended.output} {error}".split())


@pytest.mark.parametrize(
    "words",
    [
        ("--requests", "0"),
        ("--connections", "1"),
        ("--seconds", "0"),
        ("--items", "-1"),
        ("--items", "many"),
    ],
)
def test_a_number_without_sense_is_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    code, output = run(str(written(tmp_path)), "--out", str(tmp_path / "out"), *words)
    assert code == 2
    assert words[0] in output
    assert not (tmp_path / "out").exists()


def test_a_campaign_without_an_origin_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, origin=None)
    code, output = run(str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "ask for hosts of an origin; name one (origin)" in output


def test_an_origin_without_plain_twins_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, origin=simulated_origin(tmp_path))
    code, output = run(str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "the origin has no zone for plain twins" in output


def test_a_campaign_that_only_asks_names_has_no_speed(tmp_path: Path) -> None:
    code, output = run(str(written(tmp_path, probes=["dns"])), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "no line fetches pages (by web or web_https)" in output


def test_a_campaign_cannot_name_the_probe_of_transfers(tmp_path: Path) -> None:
    path = written(tmp_path, probes=["transfer"])
    code, output = run(str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "'transfer' records facts of kind 'transfer'" in output


def test_a_bandwidth_without_sense_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, service={"name": "Filter", "bandwidth": {"down": 0}})
    code, output = run(str(path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "service.bandwidth.down" in output


def test_it_says_what_the_service_adds_and_numbers_its_measurements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = SpeedCampaign(folder=tmp_path, rows=("PRF-02",))
    extent = SpeedExtent(rounds=2, requests=2, items=4, seconds=0.1, sizes=FEW_BYTES, samples=0)
    for _ in range(2):
        made.measure(made.write(), extent)
    said = capsys.readouterr().out
    assert "measurement 1: 2 rounds of each line and profile" in said
    assert "measurement 2: 2 rounds of each line and profile" in said
    assert "line, pupils: whole page: " in said
    assert "line, pupils: answer of a block: " in said
    assert "next: accredit conclude" in said


def test_each_metric_of_speed_names_the_command_that_it_needs() -> None:
    for spec in SPEED_METRICS:
        found = later_evidence(spec_of(spec.name))
        assert found is not None
        assert found[1] == "use accredit speed"
