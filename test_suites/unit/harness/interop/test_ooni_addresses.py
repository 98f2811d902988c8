"""Whose addresses they are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.interop.ooni import host_of_input, host_of_url, read_dns
from harness.interop.ooni_form import Measurement
from harness.model.facts import DnsFacts
from test_suites.kit.campaigns.ooni_cases import (
    ALSO_GOOD,
    GOOD,
    HOST,
    control,
    handshake,
    measure,
    query,
)


def _read(**keys: Any) -> tuple[DnsFacts, DnsFacts]:
    sides = read_dns(msgspec.convert(measure(**keys), type=Measurement))
    assert sides is not None
    service, other = (side.facts if side else None for side in sides)
    assert isinstance(service, DnsFacts)
    assert isinstance(other, DnsFacts)
    return service, other


def test_only_the_systems_resolver_speaks_for_the_line() -> None:
    service, _ = _read(queries=[query(GOOD), query("198.51.100.9", engine="doh")])

    assert service.addresses == (GOOD,)


def test_queries_for_other_hosts_are_other_questions() -> None:
    service, _ = _read(queries=[query(GOOD), {**query("198.51.100.9"), "hostname": "cdn.example"}])

    assert service.addresses == (GOOD,)


@pytest.mark.parametrize(
    "keys",
    [
        {"control": control(ip_info={GOOD: {"asn": 1, "flags": 2}, ALSO_GOOD: {"asn": 2, "flags": 9}})},
        {"control": control(ip_info={GOOD: {"asn": 1, "flags": 2}, ALSO_GOOD: {"asn": 1, "flags": 1}})},
        {"tls_handshakes": [handshake(ALSO_GOOD)]},
        {"control": control(ip_info=None, tls_handshake={f"{ALSO_GOOD}:443": {"status": True}})},
        {"control": control(ip_info=None), "dns_consistency": "consistent"},
    ],
)  # fmt: skip
def test_an_address_may_be_vouched_for(keys: dict[str, Any]) -> None:
    _, other = _read(queries=[query(ALSO_GOOD)], **keys)

    assert ALSO_GOOD in other.addresses


@pytest.mark.parametrize(
    "keys",
    [
        {"control": control(ip_info={GOOD: {"asn": 1, "flags": 2}, ALSO_GOOD: {"asn": 0, "flags": 1}})},
        {"tls_handshakes": [handshake(ALSO_GOOD, "ssl_invalid_hostname")],
         "control": control(ip_info=None)},
        {"control": control(ip_info=None), "dns_consistency": "inconsistent"},
    ],
)  # fmt: skip
def test_an_address_that_nobody_knows_is_not_the_sites(keys: dict[str, Any]) -> None:
    _, other = _read(queries=[query(ALSO_GOOD)], **keys)

    assert ALSO_GOOD not in other.addresses


def test_a_private_address_is_not_vouched_for_by_agreement() -> None:
    _, other = _read(queries=[query("10.1.1.1")], dns_consistency="consistent",
                     control=control(ip_info=None))  # fmt: skip

    assert "10.1.1.1" not in other.addresses


def test_a_helper_that_asked_no_resolver_is_no_control() -> None:
    sides = read_dns(msgspec.convert(measure(control={}), type=Measurement))

    assert sides is not None
    assert sides[1] is None


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (f"https://{HOST.upper()}:8443/a", HOST),
        (HOST, HOST),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("http://[bad", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_input(text: str, host: str) -> None:
    assert host == host_of_input(Measurement(input=text)) == host_of_url(text)
