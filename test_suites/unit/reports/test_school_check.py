"""The page and the lines of a school's own check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from harness.model.school_check import (
    CheckRecord,
    CheckResult,
    CheckRow,
    CheckTarget,
    Circumstances,
    Part,
    Result,
)
from reports.school_check import headline, render_check, steps, terminal_lines

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def row(result: Result, part: Part = "agency", name: str = "T", reason: str = "so") -> CheckRow:
    target = CheckTarget(id=name, part=part, address="http://a.example/", what="a page")
    return CheckRow.of(target, CheckResult(result=result, reason=reason), AT)


def record(*rows: CheckRow, days: int = 0, group: str = "", **changes: Any) -> CheckRecord:
    at = AT + timedelta(days=days)
    stated = Circumstances(site="Green School", group=group)
    return CheckRecord(version="1", begun=at, ended=at, circumstances=stated, rows=rows, **changes)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([Result.BLOCKED], "Nothing that was tried here needs attention."),
        ([Result.GOT_THROUGH], "1 thing needs attention."),
        ([Result.GOT_THROUGH] * 2, "2 things need attention."),
        ([Result.NOT_TOLD, Result.BLOCKED], "1 of 2 results could not be told."),
        (
            [Result.GOT_THROUGH, Result.NOT_TOLD],
            "1 thing needs attention. 1 of 2 results could not be told.",
        ),
    ],
)
def test_the_outcome_is_said_in_a_sentence(rows: list[Result], said: str) -> None:
    assert said == headline(record(*map(row, rows)))


def test_a_check_without_a_connection_or_an_end_says_so() -> None:
    lost = record(row(Result.NOT_TOLD, "start"), lost=1)

    assert "Most ordinary pages did not arrive; see their reasons." in headline(lost)
    assert "ordinary pages did not arrive" not in headline(record(row(Result.BLOCKED), lost=1))
    assert "stopped before its end" in headline(record(row(Result.BLOCKED), stopped=True))


def test_a_rehearsal_is_called_one_wherever_its_outcome_is_said() -> None:
    played = record(row(Result.GOT_THROUGH))
    stated = msgspec.structs.replace(played.circumstances, rehearsal=True)
    played = msgspec.structs.replace(played, circumstances=stated)

    said = "Rehearsal on a test range. 1 thing needs attention."
    assert said == headline(played)
    assert said == next(iter(terminal_lines(played)))
    assert f"<td>{said}</td>" in render_check(record(row(Result.BLOCKED), days=1), [played])


@pytest.mark.parametrize(
    "last",
    [
        record(row(Result.BLOCKED), group="Year 7", stopped=True),
        record(row(Result.NOT_TOLD, "start", "S"), group="Year 7"),
        record(group="Year 7"),
    ],
    ids=["stopped", "only ordinary pages", "nothing"],
)
def test_what_was_hardly_tried_is_not_said_to_be_the_same(last: CheckRecord) -> None:
    now = record(row(Result.BLOCKED), days=2, group="Year 7")

    assert "No result differs" not in render_check(now, [last])
    assert "No result differs" not in render_check(last, [now])


def test_the_reasons_of_ordinary_pages_are_shown() -> None:
    start = CheckTarget(id="S", part="start", address="http://s.example/", what="s", counts=False)
    seen = CheckResult(result=Result.NOT_TOLD, reason="a strange page came")
    lost = record(CheckRow.of(start, seen, AT), lost=1)

    page, printed = render_check(lost), "\n".join(terminal_lines(lost))
    assert "A strange page came" in page
    assert "for information</summary>" not in page
    assert "S: could not be told; a strange page came" in printed
    assert "Check the connection and run the check again." in printed


def test_ordinary_pages_that_arrived_are_folded_and_ask_for_nothing() -> None:
    start = CheckTarget(id="S", part="start", address="http://s.example/", what="s", counts=False)
    arrived = CheckRow.of(start, CheckResult(result=Result.ARRIVED, reason="so"), AT)
    whole = record(arrived, row(Result.BLOCKED), lost=1)

    assert "1 results for information</summary>" in render_check(whole)
    assert [] == list(steps(whole))


def test_what_to_do_is_said_once_for_each_part() -> None:
    told = list(
        steps(
            record(
                row(Result.GOT_THROUGH), row(Result.GOT_THROUGH), row(Result.NOT_FORCED, "search"),
                row(Result.NOT_TOLD), row(Result.BLOCKED),
            )
        )
    )  # fmt: skip

    assert ["Test pages of agencies", "Safe search", "Could not be told"] == [
        step.title for step in told
    ]
    assert [2, 1, 1] == [len(step.rows) for step in told]
    assert all(step.action for step in told)


def test_only_checks_of_the_same_place_device_and_group_are_compared() -> None:
    now = record(row(Result.BLOCKED), days=2, group="Year 7")
    same = record(row(Result.GOT_THROUGH), days=0, group="Year 7")
    other = record(row(Result.GOT_THROUGH), days=1, group="Staff")

    assert "A page: now blocked" in render_check(now, [other, same])
    assert "A page: now blocked" not in render_check(now, [other])
    assert "No result differs" not in render_check(now, [other])
    assert "No result differs" in render_check(now, [record(row(Result.BLOCKED), group="Year 7")])


def test_hostile_text_stays_text() -> None:
    hostile = "<img src=x onerror=alert(1)>\x1b[2J\u202etxt"

    page = render_check(record(row(Result.BLOCKED, reason=hostile)))

    assert "<img" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "default-src 'none'" in page


def test_every_record_says_what_it_cannot_show() -> None:
    for rows in ([Result.BLOCKED], [Result.GOT_THROUGH], []):
        said = "\n".join(terminal_lines(record(*map(row, rows))))
        assert "What this check cannot show:" in said
        assert "It does not replace a test by an assessor" in said
