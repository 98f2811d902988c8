"""Name servers that another one designates (RFC 9462)."""

from __future__ import annotations

import pytest

from harness.model.facts import DnsRecord
from probes.net.designated_resolver import Designated, designated_in


def record(data: str, type_: str = "SVCB") -> DnsRecord:
    return DnsRecord(name="_dns.resolver.arpa", type=type_, ttl=0, data=data)


def test_they_are_read_in_order_of_priority() -> None:
    records = [
        record('2 dns.example. alpn="dot" ipv6hint="2001:db8::1"'),
        record('1 dns.example. alpn="h2,h3" port="4443" ipv4hint="192.0.2.1" key7="/q{?dns}"'),
    ]

    assert designated_in(records) == (
        Designated("https", "dns.example", 4443, "/q", ("192.0.2.1",)),
        Designated("tls", "dns.example", 853, "", ("2001:db8::1",)),
    )


@pytest.mark.parametrize(
    "data",
    ["0 dns.example.", '1 dns.example. alpn="h3" key7="/q"', '1 dns.example. alpn="h2"', "not one"],
)
def test_one_that_cannot_be_asked_is_left(data: str) -> None:
    assert designated_in([record(data)]) == ()
    assert designated_in([record('1 dns.example. alpn="dot"', "HTTPS")]) == ()
