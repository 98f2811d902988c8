"""Wildcard lists beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("*.com", [("com", "", "", "", "error", "public suffix")]),
        ("*", [("*", "glob", "block", "", "ok", "kept as glob")]),
        ("*!.a.example", [("*!.a.example", "", "", "", "error", "invalid glob")]),
        ("AD*.a.example # x", [("ad*.a.example", "glob", "block", "", "ok", "kept as glob")]),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("wildcard", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
