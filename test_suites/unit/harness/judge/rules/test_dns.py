"""Ways in which a resolver says no, and ways in which it only seems to."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.filter_fingerprints import FilterFingerprints, learn_fingerprints
from harness.judge.judge import judge_trial
from harness.model.facts import DnsRecord, ExtendedError
from harness.model.verdict import Mechanism, State
from test_suites.kit.campaigns.trials import OURS, THEIRS, dns, observation, trial, web


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "127.0.0.1", "127.0.0.53", "::1"])
def test_an_address_of_no_network_is_a_sinkhole(address: str) -> None:
    verdict = judge_trial(trial(dns(address), dns("192.0.2.7")))

    assert (verdict.state, verdict.mechanism) == (State.BLOCKED, Mechanism.DNS_SINKHOLE)


def test_an_address_of_no_network_beside_another_is_a_sinkhole_too() -> None:
    verdict = judge_trial(trial(dns("0.0.0.0", "198.51.100.1"), dns("192.0.2.7")))

    assert (verdict.rule, verdict.state) == ("dns-null-address", State.BLOCKED)


@pytest.mark.parametrize("address", ["198.51.100.1", "10.0.0.1", "127.0.0.9"])
def test_another_address_is_a_block_only_if_a_block_page_stands_there(address: str) -> None:
    def landed(**page: Any) -> State:
        service = dns(address, landing=web(**page) if page else None)
        return judge_trial(trial(service, dns("192.0.2.7"))).state

    notice = "Access to this website has been blocked by your school."
    assert landed(canary="seen", words=("tizametefabime",)) is State.ALLOWED
    assert landed(canary="absent", text=notice) is State.BLOCKED
    assert landed(canary="absent", title="Hello") is State.INSUFFICIENT
    if not address.startswith("127."):
        assert landed() is State.INSUFFICIENT


def test_a_learned_sinkhole_that_shows_the_origins_page_is_none() -> None:
    fingerprints = FilterFingerprints(sinkholes=frozenset({"198.51.100.1"}))
    service = dns("198.51.100.1", landing=web())

    assert judge_trial(trial(service, dns("192.0.2.7")), fingerprints).state is State.ALLOWED
    service = dns("198.51.100.1", landing=web(canary="absent", title="Hello"))
    assert judge_trial(trial(service, dns("192.0.2.7")), fingerprints).state is State.BLOCKED


def test_a_learned_sinkhole_that_shows_a_page_nobody_knows_is_no_block() -> None:
    facts: dict[str, Any] = {"title": "Le jardin", "text": "el nidraj " * 25, "sketch": (1, 2, 3)}
    shown = web(canary="absent", text_length=1200, **facts)
    service = dns("198.51.100.1", landing=shown)
    fingerprints = FilterFingerprints(sinkholes=frozenset({"198.51.100.1"}))

    verdict = judge_trial(trial(service, dns("192.0.2.7")), fingerprints)
    assert (verdict.rule, verdict.state) == ("dns-address-unknown", State.INSUFFICIENT)

    fingerprints = learn_fingerprints([observation(service)])
    assert (
        judge_trial(trial(service, dns("192.0.2.7")), fingerprints).rule == "dns-learned-sinkhole"
    )


def test_our_own_loopback_origin_is_the_truth() -> None:
    assert judge_trial(trial(dns("127.0.0.1"), dns("127.0.0.1"))).state is State.ALLOWED
    assert judge_trial(trial(dns("127.0.0.2"), dns("127.0.0.1"))).state is State.BLOCKED


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.1", "fd00::1", "100.64.0.1"])
def test_a_private_address_for_a_public_name_is_a_sinkhole(address: str) -> None:
    verdict = judge_trial(trial(dns(address), dns("93.184.216.34"), host=THEIRS))

    assert verdict.rule == "dns-inner-address"


def test_other_public_addresses_are_the_variety_of_large_sites() -> None:
    verdict = judge_trial(trial(dns("151.101.1.69"), dns("151.101.65.69"), host=THEIRS))

    assert verdict.state is State.ALLOWED


def test_a_name_with_private_addresses_on_both_sides_is_down() -> None:
    for address in ("10.1.2.3", "10.1.2.4"):
        verdict = judge_trial(trial(dns(address), dns("10.1.2.4"), host=THEIRS))

        assert verdict.state is State.DOWN


def test_extended_errors_are_told_to_people() -> None:
    said = dns(rcode="NXDOMAIN", extended_errors=(ExtendedError(code=17),))

    verdict = judge_trial(trial(said, dns("192.0.2.7")))

    assert any("17 (filtered)" in witness for witness in verdict.witnesses)


def test_the_aliases_by_which_an_address_was_found_are_told_to_people() -> None:
    alias = DnsRecord(name=OURS, type="CNAME", ttl=60, data="blocked.supplier.example.")
    verdict = judge_trial(trial(dns("198.51.100.1", records=(alias,)), dns("192.0.2.7")))

    assert any("by way of blocked.supplier.example;" in witness for witness in verdict.witnesses)


@pytest.mark.parametrize("rcode", ["SERVFAIL", "FORMERR", "NOTIMP"])
def test_a_resolver_that_fails_is_not_said_to_block(rcode: str) -> None:
    assert judge_trial(trial(dns(rcode=rcode), dns("192.0.2.7"))).state is State.INSUFFICIENT


def test_an_address_that_is_none_is_no_crash() -> None:
    state = judge_trial(trial(dns("not-an-address"), dns("192.0.2.7"))).state

    assert state is State.INSUFFICIENT


def test_a_private_address_beside_a_public_one_is_no_block() -> None:
    nobody = web(canary="absent", status=None)
    mixed = dns("10.1.1.1", "151.101.1.69", landing=nobody)

    assert judge_trial(trial(mixed, dns("192.0.2.7"))).state is State.INSUFFICIENT


def test_a_private_address_is_no_block_where_the_control_has_one_too() -> None:
    both = dns("10.9.9.9", "93.184.216.34")

    assert judge_trial(trial(dns("10.1.1.1"), both, host=THEIRS)).state is not State.BLOCKED
