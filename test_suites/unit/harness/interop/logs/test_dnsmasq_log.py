"""The log of dnsmasq: lines that version 2.91 wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from harness.errors import FaultyDocument, UsageError
from harness.interop.logs.times import NO_ZONE
from test_suites.kit.campaigns.log_texts import mapping, read

MESSAGES = """\
query[A] amber.example from 10.0.0.7
forwarded amber.example to 127.0.0.1#46870
reply amber.example is 192.0.2.1
query[AAAA] amber.example from 10.0.0.7
reply amber.example is NODATA-IPv6
cached amber.example is 2001:db8::1
config alias.example is <CNAME>
reply error is REFUSED
/etc/block list/hosts hosts0.example is 0.0.0.0
/etc/hosts hosts1.example is 127.0.0.1
config blocked0.example is 0.0.0.0
config blocked1.example is NXDOMAIN
config blocked2.example is ::
config page.example is 192.0.2.80
reply gone.example is NXDOMAIN
reply upstream.example is 0.0.0.0
gravity blocked ads.example is 192.0.2.99
regex denied x.example is NODATA
query[type=65] amber.example from 10.0.0.7
validation result is INSECURE
""".splitlines()
ALLOWED = {"reply amber.example is 192.0.2.1", "cached amber.example is 2001:db8::1"}
BLOCKED = ("/etc/block", "config blocked", "reply upstream", "gravity", "regex")
NOTHING = ("forwarded", "reply error", "validation")


def verdict_of(message: str) -> str:
    if message in ALLOWED:
        return "allowed"
    return "blocked" if message.startswith(BLOCKED) else ""


@pytest.mark.parametrize("extra", ["", "101 10.0.0.9/57272 ", "TCP 101 10.0.0.9/57272 "])
@pytest.mark.parametrize("start", ["Nov 29 03:55:22 dnsmasq[7]: ", "Nov 29 03:55:22 box dnsmasq[7]: "])  # fmt: skip
def test_what_dnsmasq_wrote(start: str, extra: str) -> None:
    text = f"{start}started, version 2.91 cachesize 150\n"
    text += "".join(f"{start}{extra}{message}\n" for message in MESSAGES)

    found = read("dnsmasq-log", text, zone=ZoneInfo("Asia/Tokyo"))

    expected = [message for message in MESSAGES if not message.startswith(NOTHING)]
    assert [verdict_of(message) for message in expected] == [each.verdict for each in found]
    names = [message.split(" is ")[0].split(" from ")[0].split()[-1] for message in expected]
    assert names == [each.url for each in found]
    answered = "10.0.0.9" if extra else ""
    assert ["10.0.0.7" if message.startswith("query") else answered for message in expected] == [
        each.client for each in found
    ]
    assert {datetime(2026, 11, 28, 18, 55, 22, tzinfo=UTC)} == {each.at for each in found}


def test_a_mapping_names_the_address_of_a_block_page() -> None:
    text = "Nov 28 18:55:22 dnsmasq[7]: config page.example is 192.0.2.80\n"

    (found,) = read("dnsmasq-log", text, zone=UTC, mapping=mapping(blocked=["192.0.2.80"]))

    assert "blocked" == found.verdict


def test_local_times_need_a_zone() -> None:
    with pytest.raises(UsageError, match=f"^{NO_ZONE}$"):
        read("dnsmasq-log", "Nov 28 18:55:22 dnsmasq[7]: query[A] a.example from 10.0.0.7\n")


def test_what_is_no_line_of_syslog_is_refused() -> None:
    good = "Nov 28 18:55:22 dnsmasq[7]: query[A] a.example from 10.0.0.7\n"

    with pytest.raises(FaultyDocument, match=r"log:2: 'query\[A\] a.example' is not a line"):
        read("dnsmasq-log", good + "query[A] a.example\n" + good, zone=UTC)
