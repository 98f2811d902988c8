"""Squid's access log: lines that Squid 6.13 wrote, and lines made of entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument
from harness.model.log_entry import LogEntry
from test_suites.kit.campaigns.log_texts import read

WRITTEN = r"""
1795892139.018      0 127.0.0.1 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -
1795892139.022      3 127.0.0.1 TCP_MISS/200 2342 GET http://amber.example/a%20b? - FIRSTUP_PARENT/127.0.0.1 text/html
1795892139.023      0 127.0.0.1 TCP_DENIED/403 528 GET http://copper.example/q? - HIER_NONE/- text/html
1795892139.024      0 127.0.0.1 TCP_DENIED/302 372 GET http://redirected.example/ - HIER_NONE/- text/html
1795892139.027      0 127.0.0.1 TCP_DENIED/000 0 GET http://reset.example/ - HIER_NONE/- -
1795892139.027      0 127.0.0.1 TCP_DENIED/200 515 GET http://page200.example/ - HIER_NONE/- text/html
1795892139.028      0 127.0.0.1 TCP_DENIED/407 3462 GET http://needs.example/ - HIER_NONE/- text/html
1795892139.076      1 127.0.0.1 TCP_MISS/200 2340 GET http://needs.example/ zo%c3%ab smith%2520 FIRSTUP_PARENT/127.0.0.1 text/html
1795892139.078      0 127.0.0.1 TCP_MISS/200 2342 POST http://amber.example/up - FIRSTUP_PARENT/127.0.0.1 text/html "-" -
1795892139.118     27 127.0.0.1 TCP_TUNNEL/200 5234 CONNECT amber.example:443 - FIRSTUP_PARENT/127.0.0.1 -
1795892139.123      4 127.0.0.1 TCP_DENIED/403 528 CONNECT copper.example:443 - HIER_NONE/- text/html
1795892139.128      0 127.0.0.1 NONE_NONE/400 3343 - error:invalid-request - HIER_NONE/- text/html
1795892142.359     29 127.0.0.1 NONE_NONE/200 0 CONNECT opened.example:443 - FIRSTUP_PARENT/127.0.0.1 -
1795892142.433      1 127.0.0.1 TCP_DENIED_ABORTED/200 285 GET https://page200.example/tls - HIER_NONE/- text/html
1500000000.001  12345 lab-07.school.example TAG_NONE/503 0 GET http://down.example/ DOM%5Cbob HIER_NONE/- text/html "Mozilla/5.0 (X11; Linux)" ea
1500000000.002      0 2001:db8::7 TCP_REDIRECT/302 0 GET http://search.example/ - HIER_NONE/- -
"""


def test_what_squid_wrote() -> None:
    found = read("squid-log", WRITTEN)

    assert [
        ("http://amber.example/a%20b?", "", 200, "allowed"),
        ("http://copper.example/q?", "", 403, "blocked"),
        ("http://redirected.example/", "", 302, "blocked"),
        ("http://reset.example/", "", None, "blocked"),
        ("http://page200.example/", "", 200, "blocked"),
        ("http://needs.example/", "", 407, ""),
        ("http://needs.example/", "zoë smith%20", 200, "allowed"),
        ("http://amber.example/up", "", 200, "allowed"),
        ("amber.example:443", "", 200, "allowed"),
        ("copper.example:443", "", 403, "blocked"),
        ("opened.example:443", "", 200, ""),
        ("https://page200.example/tls", "", 200, "blocked"),
        ("http://down.example/", "DOM\\bob", 503, ""),
        ("http://search.example/", "", 302, ""),
    ] == [(each.url, each.user, each.status, each.verdict) for each in found]
    first, named, last = found[0], found[-2], found[-1]
    assert (
        LogEntry(
            line=3,
            at=datetime(2026, 11, 28, 18, 55, 39, 22000, UTC),
            client="127.0.0.1",
            method="GET",
            url="http://amber.example/a%20b?",
            status=200,
            verdict="allowed",
            received=2342,
        )
        == first
    )
    assert ("", "lab-07.school.example") == (named.client, named.device)
    assert "2001:db8::7" == last.client


@pytest.mark.parametrize(
    "line",
    [
        "1795892139.022 3 127.0.0.1 TCP_MISS/200 2342 GET http://a.example/ - HIER_NONE/-",
        "1795892139.022 3 127.0.0.1 TCP_MISS/200 2342 GET http://a.example/ HIER_NONE/- text/html",
        "1795892139.022 3 127.0.0.1 TCP_MISS/20 2342 GET http://a.example/ - HIER_NONE/- -",
        "1795892139 3 127.0.0.1 TCP_MISS/200 2342 GET http://a.example/ - HIER_NONE/- -",
        '127.0.0.1 - - [28/Nov/2026:18:55:39 +0000] "GET http://a.example/ HTTP/1.1" 200 1 TCP_MISS:X',
        "",
    ],
)
def test_what_is_no_line_of_squid_is_refused(line: str) -> None:
    with pytest.raises(FaultyDocument, match="this is not a log in the format squid-log"):
        read("squid-log", line + "\n")


WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
USERS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20)


@given(
    st.integers(0, 4_000_000_000_000), st.ip_addresses(), st.sampled_from(["GET", "CONNECT", "M-SEARCH"]),
    WORDS, USERS, st.integers(100, 599), st.integers(0, 10**15), st.sampled_from(["", ' "ua" x']),
)  # fmt: skip
def test_what_is_written_is_read(
    milliseconds: int, client: object, method: str, url: str, user: str, status: int, size: int, more: str
) -> None:  # fmt: skip
    seconds, rest = divmod(milliseconds, 1000)
    who = quote(user, safe=" ") or "-"
    line = (
        f"{seconds}.{rest:03} {0:6} {client} TCP_MISS/{status} {size} {method} {url} {who} "
        f"HIER_DIRECT/192.0.2.1 text/html{more}\n"
    )

    (found,) = read("squid-log", line)

    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert found.at is not None
    assert abs(found.at - at) < timedelta(microseconds=10)
    assert (str(client), method, url, user if user != "-" else "", status, size) == (
        found.client, found.method, found.url, found.user, found.status, found.received,
    )  # fmt: skip
