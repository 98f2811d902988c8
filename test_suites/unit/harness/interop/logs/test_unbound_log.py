"""The log of Unbound: lines that version 1.26.2 wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from harness.errors import FaultyDocument, UsageError
from harness.interop.logs.times import NO_ZONE
from test_suites.kit.campaigns.log_texts import mapping, read

MESSAGES = """\
notice: init module 0: iterator
info: start of service (unbound 1.26.2).
info: 127.0.0.1 amber.example. A IN
info: 127.0.0.1 amber.example. A IN NOERROR 0.002625 0 61
info: 127.0.0.1 a?b.example. TYPE65 IN
query: 2001:db8::7 nx.example. AAAA IN
info: nx.example. always_nxdomain 2001:db8::7@59023 nx.example. AAAA IN
reply: 2001:db8::7 nx.example. AAAA IN NXDOMAIN 0.000000 1 40 on udp 127.0.0.1 28525
info: 127.0.0.1 no.example. A IN REFUSED 0.000000 1 40
info: sink.example. redirect 127.0.0.1@34235 www.sink.example. A IN
info: example. transparent 127.0.0.1@53859 open.example. A IN
info: rpz: applied [gambling] *.casino.example. rpz-nxdomain 127.0.0.1@37135 www.casino.example. A IN
info: rpz: applied [own] ours.example. rpz-passthru 127.0.0.1@37135 ours.example. A IN
error: SERVFAIL <down.example. A IN>: all the configured stub or forward servers failed
info: 127.0.0.1 . NS IN
info: server stats for thread 0: 1 queries, 0 answers from cache
info: validation failure A IN
info: one.example. two.example. A IN
""".splitlines()
EXPECTED = [
    ("127.0.0.1", "amber.example", "", ""),
    ("127.0.0.1", "amber.example", "", ""),
    ("127.0.0.1", "a?b.example", "", ""),
    ("2001:db8::7", "nx.example", "", ""),
    ("2001:db8::7", "nx.example", "blocked", ""),
    ("2001:db8::7", "nx.example", "", ""),
    ("127.0.0.1", "no.example", "blocked", ""),
    ("127.0.0.1", "www.sink.example", "", ""),
    ("127.0.0.1", "open.example", "", ""),
    ("127.0.0.1", "www.casino.example", "blocked", "gambling"),
    ("127.0.0.1", "ours.example", "allowed", "own"),
    ("127.0.0.1", ".", "", ""),
]
PREFIXES = {
    "[1795892100] unbound[20987:0] ": "",
    "Nov 28 18:55:00 unbound[20987:0] ": "",
    "Nov 29 03:55:00 resolver unbound[20987]: [20987:0] ": "Asia/Tokyo",
    "2026-11-28T18:55:00.731+00:00 unbound[20987:1f] ": "",
    "2026-11-29T03:55:00.731+09:00 resolver unbound[20987]: [20987:0] ": "",
}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_unbound_wrote(prefix: str) -> None:
    zone = ZoneInfo(PREFIXES[prefix] or "UTC")
    text = "".join(f"{prefix.replace(':1f', ':1')}{message}\n" for message in MESSAGES)

    found = read("unbound-log", text, zone=zone)

    assert EXPECTED == [(each.client, each.url, each.verdict, each.category) for each in found]
    assert {datetime(2026, 11, 28, 18, 55, tzinfo=UTC)} == {
        each.at.replace(microsecond=0) for each in found if each.at
    }
    assert [61, 40, 40] == [each.received for each in found if each.received is not None]


def test_local_times_need_a_zone() -> None:
    with pytest.raises(UsageError, match=f"^{NO_ZONE}$"):
        read("unbound-log", "Nov 28 18:55:00 unbound[1:0] info: 127.0.0.1 a.example. A IN\n")


def test_a_mapping_names_further_actions_that_block() -> None:
    text = "[1795892100] unbound[1:0] info: a.example. redirect 127.0.0.1@1 a.example. A IN\n"

    (found,) = read("unbound-log", text, mapping=mapping(blocked=["redirect"]))

    assert "blocked" == found.verdict


def test_other_programs_in_syslog_are_passed_over() -> None:
    text = (
        "Nov 28 18:55:00 resolver cron[7]: (root) CMD (true)\n"
        "Nov 28 18:55:00 resolver unbound[7]: [7:0] info: 127.0.0.1 a.example. A IN\n"
    )

    assert [2] == [each.line for each in read("unbound-log", text, zone=UTC)]


@pytest.mark.parametrize("line", ["[1795892100] ", "[1795892100] x", "what", "[99999999999999] unbound[1:0] info: x"])  # fmt: skip
def test_what_is_no_line_of_unbound_is_refused(line: str) -> None:
    good = "[1795892100] unbound[1:0] info: 127.0.0.1 a.example. A IN\n"

    with pytest.raises(FaultyDocument, match=r"log:2: .* is not a line of unbound-log"):
        read("unbound-log", good + line + "\n", zone=UTC)
