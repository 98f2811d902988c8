"""HTTPS records: what is held back is noted, and a name is only denied as a whole."""

from __future__ import annotations

import pytest

from harness.judge.judge import judge_trial
from harness.judge.rules.dns import HTTPS_RULES, asks_https
from harness.model.facts import DnsFacts, DnsRecord
from harness.model.verdict import State
from test_suites.kit.campaigns.trials import OURS, dns, failed, trial

RECORD = "1 . alpn=h3 ech=AEX+"


def https(*records: str, rcode: str = "NOERROR") -> DnsFacts:
    told = (DnsRecord(name=OURS, type="HTTPS", ttl=60, data=record) for record in records)
    return dns(rcode=rcode, type="HTTPS", records=tuple(told))


def test_no_rule_of_a_held_back_record_says_blocked() -> None:
    assert State.BLOCKED not in {rule.state for rule in HTTPS_RULES}


@pytest.mark.parametrize("control", [https(RECORD), https()])
def test_a_name_that_is_denied_is_blocked_whatever_the_type(control: DnsFacts) -> None:
    verdict = judge_trial(trial(https(rcode="NXDOMAIN"), control))

    assert (verdict.rule, verdict.state) == ("dns-nxdomain", State.BLOCKED)


def test_a_name_that_does_not_exist_at_all_is_down() -> None:
    assert judge_trial(trial(https(), https(rcode="NXDOMAIN"))).state is State.DOWN


@pytest.mark.parametrize("rcode", ["NOERROR", "REFUSED", "NOTIMP", "SERVFAIL"])
def test_without_a_record_on_the_control_there_is_nothing_to_compare(rcode: str) -> None:
    verdict = judge_trial(trial(https(rcode=rcode), https()))

    assert (verdict.rule, verdict.state) == ("https-none", State.INSUFFICIENT)


@pytest.mark.parametrize("rcode", ["REFUSED", "NOTIMP"])
def test_a_resolver_that_does_not_answer_for_the_type_holds_a_record_back(rcode: str) -> None:
    verdict = judge_trial(trial(https(rcode=rcode), https(RECORD)))

    assert (verdict.rule, verdict.state) == ("https-refused", State.ALTERED)


def test_a_failing_resolver_is_no_holding_back() -> None:
    assert judge_trial(trial(https(rcode="SERVFAIL"), https(RECORD))).rule == "dns-servfail"


def test_a_resolver_out_of_reach_is_no_silence() -> None:
    verdict = judge_trial(trial(failed("connection_refused", "resolve"), https(RECORD)))

    assert verdict.state is State.INSUFFICIENT


def test_both_records_are_told_to_people() -> None:
    verdict = judge_trial(trial(https("1 . alpn=h2"), https(RECORD)))

    assert "service: 1 . alpn=h2; control: 1 . alpn=h3 ech=AEX+" in verdict.witnesses


def test_questions_for_addresses_are_left_alone() -> None:
    assert not asks_https(dns("192.0.2.7"))
    assert not asks_https(None)
    assert judge_trial(trial(dns(), dns("192.0.2.7"))).rule == "dns-nodata"
    assert judge_trial(trial(dns(), dns())).rule == "control-no-address"
