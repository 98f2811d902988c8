"""``accredit judge``: a JSON line in, a JSON verdict out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from harness.cli.judge import judge_command
from harness.errors import UsageError
from test_suites.kit.campaigns.ooni_cases import measure

app = typer.Typer()
app.command()(judge_command)

BLOCKED = {
    "id": "a",
    "body": "<h1>This website has been blocked by your school</h1> Category: Games",
}


def _run(tmp_path: Path, form: str, *lines: Any) -> Result:
    file = tmp_path / "lines.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return CliRunner().invoke(app, ["--format", form, str(file)])


def test_a_page_gets_one_verdict_a_line(tmp_path: Path) -> None:
    ran = _run(tmp_path, "page", BLOCKED, {"id": "b", "body": "Hello"})

    first, second = map(json.loads, ran.stdout.splitlines())
    assert ran.exit_code == 0
    assert (first["id"], first["state"], first["mechanism"]) == ("a", "blocked", "block_page")
    assert first["claimed_category"] == "Games"
    assert first["rule"] == "alone-block-page"
    assert first["witnesses"]
    assert (second["id"], second["state"]) == ("b", "insufficient")


def test_a_measurement_gets_its_verdict(tmp_path: Path) -> None:
    ran = _run(tmp_path, "ooni", measure())

    verdict = json.loads(ran.stdout)
    assert verdict["id"] == "20260701010904.171570_GB_webconnectivity_80e13493e92885aa"
    assert verdict["state"] == "allowed"


def test_a_broken_line_is_told_by_its_number_and_the_others_are_judged(tmp_path: Path) -> None:
    ran = _run(tmp_path, "page", BLOCKED, "{broken", "", {"body": "no id"}, {**BLOCKED, "id": "z"})

    faults = [json.loads(line) for line in ran.stderr.splitlines()]
    assert ran.exit_code == 2
    assert [2, 4] == [fault["line"] for fault in faults]
    assert "`id` is missing" in faults[1]["error"]
    assert ["a", "z"] == [json.loads(line)["id"] for line in ran.stdout.splitlines()]


def test_standard_input_is_read() -> None:
    ran = CliRunner().invoke(app, ["--format", "page", "-"], input=json.dumps(BLOCKED))

    assert json.loads(ran.stdout)["state"] == "blocked"


def test_a_file_that_is_not_there_is_a_users_mistake(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["--format", "page", str(tmp_path / "none.jsonl")])

    assert isinstance(ran.exception, UsageError)
    assert "none.jsonl" in str(ran.exception)


@pytest.mark.parametrize("form", ["squid", ""])
def test_an_unknown_format_names_the_known(tmp_path: Path, form: str) -> None:
    ran = _run(tmp_path, form, BLOCKED)

    assert isinstance(ran.exception, UsageError)
    assert f"no importer {form!r} for measurements" in str(ran.exception)
    assert "known: ooni, page" in str(ran.exception)
