"""Raters agree or not; an upheld appeal re-scores every campaign that used the item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.cli.conclude import conclude_journal
from harness.cli.corpus import app
from harness.cli.measure import measure_campaign
from harness.errors import FaultyDocument, UsageError
from harness.model.outcome import Assessment, Conformity

MISSED = "ill-csam-001"


def rated(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(["item,rater,label", *rows]) + "\n")
    return path


def agreed(*, different: int) -> list[str]:
    """Ratings of forty items by two raters, who differ on some."""
    labels = ["GAMB", "DRUG"]
    first = [f"i{n},one,{labels[n % 2]}" for n in range(40)]
    return first + [f"i{n},two,{labels[(n + (n < different)) % 2]}" for n in range(40)]


@pytest.mark.parametrize(
    ("different", "standing", "code"),
    [(0, "reliable", 0), (5, "tentative", 3), (20, "unreliable", 1)],
)
def test_agreement_is_told_with_its_gate(
    different: int, standing: str, code: int, runner: CliRunner, tmp_path: Path
) -> None:
    path = rated(tmp_path, *agreed(different=different))

    plain = runner.invoke(app, ["agree", str(path)])
    told = runner.invoke(app, ["agree", str(path), "--json"])

    assert (plain.exit_code, told.exit_code) == (code, code)
    assert f"\n{standing}: " in plain.stdout
    assert json.loads(told.stdout)["standing"] == standing


def test_one_rater_alone_is_no_agreement(runner: CliRunner, tmp_path: Path) -> None:
    ended = runner.invoke(app, ["agree", str(rated(tmp_path, "i1,one,GAMB", "i2,one,DRUG"))])

    assert ended.exit_code == 3
    assert "alpha: none; unknown" in ended.stdout


def test_a_faulty_rating_is_told_with_its_line(runner: CliRunner, tmp_path: Path) -> None:
    ended = runner.invoke(app, ["agree", str(rated(tmp_path, "i1,one,GAMBLING"))])

    assert isinstance(ended.exception, FaultyDocument)
    assert "ratings.csv:2: label: 'GAMBLING' is not a category" in str(ended.exception)


def appeal(runner: CliRunner, out: Path, *more: str, item: str = MISSED) -> Result:
    words = ["appeal", "canary", item, "--label", "ALW.NEWS", "--reason", "a news page"]
    given = [*words, "--appellant", "supplier", "--by", "panel", "--out", str(out), *more]
    return runner.invoke(app, given)


def conformity(assessment: Assessment, requirement: str = "ILL-01") -> Conformity:
    return next(one.conformity for one in assessment.outcomes if one.requirement.id == requirement)


def test_an_upheld_appeal_rescores_each_campaign_that_used_the_item(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    out, miss = tmp_path / "out", [f"{MISSED}.canary.accredit.test"]
    journals = [
        measure_campaign(simulated(name, 2, categories=(), miss=miss), out)
        for name in ("one", "two")
    ]
    before = [conformity(conclude_journal(journal)[0]) for journal in journals]

    rejected = appeal(runner, out, "--reject")
    still = [conformity(conclude_journal(journal)[0]) for journal in journals]
    upheld = appeal(runner, out)
    after = [conclude_journal(journal)[0] for journal in journals]

    assert before == still == [Conformity.DOES_NOT_CONFORM] * 2
    assert "rejected, the label stays" in rejected.stdout
    assert "ILL.CSAM -> ALW.NEWS: upheld" in upheld.stdout
    assert [conformity(one) for one in after] == [Conformity.CONFORMS] * 2
    assert f"corrected on appeal: {MISSED}" in after[0].corpora[-1]


@pytest.mark.parametrize(
    ("more", "item", "said"),
    [
        ([], "none-001", "pack 'canary' has no item 'none-001'"),
        (["--label", "NEWS"], MISSED, "--label 'NEWS' is not a category"),
        (["--by", "supplier"], MISSED, "supplier appealed, so somebody else must decide"),
        ([], "ill-csam-001-twin", "the labels are ALW.NEWS already; give other labels"),
    ],
)
def test_a_wrong_appeal_leaves_nothing(
    more: list[str], item: str, said: str, runner: CliRunner, tmp_path: Path
) -> None:
    ended = appeal(runner, tmp_path / "out", *more, item=item)

    assert isinstance(ended.exception, UsageError)
    assert said in str(ended.exception)
