"""Response policy zones beyond the golden one."""

from collections.abc import Callable

import pytest

from corpora.read_list import ReportRow

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "$ORIGIN rpz.example.\na.example.rpz.example. 300 IN CNAME .",
            [("a.example", "exact", "block", "NXDOMAIN", "ok", "")],
        ),
        (
            "@ SOA a. b. (\n 1 2 ; x\n 3 4 5 )\na.example CNAME *.",
            [("a.example", "exact", "block", "NODATA", "ok", "")],
        ),
        (
            "$INCLUDE /etc/passwd",
            [("$INCLUDE /etc/passwd", "", "", "", "error", "$include refused")],
        ),
        (
            "$GENERATE 1-9999999 a$ A 192.0.2.1",
            [("$GENERATE 1-9999999 a$ A 192.0.2.1", "", "", "", "error", "$generate refused")],
        ),
        ("a.example", [("a.example", "", "", "", "error", "not a record")]),
        ('a.example TXT "x"', [("a.example", "", "", "", "skipped", "TXT is no policy")]),
        (
            "ns.a.example.rpz-nsdname CNAME .",
            [("ns.a.example.rpz-nsdname", "", "", "", "skipped", "rpz-nsdname trigger")],
        ),
        (
            "128.1.zz.db8.2001.rpz-ip CNAME .",
            [("2001:db8::1/128", "answer_ip", "block", "NXDOMAIN", "ok", "response IP trigger")],
        ),
        (
            "48.zz.101.db8.2001.rpz-ip CNAME *.",
            [("2001:db8:101::/48", "answer_ip", "block", "NODATA", "ok", "response IP trigger")],
        ),
        ("x.1.rpz-ip CNAME .", [("x.1.rpz-ip", "", "", "", "error", "not an address")]),
        (
            "a.example CNAME rpz-tcp-only.",
            [("a.example", "exact", "rewrite", "TCP-ONLY", "ok", "not a block")],
        ),
        ("*.com CNAME .", [("com", "", "", "", "error", "public suffix")]),
    ],
)
def test_entries(read: Read, text: str, told: list[tuple[str, ...]]) -> None:
    rows = read("rpz", text)

    assert told == [
        (row.value, row.match, row.action, row.target, row.status, row.reason) for row in rows
    ]
