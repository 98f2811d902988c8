"""Plain lists of domains beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.importing import Row

Read = Callable[[str, str | bytes], list[Row]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.example", [("a.example", "suffix", "block", "", "ok", "")]),
        ("# header\na.example", [("a.example", "suffix", "block", "", "ok", "per list setting")]),
        ("a.example/x", [("a.example/x", "url_prefix", "block", "", "ok", "URL in a domain list")]),
        ("two words", [("two words", "", "", "", "error", "more than one word")]),
        (
            "ftp://a.example/",
            [("ftp://a.example/", "", "", "", "error", "scheme is not http or https")],
        ),
        ("192.0.2.1/24", [("192.0.2.0/24", "cidr", "block", "", "ok", "host bits removed")]),
        ("com", [("com", "", "", "", "error", "public suffix")]),
        ("*.com", [("com", "", "", "", "error", "public suffix")]),
        (
            "*.a.example # x",
            [("a.example", "suffix", "block", "", "ok", "wildcard; inline comment")],
        ),
        ("999.1.1.1", [("999.1.1.1", "", "", "", "error", "address instead of a name")]),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("domains", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
