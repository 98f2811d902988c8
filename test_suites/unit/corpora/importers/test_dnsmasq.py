"""dnsmasq configurations beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("address=/a.example", [("address=/a.example", "", "", "", "error", "no closing slash")]),
        (
            "address=/a.example/192.0.2.1",
            [("a.example", "suffix", "rewrite", "192.0.2.1", "ok", "non-null address")],
        ),
        ("address=/#/0.0.0.0", [("#", "", "", "", "error", "invalid host")]),
        ("cname=a.example", [("cname=a.example", "", "", "", "error", "cname without a target")]),
        (
            "cname=a.example,b.example,c.example,300",
            [
                ("a.example", "exact", "rewrite", "CNAME c.example", "ok", ""),
                ("b.example", "exact", "rewrite", "CNAME c.example", "ok", ""),
            ],
        ),
        ("local=/a.example/ # mine", [("a.example", "suffix", "block", "", "ok", "local")]),
        ("server=192.0.2.53", [("server=192.0.2.53", "", "", "", "skipped", "option")]),
        (
            "address=/a.example/b.example/c.example/",
            [
                ("a.example", "suffix", "block", "", "ok", "three names on a line"),
                ("b.example", "suffix", "block", "", "ok", "NXDOMAIN form"),
                ("c.example", "suffix", "block", "", "ok", "NXDOMAIN form"),
            ],
        ),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("dnsmasq", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
