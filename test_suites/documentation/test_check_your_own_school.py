"""The guide for a school's own check: its commands run in order, and its tables are complete."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from corpora.check_targets import shipped_targets
from harness.model.school_check import Attention, CheckRecord, Circumstances, Result
from test_suites.documentation.test_tutorials import commands
from test_suites.kit.networks.internet_double import InternetDouble
from test_suites.kit.processes.running import accredit
from test_suites.kit.rooms import ROOT

DOCS = ROOT / "docs"
PAGE = DOCS / "how-to/check-your-own-school.md"
REFERENCE = (DOCS / "reference/school-check.md").read_text(encoding="utf-8")
TEXT = PAGE.read_text(encoding="utf-8")
LIST, UP, REHEARSE, DOWN, CHECK = (shlex.split(line)[1:] for line in commands(PAGE))


def test_the_guides_commands_run_in_order_from_an_empty_folder(tmp_path: Path) -> None:
    listed = accredit(*LIST, cwd=tmp_path)
    assert not list(tmp_path.iterdir())
    up = accredit(*UP, cwd=tmp_path)
    try:
        rehearsed = accredit(*REHEARSE, cwd=tmp_path)
    finally:
        down = accredit(*DOWN, cwd=tmp_path)

    assert (0, 0, 0, 0) == (
        listed.returncode, up.returncode, rehearsed.returncode, down.returncode,
    ), rehearsed.stderr  # fmt: skip
    (page,) = tmp_path.glob("rehearsal/*/record.html")
    assert "This was a rehearsal" in page.read_text(encoding="utf-8")


def test_the_guides_check_makes_a_record_with_the_fields_that_it_names(tmp_path: Path) -> None:
    with InternetDouble(tmp_path) as double:
        way = ("--proxy", double.proxy, "--authority", double.authority)
        ended = accredit(*CHECK, *way, cwd=tmp_path)

    (path,) = tmp_path.glob("school-check/*/record.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    stated = record["circumstances"]
    assert 1 == ended.returncode, ended.stderr
    assert ("A. Teacher", "Green School", "Library", "pupil laptop", "Year 7") == tuple(
        stated[field] for field in ("by", "site", "place", "device", "group")
    )


def test_every_option_of_the_guide_exists() -> None:
    shown = accredit("check", "--help", environment={"COLUMNS": "200"}).stdout

    options = set(re.findall(r"`(--[a-z-]+)", TEXT))
    assert len(options) > 7
    assert {option for option in options if option not in shown} == set()


def test_the_reference_names_every_part_field_and_word() -> None:
    parts = {target.part for target in shipped_targets()}
    named = {part for part in parts if f"| {part} |" in REFERENCE}
    fields = {*CheckRecord.__struct_fields__, *Circumstances.__struct_fields__}

    assert parts == named
    assert {field for field in fields if f"`{field}`" not in REFERENCE} == set()
    assert {word for word in Attention if word not in REFERENCE} == set()
    assert {word for word in Result if word not in REFERENCE + TEXT} - {"arrived"} == set()
