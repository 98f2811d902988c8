"""``accredit corpus sample``: strata, frames and audiences as they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli.corpus import app
from harness.errors import UsageError


def draw(runner: CliRunner, out: Path, *arguments: object) -> Result:
    words = ["sample", "canary", "--size", 2, "--seed", "s", "--out", out, *arguments]
    return runner.invoke(app, [str(word) for word in words])


def test_a_sample_for_suppliers_in_a_frame_of_popularity(runner: CliRunner, tmp_path: Path) -> None:
    ranks = tmp_path / "ranks.csv"
    ranks.write_text("".join(f"{n},gamb-{n:03}.canary.accredit.test\n" for n in range(1, 20)))

    outcome = draw(
        runner, tmp_path / "out", "--frame", "popularity", "--by", "category, popularity",
        "--ranks", ranks, "--audience", "supplier",
    )  # fmt: skip

    told = json.loads((tmp_path / "out/datapackage.json").read_text())["accredit"]
    assert outcome.stdout.startswith(f"{tmp_path / 'out'}: 2 items; commitment to the seed: sha256")
    assert told["release"]["audience"] == "supplier"
    assert told["sampling"]["design"] == "popularity_weighted"
    assert told["sampling"]["strata"] == ["GAMB/top1k"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--by", "colour"), "no dimension 'colour' of strata"),
        (("--frame", "popularity"), "name one with --ranks"),
        (("--seed", ""), "--seed is empty"),
        (("--audience", "sealed"), "holds agreed items, whose names suppliers load before"),
        (("--category", "NONE"), "has no category 'NONE'"),
    ],
)
def test_wrong_use_is_told(
    runner: CliRunner, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    outcome = draw(runner, tmp_path / "out", *arguments)

    assert isinstance(outcome.exception, UsageError)
    assert told in str(outcome.exception)
    assert not (tmp_path / "out").exists()
