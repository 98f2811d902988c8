"""Unbound configurations beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'local-zone: "a.example" redirect',
            [("a.example", "", "", "", "error", "redirect without local-data")],
        ),
        (
            'local-zone: "a.example" redirect\nlocal-data: "a.example A 192.0.2.1"',
            [("a.example", "suffix", "rewrite", "192.0.2.1", "ok", "with line 2")],
        ),
        ('local-data: "a.example 300 IN AAAA ::"', [("a.example", "exact", "block", "", "ok", "")]),
        (
            "local-data: 'a.example TXT \"x\"'",
            [
                (
                    "local-data: 'a.example TXT \"x\"'",
                    "",
                    "",
                    "",
                    "skipped",
                    "record of another type",
                )
            ],
        ),
        (
            "local-data: a.example",
            [("local-data: a.example", "", "", "", "error", "not a local-data")],
        ),
        (
            "local-zone: a.example",
            [("local-zone: a.example", "", "", "", "error", "not a local-zone")],
        ),
        ("local-zone: a.example always_null", [("a.example", "suffix", "block", "", "ok", "")]),
        ("verbosity: 1", [("verbosity: 1", "", "", "", "skipped", "option")]),
        ('local-zone: "com." static', [("com.", "", "", "", "error", "public suffix")]),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("unbound", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
