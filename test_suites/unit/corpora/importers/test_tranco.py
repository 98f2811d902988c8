"""Ranked lists beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1;a.example", [("1;a.example", "", "", "", "error", "not rank,domain")]),
        ("007,a.example", [("a.example", "suffix", "rank", "7", "ok", "")]),
        ("²,a.example", [("a.example", "", "", "", "error", "rank not a number")]),
        ("9999999999999,a.example", [("a.example", "", "", "", "error", "rank not a number")]),
        (
            "5,com\n4,a.example",
            [
                ("com", "", "", "", "error", "public suffix"),
                ("a.example", "suffix", "rank", "4", "error", "rank not increasing"),
            ],
        ),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("tranco", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
