"""Fingerprints of block pages are kept for the report, and are no items."""

from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.build_pack import import_pack
from corpora.read_list import ReportRow
from harness.errors import UsageError

Read = Callable[[str, str | bytes], list[ReportRow]]

HEADER = "name,scope,pattern_type,pattern,confidence_no_fp\n"


def test_patterns_are_kept_and_never_run(read: Read) -> None:
    text = (
        HEADER + 'prod_x,isp,regexp,"(a+)+$",5\nb,,contains,"two\nlines",\nc,,glob,x,\nd,,full,,\n'
    )

    assert [
        (row.value, row.match, row.target, row.status, row.reason)
        for row in read("ooni_fingerprints", text)
    ] == [
        ("(a+)+$", "regex", "prod_x", "ok", "confidence 5; isp"),
        ("two\\nlines", "contains", "b", "ok", ""),
        ("glob", "", "", "error", "unknown pattern type"),
        ("full", "", "", "error", "no pattern"),
    ]


@pytest.mark.parametrize("text", ["a,b\n", "name,pattern\n"])
def test_the_columns_must_be_there(read: Read, text: str) -> None:
    (row,) = read("ooni_fingerprints", text)

    assert row.reason.startswith("no column ")


def test_a_short_row_is_an_error(read: Read) -> None:
    (row,) = read("ooni_fingerprints", HEADER + "x,y\n")

    assert row.reason == "2 cells instead of 5"


def test_they_make_no_pack(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(HEADER + "x,isp,full,pattern,5\n")

    with pytest.raises(UsageError, match="the list has no entry that can become an item"):
        import_pack(
            "ooni_fingerprints", tmp_path / "list.csv", tmp_path / "pack", created="2026-11-24"
        )
