"""Squid lists beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (".co.uk", [("co.uk", "", "", "", "error", "public suffix")]),
        (
            ".a.example b.example # two",
            [
                ("a.example", "suffix", "block", "", "ok", ""),
                ("b.example", "exact", "block", "", "ok", ""),
            ],
        ),
        ("192.0.2.1", [("192.0.2.1", "ip", "block", "", "ok", "")]),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("squid", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
