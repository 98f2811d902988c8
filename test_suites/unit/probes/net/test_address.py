"""Addresses as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from probes.net.route import Address, is_in_family, is_literal, is_unspecified, parse_address


@given(
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
    st.integers(min_value=1, max_value=65535),
)
def test_what_is_written_is_read_again(host: str, port: int) -> None:
    address = Address(host=host, port=port)

    assert parse_address(str(address), "server") == address
    assert is_literal(host)


def test_the_port_may_be_left_out_where_there_is_a_usual_one() -> None:
    assert parse_address("192.0.2.1", "server", 53) == Address(host="192.0.2.1", port=53)
    assert parse_address("2001:db8::1", "server", 53) == Address(host="2001:db8::1", port=53)
    assert parse_address("[::1]", "server", 53) == Address(host="::1", port=53)


@pytest.mark.parametrize(
    "text", ["", ":53", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:99999", "a:x", "a:²"]
)
def test_what_is_no_address_says_so(text: str) -> None:
    with pytest.raises(UsageError, match=r"server: .* is not an address; write it as"):
        parse_address(text, "server")


def test_a_usual_port_does_not_excuse_a_wrong_one() -> None:
    with pytest.raises(UsageError, match="is not an address"):
        parse_address("192.0.2.1:dns", "server", 53)


def test_names_are_no_literals() -> None:
    assert not is_literal("accredit.test")


@pytest.mark.parametrize(
    ("host", "nowhere"),
    [("0.0.0.0", True), ("0.1.2.3", True), ("::", True), ("127.0.0.1", False), ("::1", False)],
)
def test_nowhere_is_known(host: str, nowhere: bool) -> None:
    assert is_unspecified(host) is nowhere


def test_an_address_is_of_its_family_and_of_any() -> None:
    assert [True, True, False] == [
        is_in_family(each, "192.0.2.1") for each in ("any", "ipv4", "ipv6")
    ]
    assert [True, False, True] == [
        is_in_family(each, "2001:db8::1") for each in ("any", "ipv4", "ipv6")
    ]
