"""Name servers as people write them."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from probes.net.dns_server import parse_dns_server
from probes.net.route import Address


@pytest.mark.parametrize(
    ("text", "transport", "address", "host"),
    [
        ("192.0.2.1", "udp", "192.0.2.1:53", ""),
        ("[2001:db8::1]:5353", "udp", "[2001:db8::1]:5353", ""),
        ("udp://192.0.2.1", "udp", "192.0.2.1:53", "192.0.2.1"),
        ("tcp://192.0.2.1:54", "tcp", "192.0.2.1:54", "192.0.2.1"),
        ("tls://dns.example", "tls", "dns.example:853", "dns.example"),
        ("https://dns.example:8443/x", "https", "dns.example:8443", "dns.example"),
    ],
)
def test_each_transport_has_its_own_form(
    text: str, transport: str, address: str, host: str
) -> None:
    server = parse_dns_server(text, "server")

    assert (server.transport, str(server.address), server.host) == (transport, address, host)


def test_https_has_a_usual_path() -> None:
    assert parse_dns_server("https://dns.example", "x").url == "https://dns.example:443/dns-query"
    assert parse_dns_server("https://dns.example/q", "x").url == "https://dns.example:443/q"
    assert str(parse_dns_server("tls://192.0.2.1", "x")) == "tls://192.0.2.1:853"


def test_a_named_server_may_be_told_where_it_is() -> None:
    server = parse_dns_server("tls://dns.example:853", "x", at="192.0.2.1")

    assert server.address == Address(host="192.0.2.1", port=853)
    assert server.host == "dns.example"


@pytest.mark.parametrize(
    "text", ["quic://a", "tls://", "tls://a:x", "tls://a/path", "tcp://a:99999"]
)
def test_what_is_no_server_says_so(text: str) -> None:
    with pytest.raises(UsageError, match=r"option 'server': .* is not a name server; write 192"):
        parse_dns_server(text, "line 'x', option 'server'")


def test_a_wrong_plain_address_says_so() -> None:
    with pytest.raises(UsageError, match="is not an address"):
        parse_dns_server("x:y", "line 'x', option 'server'")
