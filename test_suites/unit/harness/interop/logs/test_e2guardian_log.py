"""The log of e2guardian: lines that version 5.5.8 wrote, in each format."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument, UsageError
from harness.interop.logs.times import NO_ZONE
from harness.model.log_entry import LogEntry
from test_suites.kit.campaigns.log_texts import read

LONDON = ZoneInfo("Europe/London")
WRITTEN = {
    "1": """\
2026.11.28 18:49:29  127.0.0.1 http://amber.example/a%20b?x=1,2  GET 2062 5  1 200 text/html 127.0.0.1 group1   - -\x20
2026.11.28 18:49:29  127.0.0.1 http://copper.example/q?a=b *DENIED* Blocked site: copper.example GET 0 0  1 403  127.0.0.1 group1 a\tb "c" d  - -\x20
2026.11.28 18:49:29  127.0.0.1 https://amber.example:443 *DENIED* Failed to negotiate ssl CONNECT 0 0 SSL SITE 1 403  127.0.0.1 group1   - -\x20
""",
    "1 with hyphens": """\
2026.11.28 18:49:29 - 127.0.0.1 http://amber.example/a%20b?x=1,2 - GET 2062 5 - 1 200 text/html localhost group1 Mozilla/5.0 (X11; a, b) - - - -
2026.11.28 18:49:29 - 127.0.0.1 http://copper.example/q?a=b *DENIED* Blocked site: copper.example GET 0 0 - 1 403 - localhost group1 - - - - -
2026.11.28 18:49:29 - 127.0.0.1 https://amber.example:443 *DENIED* Failed to negotiate ssl CONNECT 0 0 SSL SITE 1 403 - localhost group1 - - - - -
""",
    "1 with seconds": """\
2026.11.28 18:49:29 1795891769.484  127.0.0.1 http://amber.example/a%20b?x=1,2  GET 2062 5  1 200 text/html 127.0.0.1 group1   - -\x20
2026.11.28 18:49:29 1795891769.484  127.0.0.1 http://copper.example/q?a=b *DENIED* Blocked site: copper.example GET 0 0  1 403  127.0.0.1 group1   - -\x20
2026.11.28 18:49:29 1795891769.484  127.0.0.1 https://amber.example:443 *DENIED* Failed to negotiate ssl CONNECT 0 0 SSL SITE 1 403  127.0.0.1 group1   - -\x20
""",
    "2": """\
"2026.11.28 18:49:29","","127.0.0.1","http://amber.example/a%20b?x=1,2","","GET","2062","5","","1","200","text/html","127.0.0.1","group1","a\tb "c" d","","-","-",""
"2026.11.28 18:49:29","","127.0.0.1","http://copper.example/q?a=b","*DENIED* Blocked site: copper.example","GET","0","0","","1","403","","127.0.0.1","group1","","","-","-",""
"2026.11.28 18:49:29","","127.0.0.1","https://amber.example:443","*DENIED* Failed to negotiate ssl","CONNECT","0","0","SSL SITE","1","403","","127.0.0.1","group1","","","-","-",""
""",
    "3": """\
1795891769.000      5 127.0.0.1 TCP_MISS/200 2062 GET http://amber.example/a%20b?x=1,2  DEFAULT_PARENT/127.0.0.1 text/html
1795891769.000      0 127.0.0.1 TCP_DENIED/403 0 GET http://copper.example/q?a=b  DEFAULT_PARENT/127.0.0.1\x20
1795891769.000      5 127.0.0.1 TCP_DENIED/403 0 CONNECT https://amber.example:443 - DEFAULT_PARENT/127.0.0.1 -
""",
    "4": """\
2026.11.28 18:49:29\t\t127.0.0.1\thttp://amber.example/a%20b?x=1,2\t\tGET\t2062\t5\t\t1\t200\ttext/html\t127.0.0.1\tgroup1\t\t\tone\ttwo\t
2026.11.28 18:49:29\t\t127.0.0.1\thttp://copper.example/q?a=b\t*DENIED* Blocked site: copper.example\tGET\t0\t0\t\t1\t403\t\t127.0.0.1\tgroup1\t\t\tone\ttwo\t
2026.11.28 18:49:29\t\t127.0.0.1\thttps://amber.example:443\t*DENIED* Failed to negotiate ssl\tCONNECT\t0\t0\tSSL SITE\t1\t403\t\t127.0.0.1\tgroup1\t\t\t-\t-\t
""",
    "5": """\
1795891769.000\tvm\t\t127.0.0.1\thttp://amber.example/a%20b?x=1,2\tGET\t200\t2062\ttext/html\ta\tb "c" d\t\t2\t\t0\t\t5\t\tgroup1\t1
1795891769.000\tvm\t\t127.0.0.1\thttp://copper.example/q?a=b\tGET\t403\t0\t\t\t\t0\t\t500\t*DENIED* Blocked site: copper.example\t0\t\tgroup1\t1
1795891769.000\tvm\t\t127.0.0.1\thttps://amber.example:443\tCONNECT\t403\t0\t\t\t\t5\t\t154\t*DENIED* Failed to negotiate ssl\t0\tSSL SITE\tgroup1\t1
""",
    "8": """\
