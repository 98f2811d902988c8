"""``accredit bundle``: other people's measurements in, ours out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harness.cli.bundle import app
from harness.cli.conclude import conclude_journal
from harness.errors import UsageError
from harness.interop.ooni import read_ooni
from harness.judge.composite_measurements import NO_SENTINELS, judge_measurement
from harness.model.outcome import Conformity
from test_suites.kit.campaigns.ooni_cases import CASES, measure, request

ODD = (
    "<html><head><title>Oakfield</title></head><body><h1>The owl sits here</h1><p>"
    f"{'Acorns are counted each morning by the wise. ' * 40}</p></body></html>"
)
"""A block page that says nothing of blocking."""
LINES = [json.dumps({**case.measurement, "id": f"m{n}"}) for n, case in enumerate(CASES)]


def take(tmp_path: Path, *lines: str, options: tuple[str, ...] = ()) -> Result:
    """Import these lines into the campaign ``theirs``."""
    file = tmp_path / "their.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = str(tmp_path / "theirs")
    return CliRunner().invoke(
        app, ["import", "--format", "ooni", str(file), "--out", out, *options]
    )


def states(lines: list[Any]) -> dict[str, str]:
    """The state of each measurement, by its id."""
    records = map(read_ooni, lines)
    return {record.id: judge_measurement(record.trials).state.value for record in records}


def test_measurements_become_a_journal_that_decides_nothing(tmp_path: Path) -> None:
    ran = take(tmp_path, *LINES)
    assessment, places = conclude_journal(tmp_path / "theirs")
    (rate,) = assessment.rates

    assert (0, f"({len(LINES)} measurements)") == (ran.exit_code, " ".join(ran.stdout.split()[-2:]))
    assert (assessment.campaign, places.campaign) == ("theirs", "theirs")
    assert {Conformity.INSUFFICIENT} == {each.conformity for each in assessment.outcomes}
    assert (3, [NO_SENTINELS]) == (
        assessment.exit_code,
        [each.detail for each in assessment.preconditions if not each.held],
    )
    wanted = list(states(LINES).values())
    assert [wanted.count(name) for name in ("blocked", "allowed", "down", "insufficient")] == [
        rate.blocked,
        rate.allowed,
        rate.down,
        rate.insufficient,
    ]


@pytest.mark.parametrize("scheme", ["becta-2008", "uksic-current"])
def test_no_scheme_makes_it_conform_or_fail(tmp_path: Path, scheme: str) -> None:
    take(tmp_path, *LINES)
    assessment, _ = conclude_journal(tmp_path / "theirs", scheme)

    assert {Conformity.INSUFFICIENT} == {each.conformity for each in assessment.outcomes}


def test_what_went_in_comes_out_and_is_judged_the_same(tmp_path: Path) -> None:
    take(tmp_path, *LINES)
    out = tmp_path / "deep" / "ours.jsonl"

    ran = CliRunner().invoke(
        app, ["export", "--format", "ooni", str(tmp_path / "theirs"), "--out", str(out)]
    )

    assert ran.exit_code == 0, ran.output
    assert states(LINES) == states(out.read_bytes().splitlines())


def test_a_broken_line_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    ran = take(tmp_path, LINES[0], "{broken", LINES[1], LINES[0])
    broken, repeated = map(json.loads, ran.stderr.splitlines())

    assert (ran.exit_code, "(2 measurements)" in ran.stdout) == (2, True)
    assert (broken["line"], repeated["line"]) == (2, 4)
    assert "line 1" in repeated["repeated"]
    assert broken["error"]


def test_a_repeated_line_alone_is_no_fault(tmp_path: Path) -> None:
    assert take(tmp_path, LINES[0], LINES[0]).exit_code == 0


@pytest.mark.parametrize("lines", [(), ("{broken",), (json.dumps({"test_name": "ndt"}),)])
def test_nothing_that_can_be_read_leaves_nothing(tmp_path: Path, lines: tuple[str, ...]) -> None:
    ran = take(tmp_path, *lines)

    assert isinstance(ran.exception, UsageError)
    assert "nothing was written" in str(ran.exception)
    assert not (tmp_path / "theirs" / "journal").exists()


def test_a_folder_with_a_journal_is_left_as_it_is(tmp_path: Path) -> None:
    take(tmp_path, LINES[0])
    ran = take(tmp_path, LINES[1])

    assert isinstance(ran.exception, UsageError)
    assert "choose another folder" in str(ran.exception)


@pytest.mark.parametrize("declared", ["title: Oakfield", "text: the owl sits here", ""])
def test_a_declared_block_page_is_known_again(tmp_path: Path, declared: str) -> None:
    url = "http://www.town-library.org/"
    seen = json.dumps(measure(url, requests=[request(url, 200, ODD)]))
    page = tmp_path / "page.yaml"
    page.write_text(declared, encoding="utf-8")

    ran = take(tmp_path, seen, options=("--block-page", str(page)) if declared else ())
    (rate,) = conclude_journal(tmp_path / "theirs")[0].rates

    assert ran.exit_code == 0, ran.output
    assert (1 if declared else 0) == rate.blocked


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("titel: Oakfield", "page.yaml:1: titel: this key is not known; did you mean 'title'?"),
        ("{}", "a block page needs a title, a text or a host"),
    ],
)
def test_a_wrong_block_page_is_told_and_nothing_is_written(
    tmp_path: Path, declared: str, said: str
) -> None:
    page = tmp_path / "page.yaml"
    page.write_text(declared, encoding="utf-8")

    ran = take(tmp_path, LINES[0], options=("--block-page", str(page)))

    assert isinstance(ran.exception, UsageError)
    assert said in str(ran.exception)
    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize("name", ["a b", ".hidden"])
def test_a_folder_whose_name_is_no_campaigns_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(measure()), encoding="utf-8")
    ran = CliRunner().invoke(
        app, ["import", "--format", "ooni", str(file), "--out", str(tmp_path / name)]
    )

    assert isinstance(ran.exception, UsageError)


def test_standard_input_is_read(tmp_path: Path) -> None:
    out = tmp_path / "theirs"
    ran = CliRunner().invoke(
        app, ["import", "--format", "ooni", "-", "--out", str(out)], input="\n".join(LINES)
    )

    assert ran.exit_code == 0
    assert conclude_journal(out)[0].corpora == ("standard input ooni",)


def test_a_file_or_journal_that_is_not_there_is_a_users_mistake(tmp_path: Path) -> None:
    out = ["--format", "ooni", "--out", str(tmp_path / "theirs")]
    for verb in ("import", "export"):
        ran = CliRunner().invoke(app, [verb, str(tmp_path / "none"), *out])
        assert isinstance(ran.exception, UsageError)
        assert "none" in str(ran.exception)
