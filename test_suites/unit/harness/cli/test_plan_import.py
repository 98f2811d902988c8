"""``accredit plan import``: rows become events, faults name their row, a second import adds nothing."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from harness.cli import plan_table
from harness.cli.plan_table import IDENTIFYING, read_table, template
from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.follow.planned_rows import COLUMNS
from harness.model.action_plan import ActionPlan, PlanState
from test_suites.unit.harness.cli.due_registry import NOW, DueRegistry

HEAD = "plan,owner,corrective action,root cause,preventive action,milestone,milestone due\n"
FULL = (
    f"{HEAD}"
    "P-0001,Bo Ray,Load the whole list,A short list,A check,List loaded,2026-03-20\n"
    "P-0001,,,,,Re-test conforms,2026-03-31\n"
)


@pytest.fixture
def due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DueRegistry:
    return DueRegistry(tmp_path, monkeypatch)


def table(folder: Path, text: str | bytes, name: str = "plans.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def book(folder: Path, *rows: list[Any], name: str = "plans.xlsx") -> Path:
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    workbook.save(folder / name)
    return folder / name


def plan_of(due: DueRegistry, supplier: str = "Beta") -> ActionPlan:
    with open_session(due.path) as session:
        return session.plan("P-0001", supplier).plan


def events(due: DueRegistry) -> int:
    with open_session(due.path) as session:
        return sum(head.events for head in session.registry.heads())


def give(due: DueRegistry, file: Path, *words: str, supplier: str = "Beta") -> str:
    return due.run("import", file, "--supplier", supplier, "--by", "Bo Ray", *words)


def test_a_draft_is_submitted_with_its_milestones_and_only_once(
    due: DueRegistry, tmp_path: Path
) -> None:
    file = table(tmp_path, FULL)
    checked, before = give(due, file, "--dry-run"), events(due)
    said = give(due, file)
    held = plan_of(due)

    assert "P-0001: submitted" in checked
    assert "nothing was recorded" in checked
    assert "P-0001: submitted" in said
    assert events(due) == before + 1
    assert (held.state, held.owner, held.root_cause) == (
        PlanState.SUBMITTED, "Bo Ray", "A short list",
    )  # fmt: skip
    assert [f"{step.title} {step.due:%Y-%m-%d}" for step in held.milestones] == [
        "List loaded 2026-03-20", "Re-test conforms 2026-03-31",
    ]  # fmt: skip
    assert "nothing new" in give(due, file)
    due.run("agree", "P-0001", "--supplier", "Beta", "--by", "Cy")
    assert "nothing new" in give(due, file)
    assert plan_of(due).state is PlanState.AGREED


def test_a_returned_plan_is_submitted_again_only_if_something_changed(
    due: DueRegistry, tmp_path: Path
) -> None:
    give(due, table(tmp_path, FULL))
    words = ("--supplier", "Beta", "--by", "Cy")
    due.run("return", "P-0001", "--reason", "name the node", *words)

    assert "nothing new" in give(due, table(tmp_path, FULL))
    give(due, table(tmp_path, FULL.replace("A check", "A check of each node")))
    assert plan_of(due).preventive_action == "A check of each node"
    assert plan_of(due).state is PlanState.SUBMITTED


def test_an_agreed_plan_takes_details_and_reports(due: DueRegistry, tmp_path: Path) -> None:
    text = (
        "Requirement;Profile;Line;Root_Cause;Progress;Milestone;Done\r\n"
        "URL-01;ks2;proxy;A short list;half is done;;\r\n"
        "URL-01;ks2;proxy;;the list is loaded;Fix in the service;YES\r\n"
    )
    file = table(tmp_path, b"\xef\xbb\xbf" + text.encode())
    said = give(due, file, supplier="Acme")
    held = plan_of(due, "Acme")

    assert "P-0001: details, 2 reports" in said
    assert (held.state, held.root_cause) == (PlanState.IN_PROGRESS, "A short list")
    assert [step.title for step in held.milestones if step.done] == ["Fix in the service"]
    assert "nothing new" in give(due, file, supplier="Acme")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan,progress\nP-0009,x\n", r":2: plan: no plan 'P-0009' of this.*known: P-0001"),
        ("plan,progress\n,x\n", r":2: plan: the row does not say which plan"),
        ("plan,profile,progress\nP-0001,ks4,x\n", r":2: profile: 'ks4' is not that of P-0001"),
        ("requirement,profile,line,progress\nURL-9,ks2,proxy,x\n", r":2: plan: no open plans"),
        ("plan,owner\nP-0001,Bo\n", r":2: corrective action: is empty, and plan P-0001 is a draft"),
        ("plan,owner\nP-0001,Bo\nP-0001,Cy\n", r":3: owner: 'Cy' differs from 'Bo'"),
        ("plan,due\nP-0001,03/04/2026\n", r":2: due: '03/04/2026' is not a date.*like 2026-03-31"),
        ("plan,due\nP-0001,2026-02-30\n", r":2: due: '2026-02-30' is not a date"),
        ("plan,milestone\nP-0001,Fix\n", r":2: milestone due: the milestone 'Fix' has no date"),
        ("plan,milestone due\nP-0001,2026-03-09\n", r":2: milestone: is empty"),
        ("plan,done,milestone\nP-0001,maybe,Fix\n", r":2: done: 'maybe' is neither yes nor no"),
        ("plan,done,milestone\nP-0001,yes,Fix\n", r":2: progress: a milestone is done without"),
        ("plan,progress\nP-0001,x\n", r":2: plan: plan P-0001 is draft: 'progress' is not possible"),
        ("plan,status\nP-0001,x\n", r":1: status: is no column; known: containment"),
        ("plan,plan\nP-0001,x\n", r":1: plan: stands there twice"),
        ("owner\nBo\n", r":1: plan: the column is missing"),
        ("plan,owner\nP-0001,Bo,x\n", r":2: column 3: 'x' is in no named column"),
        ("plan,owner\nP-0001,B\x1bo\n", r":2: owner: .* holds an invisible character"),
        ('plan,owner\nP-0001,"Bo\n', r":2:.* is no row of CSV"),
        (f"plan,owner\nP-0001,{'x' * 4001}\n", r":2: owner: has 4001 characters"),
        (b"plan,owner\nP-0001,Bo\nP-0001,B\xf6\n", r":3: is not UTF-8"),
        ("", "is empty"),
        ("\n,,\n", "is empty"),
    ],
)  # fmt: skip
def test_every_fault_names_its_row_and_its_column(
    text: str | bytes, message: str, due: DueRegistry, tmp_path: Path
) -> None:
    before = events(due)
    with pytest.raises(UsageError, match=message):
        give(due, table(tmp_path, text))
    assert events(due) == before


def test_one_fault_refuses_the_whole_table_and_all_are_told(
    due: DueRegistry, tmp_path: Path
) -> None:
    before, text = events(due), f"{FULL}P-0007,,,,,,\nP-0008,,,,,,\n"
    with pytest.raises(UsageError) as refused:
        give(due, table(tmp_path, text))

    told = str(refused.value).splitlines()
    assert [line.split(":")[1] for line in told] == ["4", "5"]
    assert events(due) == before


def test_of_very_many_faults_the_first_are_told(due: DueRegistry, tmp_path: Path) -> None:
    for rows in ("P-0009,x\n", "P-0001,\x07\n"):
        with pytest.raises(UsageError) as refused:
            give(due, table(tmp_path, "plan,progress\n" + rows * 60))
        told = str(refused.value).splitlines()
        assert (len(told), told[-1].endswith("plans.csv: 10 more faults")) == (51, True)


def test_what_was_agreed_is_not_changed_by_a_table(due: DueRegistry, tmp_path: Path) -> None:
    for column, value in (("owner", "Bo"), ("due", "2026-03-30"), ("corrective action", "x")):
        with pytest.raises(UsageError, match=f"{column}: plan P-0001 is agreed: it is not changed"):
            give(due, table(tmp_path, f"plan,{column}\nP-0001,{value}\n"), supplier="Acme")


def test_a_row_with_line_breaks_in_a_cell_keeps_the_later_numbers(
    due: DueRegistry, tmp_path: Path
) -> None:
    text = 'plan,owner,corrective action\nP-0001,Bo,"one\ntwo"\nP-0009,x,y\n'
    with pytest.raises(UsageError, match=r":4: plan: no plan 'P-0009'"):
        give(due, table(tmp_path, text))


def test_a_workbook_gives_dates_and_refuses_formulas(due: DueRegistry, tmp_path: Path) -> None:
    head = ["plan", "owner", "corrective action", "due", "milestone", "milestone due"]
    file = book(
        tmp_path,
        head,
        ["P-0001", "Bo", "Mend", date(2026, 4, 3), "Fix", NOW.replace(tzinfo=None, month=4)],
    )
    assert "P-0001: submitted" in give(due, file)
    held = plan_of(due)
    assert f"{held.due:%Y-%m-%d}" == "2026-04-03"
    assert f"{held.milestones[0].due:%Y-%m-%d}" == "2026-04-02"
    assert "nothing new" in give(due, file)
    wrong = book(tmp_path, head, ["P-0001", "=1+1", "#REF!", "03/04/2026"])
    with pytest.raises(UsageError, match=r":2: owner: is a formula") as refused:
        give(due, wrong)
    assert ":2: due: '03/04/2026' is not a date" in str(refused.value)


def test_files_that_are_no_tables_are_refused(
    due: DueRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(plan_table.MOST_UNPACKED + 1))
    stray = tmp_path / "stray.xlsx"
    with zipfile.ZipFile(stray, "w") as archive:
        archive.writestr("readme.txt", "x")
    monkeypatch.setattr(plan_table, "MOST_ROWS", 3)
    for file, why in (
        (bomb, "larger than 16 MiB when it is unpacked"),
        (stray, "is no workbook that can be read"),
        (table(tmp_path, "x", "text.xlsx"), "is no workbook"),
        (table(tmp_path, "x", "plans.ods"), r"ends in \.csv or \.xlsx"),
        (tmp_path / "none.csv", "No such file"),
        (table(tmp_path, "plan,owner\n" + "P-0001,Bo\n" * 3), "more than 3 rows"),
        (book(tmp_path, *[["plan"]] * 9), "has rows after row 4"),
        (book(tmp_path, ["plan"], *[[]] * 9, ["P-0001"], name="far.xlsx"), "has rows after row 4"),
        (book(tmp_path, ["plan", *[None] * 64, "x"], name="wide.xlsx"), "cells after column 64"),
    ):
        with pytest.raises(UsageError, match=why):
            give(due, file)
    for words in ((), ("x.csv", "--template", "y.csv")):
        with pytest.raises(UsageError, match="give a table to import, or --template"):
            due.run("import", *words, "--supplier", "Beta")


@pytest.mark.parametrize("name", ["empty.csv", "empty.xlsx"])
def test_a_template_is_filled_in_and_never_replaced(
    name: str, due: DueRegistry, tmp_path: Path
) -> None:
    file = tmp_path / name
    assert "1 open plan to fill in" in due.run("import", "--template", file, "--supplier", "Beta")
    assert "nothing new" in give(due, file)
    with pytest.raises(UsageError, match="is there already"):
        due.run("import", "--template", file, "--supplier", "Beta")
    assert b"Acme" not in file.read_bytes()
    if name.endswith("xlsx"):
        workbook = load_workbook(file)
        sheet = workbook.active
        assert sheet is not None
        for at, value in ((5, "Bo"), (6, "Mend")):
            sheet.cell(2, at, value)
        workbook.save(file)
    else:
        text = file.read_text(encoding="utf-8-sig")
        table(tmp_path, text.replace("proxy,,", "proxy,Bo,Mend"), name)
    assert "P-0001: submitted" in give(due, file)


CELL = st.text(max_size=20) | st.sampled_from(
    ["=1+1", "+a", "-b", "@c", "'d", "\t=e", "\\x41", "a;b"]
)


@given(
    cells=st.lists(CELL, min_size=4, max_size=4).filter(lambda four: any(map(str.strip, four))),
    ending=st.sampled_from([".csv", ".xlsx"]),
)
def test_no_cell_of_a_template_is_a_formula_and_each_is_read_back(
    cells: list[str], ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stripped = [cell.strip() for cell in cells]
    content = template([stripped], Path(f"t{ending}"))
    if ending == ".csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        written = rows[1]
    else:
        sheet = load_workbook(io.BytesIO(content)).worksheets[0]
        written = [str(cell.value or "") for cell in sheet[2]]
        assert {cell.data_type for cell in sheet[2]} <= {"s", "n", "inlineStr"}
        assert tuple(cell.value for cell in sheet[1]) == COLUMNS
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in written)
    file = table(tmp_path_factory.mktemp("t"), content, f"t{ending}")
    (row,) = read_table(file)
    assert dict(row.cells) == {
        name: cell for name, cell in zip(IDENTIFYING, stripped, strict=True) if cell
    }
