"""Messages of firewalls in syslog, with the keys that a mapping names."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument, UsageError
from harness.interop.logs.times import NO_ZONE
from harness.model.log_entry import LogEntry
from test_suites.kit.campaigns.log_texts import mapping, read

AT = datetime(2026, 11, 28, 18, 49, 29, tzinfo=UTC)
FORTINET = '<189>date=2026-11-28 time=18:49:29 tz="+0000" devname="fw1" srcip=10.1.4.17 user="SCHOOL\\\\bob" url="https://casino.example/?a=b user=eve" action="blocked" catdesc="Gambling"\n'
SOPHOS = '2026:11:28-18:49:29 fw httpproxy[7]: id="0002" severity="info"\n'
BY_ENVELOPE = mapping(
    fields={"time": "syslog.time", "url": "url", "user": "user", "device": "syslog.host", "verdict": "action"},
    blocked=["block"], allowed=["pass"],
)  # fmt: skip
PAIRS = 'name="web request" action="block" user="" url="http://a.example/?q=1 2" user="eve"'


def test_a_priority_alone_and_the_times_in_the_message() -> None:
    named = mapping(
        fields={"time": ["date", "time", "tz"], "url": "url", "user": "user", "client": "srcip",
                "verdict": "action", "category": "catdesc"},
        time_format="%Y-%m-%d %H:%M:%S %z", blocked=["blocked"], allowed=["passthrough"],
    )  # fmt: skip

    assert [
        LogEntry(line=1, at=AT, user="SCHOOL\\bob", client="10.1.4.17", verdict="blocked",
                 url="https://casino.example/?a=b user=eve", category="Gambling"),
    ] == read("syslog-log", FORTINET, mapping=named)  # fmt: skip


@pytest.mark.parametrize(
    "start",
    [
        "<30>1 2026-11-28T18:49:29Z fw1 proxy 7 - - ",
        '<30>1 2026-11-28T18:49:29Z fw1 proxy 7 - [x@1 a="1"] \ufeff',
        "<30>Nov 29 03:49:29 fw1 proxy[7]: ",
        "Nov 29 03:49:29 fw1 proxy: ",
        "2026-11-28T18:49:29.000+00:00 fw1 proxy[7]: ",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "message",
    [
        PAIRS,
        '{"action": "block", "url": "http://a.example/?q=1 2"}',
        '@cee: {"action": "block", "url": "http://a.example/?q=1 2"}',
    ],
)
def test_the_time_and_the_host_of_the_envelope(start: str, message: str) -> None:
    more = f"{start}user=bob url=http://b.example/ action=pass\n"

    found = read(
        "syslog-log", f"{start}{message}\n{more}", zone=ZoneInfo("Asia/Tokyo"), mapping=BY_ENVELOPE
    )

    assert [
        LogEntry(line=1, at=AT, device="fw1", url="http://a.example/?q=1 2", verdict="blocked"),
        LogEntry(line=2, at=AT, device="fw1", url="http://b.example/", verdict="allowed", user="bob"),
    ] == found  # fmt: skip


def test_structured_data_are_pairs() -> None:
    text = '<30>1 2026-11-28T18:49:29Z fw1 proxy 7 - [x@1 url="http://a.example/\\]" user="o\'brien" action="pass"]\n'

    (found,) = read("syslog-log", text, mapping=BY_ENVELOPE)

    assert ("http://a.example/]", "o'brien") == (found.url, found.user)


def test_messages_of_another_kind_are_passed_over() -> None:
    start = "<30>Nov 28 18:49:29 fw1 "
    text = f"{start}cron[7]: (root) CMD (true)\n{start}proxy: msg=started\n{start}proxy: {PAIRS}\n"

    assert [3] == [each.line for each in read("syslog-log", text, zone=UTC, mapping=BY_ENVELOPE)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("what", "log:2: 'what' is not a line of syslog-log"),
        (SOPHOS.strip().replace("id=", "url="), "log:2: the line states no time; correct 'time' of the mapping"),
        ('<30>Nov 28 18:49:29 fw1 proxy: action="pass" url="http://a.exam', "log:2: the value of 'url' does not end"),
        ('<30>Nov 28 18:49:29 fw1 proxy: {"url"', "is not JSON"),
        ("<30>Nov 31 18:49:29 fw1 proxy: url=x", "log:2: 'Nov 31 18:49:29' is not a time; expected Nov 28 18:49:29"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(line: str, message: str) -> None:
    good = f"<30>Nov 28 18:49:29 fw1 proxy: {PAIRS}\n"

    with pytest.raises(FaultyDocument) as caught:
        read("syslog-log", f"{good}{line}\n{good}", zone=UTC, mapping=BY_ENVELOPE)

    assert message in str(caught.value)


def test_a_key_that_no_message_has_is_refused() -> None:
    text = "<30>Nov 28 18:49:29 fw1 proxy: site=http://a.example/ action=pass user=bob\n"

    with pytest.raises(FaultyDocument) as caught:
        read("syslog-log", text, zone=UTC, mapping=BY_ENVELOPE)

    assert (
        "log: the mapping reads url from 'url', which the file does not have; "
        "it has: syslog.host, syslog.program, site, action, user"
    ) == str(caught.value)


def test_the_time_of_the_envelope_needs_a_zone_only_if_it_is_asked_for() -> None:
    text = f"<30>Nov 28 18:49:29 fw1 proxy: at=1795891769 {PAIRS}\n"
    named = mapping(fields={"time": "at", "url": "url"}, time_format="epoch")

    assert [AT] == [each.at for each in read("syslog-log", text, mapping=named)]
    with pytest.raises(UsageError, match=f"^{NO_ZONE}$"):
        read("syslog-log", text, mapping=BY_ENVELOPE)


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20))
def test_what_is_written_is_read(user: str) -> None:
    escaped = user.replace("\\", "\\\\").replace('"', '\\"')
    text = f'<30>1 2026-11-28T18:49:29Z h p - - - url=x user="{escaped}" action=pass\n'

    (found,) = read("syslog-log", text, mapping=BY_ENVELOPE)

    assert ("" if user.strip() == "-" else user.strip()) == found.user
