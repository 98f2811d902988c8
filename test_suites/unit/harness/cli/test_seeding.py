"""A campaign that names no seed gets one that nobody can guess, and keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.cli.compose import seed_in_journal, seeded
from harness.cli.main import app
from harness.cli.measure import prepare_in
from harness.errors import UsageError
from test_suites.kit.hubs.keys import write_keys


@pytest.fixture
def unseeded(simulated: Any) -> Path:
    """A campaign file without a seed."""
    path: Path = simulated(sample=10, categories=["DRUG"], whole=())
    lines = [line for line in path.read_text().splitlines() if not line.startswith("seed:")]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_two_campaigns_draw_two_seeds(unseeded: Path, tmp_path: Path) -> None:
    one, other = (prepare_in(unseeded, tmp_path / name).campaign.seed for name in ("a", "b"))

    assert one != other
    assert len(one) == len(other) == 32


def test_a_seed_that_is_named_is_taken(simulated: Any, tmp_path: Path) -> None:
    campaign = read_campaign(simulated())[0]

    assert campaign is seeded(campaign, tmp_path)


def test_the_seed_that_was_drawn_goes_on_and_is_told_to_nobody_until_it_is_revealed(
    unseeded: Path, tmp_path: Path, runner: CliRunner
) -> None:
    out, (private, _) = tmp_path / "out", write_keys(tmp_path)
    journal = out / "simulated/journal"
    first = runner.invoke(app, ["run", str(unseeded), "--out", str(out)])
    seed = seed_in_journal(journal)
    again = runner.invoke(app, ["run", str(unseeded), "--out", str(out)])
    for name, options in (("hidden.zip", []), ("revealed.zip", ["--reveal-seed"])):
        words = ["bundle", "make", str(journal), "--key", str(private), "--out"]
        ran = runner.invoke(app, [*words, str(tmp_path / name), *options])
        assert 0 == ran.exit_code, ran.output

    assert first.exit_code == again.exit_code
    assert first.exit_code in (0, 1, 3), first.output
    assert seed == seed_in_journal(journal)
    assert seed in (tmp_path / "revealed.zip").read_bytes().decode("latin-1")
    told = [path for path in tmp_path.rglob("*") if path.is_file()]
    holding = {path.name for path in told if seed.encode() in path.read_bytes()}
    assert {"seed", "revealed.zip"} == holding
    for name in ("hidden.zip", "revealed.zip"):
        words = ["bundle", "verify", str(tmp_path / name), "--key", str(tmp_path / "ours.pub.pem")]
        assert 0 == runner.invoke(app, words).exit_code


def test_a_journal_whose_seed_is_gone_says_so(
    unseeded: Path, tmp_path: Path, runner: CliRunner
) -> None:
    out = tmp_path / "out"
    runner.invoke(app, ["measure", str(unseeded), "--out", str(out)])
    (out / "simulated/journal/seed").unlink()

    ran = runner.invoke(app, ["measure", str(unseeded), "--out", str(out)])

    assert isinstance(ran.exception, UsageError)
    assert "the seed of this journal is missing" in str(ran.exception)


def test_a_journal_of_before_goes_on_with_the_seed_in_its_header(
    unseeded: Path, tmp_path: Path, runner: CliRunner
) -> None:
    out = tmp_path / "out"
    header = out / "simulated/journal/header.json"
    runner.invoke(app, ["measure", str(unseeded), "--out", str(out)])
    seed = seed_in_journal(header.parent)
    held = json.loads(header.read_text())
    campaign = json.loads(held["campaign"]) | {"seed": seed}
    for path in header.parent.iterdir():
        path.unlink()
    del held["journal_format"]
    header.write_text(json.dumps(held | {"campaign": json.dumps(campaign)}))

    ran = runner.invoke(app, ["measure", str(unseeded), "--out", str(out)])

    assert 0 == ran.exit_code, ran.output
    assert seed == seed_in_journal(header.parent)
