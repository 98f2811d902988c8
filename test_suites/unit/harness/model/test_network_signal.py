"""What a network's answers to the agreed names say to browsers and systems."""

from __future__ import annotations

import pytest

from harness.model.facts import DnsFacts
from harness.model.network_signal import SIGNALS, is_signalled, signal_name

MOZILLA, APPLE = "use-application-dns.net", "mask.icloud.com"


def facts(host: str, rcode: str, type_: str = "A", *addresses: str) -> DnsFacts:
    return DnsFacts(name=host, type=type_, server="", rcode=rcode, addresses=addresses)


def answered(host: str, rcode: str, *addresses: str) -> bool | None:
    """What both answers say: that to A has the addresses."""
    pair = facts(host, rcode, "A", *addresses), facts(host, rcode, "AAAA")
    return is_signalled(host, pair)


@pytest.mark.parametrize("host", SIGNALS)
def test_a_name_that_does_not_exist_or_has_no_address_is_the_signal(host: str) -> None:
    assert answered(host, "NXDOMAIN") is True
    assert answered(host, "NOERROR") is True
    assert answered(host, "NOERROR", "192.0.2.1") is False


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_an_error_is_a_signal_to_mozilla_alone(rcode: str) -> None:
    assert answered(MOZILLA, rcode) is True
    assert answered(APPLE, rcode) is False
    assert answered("mask-h2.icloud.com", rcode) is False


@pytest.mark.parametrize("host", [MOZILLA, APPLE])
def test_one_answer_without_an_address_does_not_suffice(host: str) -> None:
    assert is_signalled(host, [facts(host, "NOERROR")]) is None
    assert is_signalled(host, [facts(host, "NXDOMAIN")]) is True
    assert is_signalled(host, [facts(host, "NOERROR", "AAAA", "::1")]) is False
    assert is_signalled(host, []) is None


@pytest.mark.parametrize("host", [MOZILLA, APPLE])
def test_silence_decides_nothing_alone(host: str) -> None:
    pair = facts(host, ""), facts(host, "NOERROR", "AAAA")

    assert is_signalled(host, pair) is (None if host == MOZILLA else False)


def test_other_names_are_no_signals() -> None:
    assert signal_name("Mask.iCloud.com.") == "mask.icloud.com"
    assert signal_name("icloud.com") == ""
    assert is_signalled("icloud.com", [facts("icloud.com", "NXDOMAIN")]) is None
