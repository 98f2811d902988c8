"""URLhaus dumps beyond the golden one: nothing of them may be probed."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n", [("", "", "", "", "error", "2 cells instead of 9")]),
        (
            '"1","d","ftp://a.example/","online","","","","",""\n',
            [("", "", "", "", "error", "scheme is not http or https")],
        ),
        (
            '"1","d","http://a.example/","unknown","","","","",""\n',
            [("http://a.example/", "url", "label", "MALW.MAL", "quarantine", "unknown")],
        ),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("urlhaus", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
