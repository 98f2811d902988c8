"""The record of a school's own check: what needs attention, and the exit code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from harness.model.school_check import (
    Attention,
    CheckRecord,
    CheckResult,
    CheckRow,
    CheckTarget,
    Circumstances,
    Result,
    attention_of,
    changes_since,
)

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def row(result: Result, name: str = "T", **changes: Any) -> CheckRow:
    target = CheckTarget(
        id=name, part="agency", address="http://a.example/", what="a page", **changes
    )
    return CheckRow.of(target, CheckResult(result=result, reason="so"), AT)


def record(*rows: CheckRow) -> CheckRecord:
    return CheckRecord(version="1", begun=AT, ended=AT, circumstances=Circumstances(), rows=rows)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([Result.BLOCKED], 0),
        ([Result.BLOCKED, Result.FORCED], 0),
        ([Result.BLOCKED, Result.NOT_TOLD], 3),
        ([Result.GOT_THROUGH, Result.NOT_TOLD], 1),
        ([Result.NOT_FORCED, Result.BLOCKED], 1),
        ([Result.NOT_TOLD], 3),
        ([], 3),
    ],
)
def test_the_exit_code_says_what_needs_attention(results: list[Result], code: int) -> None:
    assert code == record(*map(row, results)).exit_code


def test_information_alone_decides_nothing() -> None:
    shown = [row(result, counts=False) for result in (Result.BLOCKED, Result.GOT_THROUGH)]

    assert 3 == record(*shown).exit_code
    assert 0 == record(*shown, row(Result.BLOCKED)).exit_code


@pytest.mark.parametrize("result", list(Result))
def test_what_does_not_count_is_for_information(result: Result) -> None:
    target = CheckTarget(id="T", part="vendor", address="a", what="a page", counts=False)

    assert Attention.INFORMATION is attention_of(target, result)


def test_a_row_shows_the_digest_of_a_hidden_name() -> None:
    target = CheckTarget(
        id="N", part="names", address="bad.example", what="name 1", digest="hmac-sha256:00"
    )

    shown = CheckRow.of(target, CheckResult(result=Result.BLOCKED, reason="so"), AT)

    assert "hmac-sha256:00" == shown.address
    assert b"bad.example" not in msgspec.json.encode(shown)


def test_a_hidden_name_is_taken_out_of_the_reason() -> None:
    target = CheckTarget(
        id="N", part="names", address="bad.example", what="name 1", digest="hmac-sha256:00"
    )
    seen = CheckResult(result=Result.NOT_TOLD, reason="Bad.Example at 10.0.0.1 was not visited")

    assert "the name at 10.0.0.1 was not visited" == CheckRow.of(target, seen, AT).reason


def test_changes_are_those_of_what_both_records_hold() -> None:
    before = record(row(Result.BLOCKED, "A"), row(Result.BLOCKED, "B"))
    now = (row(Result.GOT_THROUGH, "A"), row(Result.BLOCKED, "B"), row(Result.BLOCKED, "C"))

    assert now[:1] == changes_since(before, now)


def test_a_record_is_read_as_it_was_written() -> None:
    written = record(row(Result.GOT_THROUGH))

    assert written == msgspec.json.decode(msgspec.json.encode(written), type=CheckRecord)


def test_what_a_record_lacks_is_named() -> None:
    stated = Circumstances(by="A", site=" ", place="P", device="D", group="G", action="")

    assert ("site", "action") == stated.missing
