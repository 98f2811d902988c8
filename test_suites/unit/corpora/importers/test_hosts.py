"""Hosts files beyond the golden one (``test_read_list``)."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("::1 ip6-localhost\n0.0.0.0 a.example", [("a.example", "exact", "block", "", "ok", "")]),
        ("a.example", [("a.example", "", "", "", "error", "no address at the beginning")]),
        ("0.0.0.0", [("0.0.0.0", "", "", "", "error", "no name after the address")]),
        ("0.0.0.0 co.uk", [("co.uk", "", "", "", "error", "public suffix")]),
        (
            "2001:db8::1 A.example.",
            [
                (
                    "a.example",
                    "exact",
                    "rewrite",
                    "2001:db8::1",
                    "ok",
                    "trailing dot removed; lower-cased; non-null address",
                )
            ],
        ),
        (
            "fe80::1%lo0 localhost\n0 b.example\n",
            [("0 b.example", "", "", "", "error", "no address at the beginning")],
        ),
        (
            "0.0.0.0 a.example A.EXAMPLE",
            [
                ("a.example", "exact", "block", "", "ok", ""),
                ("a.example", "exact", "block", "", "duplicate", "lower-cased"),
            ],
        ),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("hosts", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
