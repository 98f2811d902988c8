"""Addresses that embed an IPv4 address are those of the RFCs; paths tell hosts without naming them."""

from __future__ import annotations

import json
from ipaddress import IPv6Address

import pytest
from pydantic import ValidationError

from harness.model.campaign import Campaign
from harness.model.transition_address import (
    LOCAL_PREFIX,
    TRANSITIONS,
    host_in,
    literal_of,
    literals_of,
    page_path,
)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
    ],
)
def test_prefixes_of_each_length_embed_as_in_rfc_6052(prefix: str, expected: str) -> None:
    """The examples of RFC 6052 section 2.4."""
    assert literal_of("transition:nat64-own", "192.0.2.33", prefix) == str(IPv6Address(expected))


@pytest.mark.parametrize(
    ("case", "attribute"), [("6to4", "sixtofour"), ("teredo", "teredo"), ("mapped", "ipv4_mapped")]
)
def test_python_reads_the_same_address_out_of_each(case: str, attribute: str) -> None:
    found = getattr(IPv6Address(literal_of(f"transition:{case}", "192.0.2.33")), attribute)

    assert {"192.0.2.33"} == {str(one) for one in (found if case == "teredo" else (found,))}


def test_an_origin_has_an_address_of_each_mechanism_and_ipv4_address() -> None:
    assert literals_of(("192.0.2.1", "2001:db8::1", "192.0.2.2")) == {
        literal_of(case, address) for case in TRANSITIONS for address in ("192.0.2.1", "192.0.2.2")
    }
    assert "64:ff9b::c000:201" in literals_of(("192.0.2.1",))


def test_no_other_case_and_no_ipv6_address_has_one() -> None:
    with pytest.raises(KeyError):
        literal_of("transition:smoke", "192.0.2.1")
    with pytest.raises(ValueError, match="2001"):
        literal_of("transition:6to4", "2001:db8::1")


def test_a_path_tells_a_host_without_naming_it() -> None:
    host = "drug-101.canary.accredit.test"
    path = page_path(host)

    assert host_in(path) == host
    assert "drug" not in path
    assert [
        host_in(other) for other in ("/", "/at/", "/at/!", "/at/ü", "/at/777777", path[1:])
    ] == [""] * 6


def campaign(**more: str) -> Campaign:
    declared = {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": [{"name": "proxy", "type": "simulated"}],
        "profiles": {"ks2": {}},
        "corpora": [{"pack": "canary"}],
    }
    return Campaign.model_validate_json(json.dumps(declared | more))


def test_a_campaign_declares_the_prefix_of_its_networks() -> None:
    assert campaign().nat64_prefix == LOCAL_PREFIX
    assert campaign(nat64_prefix="2001:db8:0:64::/96").nat64_prefix == "2001:db8:0:64::/96"
    for wrong in ("2001:db8::/95", "2001:db8::1/96", "192.0.2.0/24", "NAT64", ""):
        with pytest.raises(ValidationError, match="is no NAT64 prefix"):
            campaign(nat64_prefix=wrong)
