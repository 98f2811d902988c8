"""The verbs of ``accredit scheme``, as a person and a program read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.scheme import compare, threshold_text
from harness.errors import FaultyDocument, UsageError
from harness.schemes.load import SHIPPED, load_scheme, shipped
from harness.yaml_reader import read_document


def said(runner: CliRunner, *words: str) -> str:
    ended = runner.invoke(app, ["scheme", *words])

    assert 0 == ended.exit_code, ended.output
    return ended.stdout


def test_list_names_every_shipped_scheme(runner: CliRunner) -> None:
    table = said(runner, "list")

    assert all(name in table for name in shipped())
    listed = json.loads(said(runner, "list", "--json"))
    assert [one["id"] for one in listed] == list(shipped())
    also = {one["id"]: one["alias"] for one in listed if "alias" in one}
    assert also == {"dfe-2024": "dfe-current", "uksic-2024": "uksic-current"}
    assert all(one["reviewed_on"] < one["review_by"] for one in listed)


def test_show_names_the_dated_scheme_its_review_and_the_lists_it_needs(runner: CliRunner) -> None:
    text = " ".join(said(runner, "show", "uksic-current").split())

    assert "(uksic-2024 1.1)" in text
    assert "a service exactly at every mark is accused: at most 5 %, 17 binding rows" in text
    assert "uksic-current" not in text
    assert "last reviewed on 2026-11-24, review by 2027-11-24" in text
    assert "imported list of 500 real" in said(runner, "show", "avc-parental")
    shown = json.loads(said(runner, "show", "uksic-current", "--json"))
    assert (shown["id"], shown["review_by"]) == ("uksic-2024", "2027-11-24")


def test_the_diff_of_an_alias_and_its_edition_is_none(runner: CliRunner) -> None:
    assert "no difference" in said(runner, "diff", "dfe-current", "dfe-2024")
    table = said(runner, "diff", "dfe-current", "uksic-current")
    assert "dfe-2024" in table
    assert "-current" not in table


def test_show_prints_each_number_with_its_origin(runner: CliRunner) -> None:
    text = said(runner, "show", "becta-2008")

    assert "≥ 90 %" in text
    assert "widely reported (we have not seen the original): Becta" in " ".join(text.split())
    assert "proposed by this project: Accredit's method" in " ".join(text.split())
    shown = json.loads(said(runner, "show", "becta-2008", "--json"))
    assert shown["requirements"][1]["threshold"]["provenance"] == "reported"


def test_check_is_quiet_about_a_sound_scheme(runner: CliRunner) -> None:
    assert said(runner, "check", "strict") == "strict 1.1: no faults, 151 requirements\n"


def test_check_tells_each_fault(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("id: own\nversion: '1'\ntitle: Own\npolicy: none\n")

    ended = runner.invoke(app, ["scheme", "check", str(path)])

    assert isinstance(ended.exception, FaultyDocument)
    assert f"{path}:4: policy: no policy 'none'; known: " in str(ended.exception)


def test_the_schema_that_is_printed_fits_the_shipped_schemes(runner: CliRunner) -> None:
    schema = json.loads(said(runner, "schema"))

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(read_document(SHIPPED / "dfe-2024.yaml").data)


def test_diff_tells_what_one_asks_and_the_other_does_not(runner: CliRunner) -> None:
    rows = json.loads(said(runner, "diff", "becta-2008", "strict", "--json"))

    assert {"requirement": "URL-01", "what": "mark", "old": ">= 0.9", "new": ">= 0.98"} in rows
    assert {
        "requirement": "SEC-01",
        "what": "requirement",
        "old": "not asked",
        "new": "asked",
    } in rows
    assert "no difference" in said(runner, "diff", "strict", "strict")
    assert "not asked" in said(runner, "diff", "becta-2008", "avc-parental")


def test_comparing_the_other_way_round_swaps_the_sides() -> None:
    one, other = load_scheme("becta-2008"), load_scheme("surveillance")
    there, back = compare(one, other), compare(other, one)

    assert [(row["old"], row["new"]) for row in there] == [(row["new"], row["old"]) for row in back]


def test_plan_counts_the_items_of_a_campaign(
    runner: CliRunner, simulated: Any, tmp_path: Path
) -> None:
    campaign = str(simulated(sample=60))
    rows = json.loads(said(runner, "plan", "becta-2008", "--campaign", campaign, "--json"))
    drug = next(row for row in rows if row["requirement"] == "URL-04")

    assert drug["n"] == 60
    assert "60" in said(runner, "plan", "becta-2008", "--campaign", campaign)
    assert drug["passes"] == 1
    assert drug["needed"] > 60


def test_plan_needs_a_probability(runner: CliRunner) -> None:
    ended = runner.invoke(app, ["scheme", "plan", "becta-2008", "--power", "90"])

    assert isinstance(ended.exception, UsageError)
    assert "between 0 and 1" in str(ended.exception)


@pytest.mark.parametrize(("name", "expected"), [("OVB-01", "<= 0.05"), ("CIR-01", ">= 0.95")])
def test_a_mark_is_short(name: str, expected: str) -> None:
    wanted = {one.id: one for one in load_scheme("becta-2008").requirements}

    assert threshold_text(wanted[name]) == expected
