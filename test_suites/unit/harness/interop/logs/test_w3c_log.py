"""The W3C Extended Log File Format, as proxies and firewalls write it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument
from harness.model.log_entry import LogEntry
from test_suites.kit.campaigns.log_texts import mapping, read

AT = datetime(2026, 11, 28, 18, 49, 29, tzinfo=UTC)

BLUE_COAT = """\
#Software: SGOS 7.3
#Version: 1.0
#Date: 2026-11-28 18:00:00
#Fields: date time time-taken c-ip cs-username cs-auth-group x-exception-id sc-filter-result cs-categories cs(Referer) sc-status s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes x-virus-id
2026-11-28 18:49:29 45 10.1.4.17 pupil042 - - OBSERVED "Search Engines/Portals;Education" - 200 TCP_NC_MISS GET text/html http example.org 80 /search ?q=kittens - "Mozilla/5.0 (X11; ""Linux"")" 10.0.0.1 5120 410 -
2026-11-28 18:49:29 3 10.1.4.17 pupil042 - policy_denied DENIED "Gambling" - 403 TCP_DENIED GET - http casino.example 8080 / - - "Mozilla/5.0" 10.0.0.1 900 388 -
2026-11-28 18:49:29 3 10.1.4.17 - - authentication_failed DENIED - - 407 TCP_DENIED GET - http example.org 80 / - - - 10.0.0.1 900 388 -
2026-11-28 18:49:29 9 10.1.4.17 pupil042 - - OBSERVED "Education" - 200 TCP_TUNNELED CONNECT - tcp example.org 443 / - - - 10.0.0.1 39 218 -
"""
TMG = (
    "#Software: Forefront TMG\n#Version: 1.0\n#Date: 2026-11-28 18:00:00\n"
    "#Fields: c-ip\tcs-username\tc-agent\tdate\ttime\ts-computername\tr-host\tsc-bytes\tcs-bytes\ts-operation\tcs-uri\tsc-status\taction\tUrlCategory\n"
    "10.1.4.17\tSCHOOL\\bob smith\tMozilla/5.0 (X11)\t2026-11-28\t18:49:29\tTMG1\texample.org\t5120\t410\tGET\thttp://example.org/a?b=c\t200\tAllowed\tEducation\n"
    "10.1.4.17\tanonymous\t-\t2026-11-28\t18:49:29\tTMG1\tcasino.example\t-\t388\tGET\thttp://casino.example/\t12202\tDenied\tGambling\n"
)
IIS = """\
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status
2026-11-28 18:49:29 10.0.0.1 GET /a b=c 80 - 10.1.4.17 Mozilla/5.0+(X11) 200
"""
CISCO = """\
#Fields: timestamp x-elapsed-time c-ip x-resultcode-httpstatus sc-bytes cs-method cs-url cs-username x-webcat-code-full
1795891769.000 97 10.1.4.17 TCP_MISS/200 8187 GET http://example.org/ "SCHOOL\\bob@AD" "Search Engines"
1795891769.000 1 10.1.4.17 TCP_DENIED/403 0 GET http://casino.example/ - Gambling
1795891769.000 1 10.1.4.17 TCP_DENIED/407 0 GET http://example.org/ - -
"""


def facts(entry: LogEntry) -> tuple[object, ...]:
    return (entry.url, entry.user, entry.status, entry.verdict, entry.category)


def test_blue_coat() -> None:
    found = read("w3c-log", BLUE_COAT)

    assert [
        ("http://example.org/search?q=kittens", "pupil042", 200, "allowed", "Search Engines/Portals;Education"),
        ("http://casino.example:8080/", "pupil042", 403, "blocked", "Gambling"),
        ("http://example.org/", "", 407, "", ""),
        ("tcp://example.org/", "pupil042", 200, "allowed", "Education"),
    ] == list(map(facts, found))  # fmt: skip
    assert (5, AT, "10.1.4.17", "GET", 5120, 410) == (
        found[0].line, found[0].at, found[0].client, found[0].method, found[0].received, found[0].sent,
    )  # fmt: skip


def test_forefront_tmg_separates_by_tabs() -> None:
    assert [
        ("http://example.org/a?b=c", "SCHOOL\\bob smith", 200, "allowed", "Education"),
        ("http://casino.example/", "anonymous", None, "blocked", "Gambling"),
    ] == list(map(facts, read("w3c-log", TMG)))


def test_iis_states_paths_alone() -> None:
    assert [("/a?b=c", "", 200, "", "")] == list(map(facts, read("w3c-log", IIS)))


def test_a_proxy_may_put_the_whole_url_into_the_path() -> None:
    text = IIS.replace("cs-uri-query", "cs-host").replace("/a b=c", "http://a.example/b a.example")

    assert ["http://a.example/b"] == [each.url for each in read("w3c-log", text)]


def test_cisco() -> None:
    found = read("w3c-log", CISCO)

    assert [
        ("http://example.org/", "SCHOOL\\bob@AD", None, "allowed", "Search Engines"),
        ("http://casino.example/", "", None, "blocked", "Gambling"),
        ("http://example.org/", "", None, "", ""),
    ] == list(map(facts, found))
    assert {AT} == {each.at for each in found}


def test_times_are_utc_unless_a_zone_is_given() -> None:
    (utc,) = read("w3c-log", IIS)
    (tokyo,) = read("w3c-log", IIS, zone=ZoneInfo("Asia/Tokyo"))

    assert (AT, AT.replace(hour=9)) == (utc.at, tokyo.at)


def test_a_date_may_stand_above_the_times_and_a_time_in_brackets() -> None:
    dated = "#Date: 2026-11-28 00:00:01\n#Fields: time cs-uri\n18:49:29 http://a.example/\n"
    local = "#Fields: localtime cs-uri\n[28/Nov/2026:19:49:29 +0100] http://a.example/\n"

    assert [AT, AT] == [entry.at for text in (dated, local) for entry in read("w3c-log", text)]


def test_the_columns_may_change_within_a_file() -> None:
    assert 5 == len(read("w3c-log", BLUE_COAT + IIS))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-11-28 18:49:29 /\n", "no line '#Fields:' names the columns before the first request"),
        ("#Fields: c-ip cs-uri\n", "log:1: #Fields names no column of the time; its columns are: c-ip, cs-uri"),
        ("#Fields: date time c-ip\n", "log:1: #Fields names no column of the URL; its columns are: date, time, c-ip"),
        ("#Fields: time cs-uri\n18:49:29 /\n", "a time without a date"),
        (IIS + "2026-11-28 18:49:29 10.0.0.1\n", "log:3: 3 values for 11 fields: '2026-11-28 18:49:29 10.0.0.1'"),
        (IIS + IIS.splitlines()[1].replace("18:49", "18:61") + "\n", "log:3: '2026-11-28 18:61:29' is not a time"),
        ("#Fields: date time cs-uri\n", "none of its 1 lines records a request"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str, message: str) -> None:
    with pytest.raises(FaultyDocument) as caught:
        read("w3c-log", text)

    assert message in str(caught.value)


def test_a_mapping_names_columns_of_ones_own() -> None:
    text = "#Fields: When X-Page X-Decision\n2026-11-28T18:49:29Z http://a.example/ Stop\n"
    named = mapping(
        fields={"time": "When", "url": "X-Page", "verdict": "X-Decision"},
        blocked=["stop"],
        allowed=["go"],
    )

    assert [("http://a.example/", "", None, "blocked", "")] == list(
        map(facts, read("w3c-log", text, mapping=named))
    )
    with pytest.raises(
        FaultyDocument, match="reads url from 'X-Page', which the file does not have"
    ):
        read("w3c-log", text.replace("X-Page", "X-Site"), mapping=named)


VALUES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=20)


@given(VALUES, VALUES)
def test_what_is_written_is_read(user: str, path: str) -> None:
    def quoted(text: str) -> str:
        doubled = text.replace('"', '""')
        return f'"{doubled}"'

    text = f"#Fields: date time cs-username cs-uri\n2026-11-28 18:49:29 {quoted(user)} {quoted(path)}\n"

    (found,) = read("w3c-log", text)

    assert ["" if each == "-" else each for each in (user, path)] == [found.user, found.url]
