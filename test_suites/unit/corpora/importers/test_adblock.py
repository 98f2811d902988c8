"""Filter lists beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("||co.uk^", [("co.uk", "", "", "", "error", "public suffix")]),
        (
            "@@||a.example^$important",
            [("a.example", "suffix", "allow", "", "ok_with_modifier", "exception; important")],
        ),
        (
            "||a.example^$dnsrewrite=192.0.2.1",
            [("a.example", "suffix", "rewrite", "192.0.2.1", "ok", "")],
        ),
        (
            "||a.example^$dnsrewrite=NXDOMAIN;;",
            [("a.example", "suffix", "block", "NXDOMAIN", "ok", "")],
        ),
        (
            "||a.example^$dnsrewrite=safe.example",
            [("a.example", "suffix", "rewrite", "CNAME safe.example", "ok", "")],
        ),
        (
            "||a.example^$dnsrewrite=NOERROR;A;192.0.2.1",
            [("a.example", "suffix", "rewrite", "192.0.2.1", "ok", "")],
        ),
        ("/ads$/", [("/ads$/", "regex", "block", "", "ok", "")]),
        ("/ads/$script", [("/ads/", "regex", "block", "", "ok_with_modifier", "script")]),
        ("||ad*.a.example^", [("ad*.a.example", "glob", "block", "", "ok", "kept as glob")]),
        ("||a.example/*/x", [("||a.example/*/x", "", "", "", "skipped", "not host level")]),
        ("a.example", [("a.example", "exact", "block", "", "ok", "plain domain")]),
        (
            "# comment\n! comment\n[Adblock Plus]\na.example#@#.x",
            [("a.example#@#.x", "", "", "", "skipped", "cosmetic")],
        ),
        (
            "|ftp://a.example",
            [("|ftp://a.example", "", "", "", "error", "scheme is not http or https")],
        ),
        (
            "||a.example^$badfilter",
            [
                (
                    "a.example",
                    "suffix",
                    "cancel",
                    "",
                    "ok_with_modifier",
                    "badfilter cancels nothing above",
                )
            ],
        ),
        ("||a b^", [("a b", "", "", "", "error", "invalid host")]),
        ("words in a row", [("words in a row", "", "", "", "error", "not a rule")]),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("adblock", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
