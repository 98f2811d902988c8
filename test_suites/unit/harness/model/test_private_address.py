"""An address is told whatever its notation, and what is embedded in it counts as well."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.private_address import (
    Reach,
    canonical,
    has_blank,
    is_public,
    is_public_network,
    literal,
    reach_of,
    without_blanks,
)

LOCAL = ["127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1",
         "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.0.192",
         "100.100.100.200", "168.63.129.16"]  # fmt: skip
PRIVATE = ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1",
           "100.64.0.1", "100.127.255.254", "198.18.0.1"]  # fmt: skip
PUBLIC = ["8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "11.0.0.1",
          "169.253.1.1", "192.0.2.1", "198.51.100.7", "223.255.255.255"]  # fmt: skip
KNOWN = {
    **dict.fromkeys(LOCAL, Reach.LOCAL),
    **dict.fromkeys(PRIVATE, Reach.PRIVATE),
    **dict.fromkeys(PUBLIC, Reach.PUBLIC),
}
addresses = st.sampled_from(sorted(KNOWN)).map(IPv4Address)


def _part(value: int, base: int) -> str:
    return {8: f"0{value:o}", 10: str(value), 16: f"0x{value:x}"}[base]


@st.composite
def notations(draw: st.DrawFn) -> tuple[str, str]:
    """An address, and one of the ways in which browsers read it (WHATWG URL, section 3.5)."""
    address = draw(addresses)
    octets, parts = list(address.packed), draw(st.integers(1, 4))
    values = [*octets[: parts - 1], int.from_bytes(address.packed[parts - 1 :])]
    text = ".".join(_part(value, draw(st.sampled_from([8, 10, 16]))) for value in values)
    text = text.upper() if draw(st.booleans()) else text
    if draw(st.booleans()):
        text = "".join(f"%{ord(letter):02x}" for letter in text)
    elif draw(st.booleans()):
        text = text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    return str(address), text + draw(st.sampled_from(["", "."]))


@given(notations())
def test_no_notation_hides_an_address(made: tuple[str, str]) -> None:
    address, text = made

    assert address == canonical(text)
    assert KNOWN[address] <= reach_of(text)


@given(notations())
def test_a_public_address_stays_public_unless_it_may_be_read_otherwise(
    made: tuple[str, str],
) -> None:
    address, text = made
    if KNOWN[address] is Reach.PUBLIC and "0" not in text.strip("[]"):
        assert is_public(text)


@given(addresses, st.integers(0, 2**64 - 1))
def test_an_ipv4_address_inside_of_an_ipv6_address_counts(inner: IPv4Address, rest: int) -> None:
    low = int(inner)
    prefix = 0x20010DB8 << 96
    embedded = [
        0xFFFF << 32 | low,
        0xFFFF << 48 | low,
        0x64FF9B << 96 | low,
        0x2002 << 112 | low << 80 | rest,
        0x20010000 << 96 | 0x08080808 << 64 | low ^ 0xFFFFFFFF,
        0x20010000 << 96 | low << 64 | 0x08080808 ^ 0xFFFFFFFF,
        prefix | 0x5EFE << 32 | low,
        prefix | 0x02005EFE << 32 | low,
    ]
    for whole in embedded:
        for text in (str(IPv6Address(whole)), f"[{IPv6Address(whole).exploded}]"):
            assert KNOWN[str(inner)] == reach_of(text), text


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("::1", Reach.LOCAL),
        ("[::]", Reach.LOCAL),
        ("fe80::1%eth0", Reach.LOCAL),
        ("[fe80::1%25eth0]", Reach.LOCAL),
        ("febf::1", Reach.LOCAL),
        ("ff02::1", Reach.LOCAL),
        ("fd00:ec2::254", Reach.LOCAL),
        ("64:ff9b:1::1", Reach.LOCAL),
        ("fc00::1", Reach.PRIVATE),
        ("fdff::1", Reach.PRIVATE),
        ("fec0::1", Reach.PRIVATE),
        ("2606:4700::1111", Reach.PUBLIC),
        ("localhost", Reach.LOCAL),
        ("LOCALHOST.", Reach.LOCAL),
        ("localhost%2e", Reach.LOCAL),
        ("\u24db\u24de\u24d2alhost", Reach.LOCAL),
        ("a.b.localhost", Reach.LOCAL),
        ("metadata.google.internal", Reach.LOCAL),
        ("metadata", Reach.LOCAL),
        ("nas.local", Reach.PRIVATE),
        ("proxy.school.internal", Reach.PRIVATE),
        ("router.home.arpa", Reach.PRIVATE),
        ("intranet", Reach.PRIVATE),
        ("www.example.com", Reach.PUBLIC),
        ("localhost.example.com", Reach.PUBLIC),
        ("b\u00fccher.example", Reach.PUBLIC),
        ("porn-nude-001.canary.accredit.test", Reach.PUBLIC),
        ("010.0.0.1", Reach.PRIVATE),
        ("0127.0.0.1", Reach.LOCAL),
        ("08.0.0.1", Reach.LOCAL),
        ("1.2.3.4.5", Reach.LOCAL),
        ("999.1.1.1", Reach.LOCAL),
        ("www.example.0x7f", Reach.LOCAL),
        ("", Reach.LOCAL),
        ("..", Reach.LOCAL),
    ],
)
def test_the_reach_of_a_host(host: str, reach: Reach) -> None:
    assert reach is reach_of(host)
    assert (reach is Reach.PUBLIC) == is_public(host)


@given(st.text(max_size=80))
def test_any_text_has_a_reach(text: str) -> None:
    assert reach_of(text) in Reach
    assert canonical(text) == canonical(text).lower()
    literal(text)


@pytest.mark.parametrize(
    ("network", "public"),
    [
        ("93.184.216.0/24", True),
        ("10.0.0.0/8", False),
        ("0.0.0.0/0", False),
        ("2606:4700::/32", True),
        ("fe80::/10", False),
    ],
)
def test_a_network_is_public_if_both_its_ends_are(network: str, public: bool) -> None:
    assert public is is_public_network(network)


def test_blanks_are_found_and_encoded() -> None:
    url = "http://a.example/x y\r\nz\u2028"

    assert has_blank(url)
    assert "http://a.example/x%20y%0D%0Az%E2%80%A8" == without_blanks(url)
    assert not has_blank(without_blanks(url))
