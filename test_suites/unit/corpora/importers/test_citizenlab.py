"""Citizen Lab lists beyond the golden one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.read_list import ReportRow, import_list
from harness.errors import UsageError

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "a,b\n",
            [
                (
                    "",
                    "",
                    "",
                    "",
                    "error",
                    "the header is not url,category_code,category_description,date_added,source,notes",
                )
            ],
        ),
        (
            "url,category_code,category_description,date_added,source,notes\nhttp://a.example/,GMB,,2020-01-01,,\nhttps://a.example/,GMB,,2020-01-01,,\n",
            [
                ("http://a.example/", "url", "label", "GAMB", "ok", ""),
                ("https://a.example/", "url", "label", "GAMB", "ok", ""),
            ],
        ),
        (
            "url,category_code,category_description,date_added,source,notes\nhttp://a.example/,GMB,,2020-01-01,,\nhttp://a.example/,GMB,,2020-01-01,,\n",
            [
                ("http://a.example/", "url", "label", "GAMB", "ok", ""),
                ("http://a.example/", "url", "label", "GAMB", "duplicate", ""),
            ],
        ),
        (
            "url,category_code,category_description,date_added,source,notes\nhttp://a.example/,GMB,,2020-01-01,,\nhttp://www.a.example/,GMB,,2020-01-01,,\n",
            [
                ("http://a.example/", "url", "label", "GAMB", "ok", ""),
                (
                    "http://www.a.example/",
                    "url",
                    "label",
                    "GAMB",
                    "duplicate",
                    "same host as record 2 with www",
                ),
            ],
        ),
        (
            "url,category_code,category_description,date_added,source,notes\nhttp://a.example/,GMB,,2020-01-01,,\nhttp://a.example/,NEWS,,2020-01-01,,\n",
            [
                ("http://a.example/", "url", "label", "GAMB", "ok", ""),
                (
                    "http://a.example/",
                    "url",
                    "label",
                    "ALW.NEWS",
                    "conflict",
                    "same URL as record 2, other code",
                ),
            ],
        ),
        (
            "url,category_code,category_description,date_added,source,notes\nhttp://a.example/,GMB\n",
            [("http://a.example/,GMB", "", "", "", "error", "2 cells instead of 6")],
        ),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("citizenlab", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]


def test_an_unknown_code_is_named_when_the_import_fails(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "url,category_code,category_description,date_added,source,notes\n"
        "http://a.example/,ZZZ,,2020-01-01,,\n"
    )
    listed = import_list("citizenlab", path)
    list(listed)

    with pytest.raises(UsageError, match="unknown citizenlab labels: 'ZZZ'; known: ALDR"):
        listed.check()
