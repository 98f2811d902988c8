"""Two journals are compared from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli.compare import compare_journals
from harness.cli.main import app
from harness.cli.measure import measure_campaign
from harness.errors import UsageError
from test_suites.unit.harness.cli.conftest import BLOCKED, BLOCKED_HOSTS, Measured


@pytest.fixture
def journals(measured: Measured) -> tuple[Path, Path]:
    """A service that blocks drugs, and the same after it forgot them."""
    worse = [each for each in BLOCKED if each != "DRUG"] + BLOCKED_HOSTS
    before = measured(name="before", sample=10, whole=())
    after = measured(name="after", sample=10, whole=(), block=worse)
    return before, after


def test_a_category_that_was_forgotten_is_worse(
    runner: CliRunner, journals: tuple[Path, Path]
) -> None:
    before, after = map(str, journals)

    data = json.loads(runner.invoke(app, ["compare", before, after, "--json"]).stdout)
    table = runner.invoke(app, ["compare", before, after])

    says = {row["group"]: row["says"] for row in data["contrasts"]}
    worse = {row["group"]: row["worse"] for row in data["contrasts"]}
    assert {group for group, word in says.items() if word == "worse"} >= {"must be blocked"}
    assert all(name.startswith("drug") for name in worse["overall"])
    assert worse["overall"]
    assert table.exit_code == 0
    assert "pupils on proxy" in table.stdout


def test_a_journal_does_not_differ_from_itself(journals: tuple[Path, Path]) -> None:
    found = compare_journals(journals[0].parent, journals[0])

    assert {each.change.p_value for each in found.contrasts} == {1.0}
    assert (found.only_before, found.only_after) == (0, 0)


def test_journals_without_a_common_place_are_refused(simulated: Any, tmp_path: Path) -> None:
    before = measure_campaign(
        simulated("before", sample=1, categories=["PORN"], whole=()), tmp_path / "out"
    )
    path = simulated("after", sample=1, categories=["PORN"], whole=())
    path.write_text(path.read_text().replace("pupils", "others"))

    with pytest.raises(UsageError, match=r"pupils on proxy.*others on proxy"):
        compare_journals(before, measure_campaign(path, tmp_path / "out"))


def test_a_profile_of_another_phase_is_refused(simulated: Any, tmp_path: Path) -> None:
    before = measure_campaign(
        simulated("before", sample=1, categories=["PORN"], whole=()), tmp_path / "out"
    )
    path = simulated("after", sample=1, categories=["PORN"], whole=())
    path.write_text(path.read_text().replace("phase: ks2", "phase: staff"))

    with pytest.raises(UsageError, match="is ks2 in before and staff in after"):
        compare_journals(before, measure_campaign(path, tmp_path / "out"))