(accesslog) 1795891769.000\t\t\t127.0.0.1\thttp://amber.example/a%20b?x=1,2\tGET\t200\t2062\ttext/html\ta\tb\t\t2\t\t0\t\t5\t\tgroup1\t1\t\t21544:PH::def
1795891769.000\t\t-\t127.0.0.1\thttp://copper.example/q?a=b\tGET\t403\t0\t-\t-\t-\t0\t-\t500\t*DENIED* Blocked site: copper.example\t0\t-\tgroup1\t1\t-\t21544:PH::def
1795891769.000\t\t\t127.0.0.1\thttps://amber.example:443\tCONNECT\t403\t0\t\t\t\t5\t\t154\t*DENIED* Failed to negotiate ssl\t0\tSSL SITE\tgroup1\t1\t\t21544:PS::def
""",
}
AT = datetime(2026, 11, 28, 18, 49, 29, tzinfo=UTC)


@pytest.mark.parametrize("form", WRITTEN)
def test_what_e2guardian_wrote(form: str) -> None:
    category = "" if form == "3" else "SSL SITE"

    assert [
        LogEntry(line=1, at=AT, client="127.0.0.1", method="GET", url="http://amber.example/a%20b?x=1,2",
                 status=200, verdict="allowed", received=2062),
        LogEntry(line=2, at=AT, client="127.0.0.1", method="GET", url="http://copper.example/q?a=b",
                 status=403, verdict="blocked", received=0),
        LogEntry(line=3, at=AT, client="127.0.0.1", method="CONNECT", url="https://amber.example:443",
                 status=403, verdict="blocked", received=0, category=category),
    ] == read("e2guardian-log", WRITTEN[form], zone=LONDON)  # fmt: skip


NAMES = (
    "at", "server", "who", "where", "url", "how", "code", "size", "mime", "agent", "result", "duration",
    "peer", "number", "what", "weight", "category", "group", "filter", "search", "flags",
)  # fmt: skip


def long(**changed: str) -> str:
    """A line of format 8 with other fields."""
    usual = dict.fromkeys(NAMES, "") | {
        "at": "1795891769.000", "where": "10.0.0.7", "url": "http://a.example/", "how": "GET",
        "code": "200", "size": "1", "flags": "1:PH::def",
    }  # fmt: skip
    return "\t".join({**usual, **changed}.values()) + "\n"


@pytest.mark.parametrize(
    ("what", "code", "verdict"),
    [
        ("*DENIED* Banned phrase found", "403", "blocked"),
        ("*INFECTED* Virus", "403", "blocked"),
        ("*URLMOD* *DENIED* x", "200", "blocked"),
        ("*REFUSÉ* Site interdit", "403", "blocked"),
        ("*EXCEPTION* Exception site match.", "403", "allowed"),
        ("*EXCEPTION* Exception site match.", "200", "allowed"),
        ("*TRUSTED* Exception site match.", "403", "allowed"),
        ("*SEMI-TRUSTED* *SCANNED* ", "403", "allowed"),
        ("*NETERROR* Unable to connect to upstream proxy (network error)", "403", ""),
        ("*NETZWERKFEHLER* x", "403", ""),
        ("*NETERROR* *DENIED* x", "403", "blocked"),
        ("*TRUSTED* *VERWEIGERT* x", "403", "blocked"),
        ("", "403", "allowed"),
        ("-", "403", "allowed"),
    ],
)
def test_a_status_of_403_without_a_reason_is_the_sites_own(
    what: str, code: str, verdict: str
) -> None:
    (found,) = read("e2guardian-log", long(what=what, code=code))

    assert (verdict, int(code)) == (found.verdict, found.status)


def test_a_user_a_name_of_a_computer_and_a_search_are_stated() -> None:
    line = long(who="pupil 042", where="lab-07", search="two words", category="Search")

    (found,) = read("e2guardian-log", line)

    assert ("pupil 042", "", "lab-07", "two words", "Search") == (
        found.user, found.client, found.device, found.search, found.category,
    )  # fmt: skip


@given(st.lists(st.sampled_from(["a", "\t", "403", " ", ":PH::"]), max_size=8).map("".join))
def test_no_name_of_a_browser_moves_a_field(agent: str) -> None:
    """Pupils choose it, and e2guardian logs a tab in it as it came."""
    line = long(agent=agent, what="*DENIED* x", code="403", category="Games", search="words")

    (found,) = read("e2guardian-log", line)

    assert ("blocked", "Games", "words") == (found.verdict, found.category, found.search)


def test_quotes_in_a_url_are_not_doubled_in_csv() -> None:
    line = WRITTEN["2"].splitlines()[0].replace("x=1,2", 'x="1","2"')

    (found,) = read("e2guardian-log", line, zone=UTC)

    assert 'http://amber.example/a%20b?x="1","2"' == found.url


@pytest.mark.parametrize("form", ["1", "2", "4"])
def test_local_times_need_a_zone(form: str) -> None:
    with pytest.raises(UsageError, match=f"^{NO_ZONE}$"):
        read("e2guardian-log", WRITTEN[form])


@pytest.mark.parametrize("form", WRITTEN)
def test_a_last_line_that_is_cut_off_is_refused(form: str) -> None:
    text = WRITTEN[form]
    cut = text[: text.rindex("CONNECT") + 7]

    with pytest.raises(FaultyDocument, match="log:3: the file ends in the middle of line 3"):
        read("e2guardian-log", cut, zone=UTC)


@pytest.mark.parametrize(
    "day", ["2026.02.30 10:00:00", "2026.13.01 10:00:00", "2026.11.28 25:00:00"]
)
def test_a_day_that_does_not_exist_is_refused(day: str) -> None:
    with pytest.raises(FaultyDocument, match="is not a line of e2guardian-log"):
        read("e2guardian-log", WRITTEN["4"].replace("2026.11.28 18:49:29", day), zone=UTC)
