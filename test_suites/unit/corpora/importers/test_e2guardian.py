"""e2guardian lists beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (".Include<more>", [(".Include<more>", "", "", "", "skipped", "include is not followed")]),
        (
            ".Include<../more>",
            [(".Include<../more>", "", "", "", "error", "include outside corpus root refused")],
        ),
        ("**", [("**", "", "", "", "skipped", "blanket block")]),
        ("a b", [("a b", "", "", "", "error", "more than one word")]),
        ("co.uk/x", [("co.uk", "", "", "", "error", "public suffix")]),
    ],
)
def test_urls(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("e2guardian_url", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]


def test_sites(read: Read) -> None:
    text = '#listcategory: "Games"\na.example\n192.0.2.1\n.b.example # x\n'

    rows = read("e2guardian_site", text)

    assert [(row.value, row.match) for row in rows] == [
        ("a.example", "suffix"),
        ("192.0.2.1", "ip"),
        ("b.example", "suffix"),
    ]
    assert {row.reason for row in rows} == {"category Games"}
