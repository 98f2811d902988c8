"""Tables with a label a row: samples of UT1 and the Blocklist Project, and our own codes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.build_pack import import_pack
from corpora.read_list import ReportRow
from harness.errors import UsageError

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("header", "label", "code"),
    [
        ("value,kind,ut1_category", "gambling", "GAMB"),
        ("domain,x,blp_list", "drugs", "DRUG"),
        ("url,x,canonical_code", "LOC.CBD", "LOC.CBD"),
    ],
)
def test_labels_get_their_codes(read: Read, header: str, label: str, code: str) -> None:
    rows = read("labelled", f"{header}\na.example,,{label}\nhttp://b.example/x,,{label}\n")

    assert [(row.value, row.match, row.target, row.status) for row in rows] == [
        ("a.example", "suffix", code, "ok"),
        ("http://b.example/x", "url", code, "ok"),
    ]


def test_what_is_wrong_with_a_row_is_said(read: Read) -> None:
    text = "value,ut1_category\nco.uk,games\n192.0.2.1,games\na.example\nb.example,nope\nftp://x/,games\n"

    assert [(row.line, row.value, row.status, row.reason) for row in read("labelled", text)] == [
        ("2", "co.uk", "error", "public suffix"),
        ("3", "192.0.2.1", "ok", ""),
        ("4", "a.example", "error", "1 cells instead of 2"),
        ("5", "b.example", "error", "unknown category"),
        ("6", "ftp://x/", "error", "scheme is not http or https"),
    ]


@pytest.mark.parametrize("header", ["a,b", "domain,b", "a,ut1_category"])
def test_a_table_needs_both_columns(read: Read, header: str) -> None:
    (row,) = read("labelled", f"{header}\na.example,games\n")

    assert row.reason.startswith("no column of value/domain/url")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("domain,blp_list", "unknown blocklistproject labels: 'nope'; known: abuse"),
        ("domain,canonical_code", "unknown accredit-taxonomy labels: 'nope'; known: ADLT"),
    ],
)
def test_unknown_labels_fail_the_import(tmp_path: Path, header: str, told: str) -> None:
    (tmp_path / "list.csv").write_text(f"{header}\na.example,nope\n")

    with pytest.raises(UsageError, match=told):
        import_pack("labelled", tmp_path / "list.csv", tmp_path / "pack", created="2026-11-24")
