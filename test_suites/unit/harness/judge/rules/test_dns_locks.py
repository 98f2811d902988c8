"""A name server locks a search engine by leading to the name or address that is agreed for it."""

from __future__ import annotations

import pytest

from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.trial_features import TrialFeatures
from harness.model.facts import DnsFacts, DnsRecord
from test_suites.kit.campaigns.trials import OURS, dns, trial

CONTROL = dns("192.0.2.7", target_addresses=("192.0.2.9",))
SHARED = dns("192.0.2.7", target_addresses=("192.0.2.7",))


def alias(target: str, address: str = "192.0.2.9") -> DnsFacts:
    record = DnsRecord(name=OURS, type="CNAME", ttl=9, data=f"{target}.")
    return dns(address, records=(record,))


def is_locked(
    service: DnsFacts, control: DnsFacts = CONTROL, case: str = "lock:dns:SV-018@safe.search.test"
) -> bool:
    made = trial(service, control, stratum=f"LOC.SRCH/{case}")
    return TrialFeatures(made, NO_FINGERPRINTS).is_locked_by(service)


@pytest.mark.parametrize(
    ("service", "locked"),
    [
        (alias("safe.search.test"), True),
        (alias("safe.search.test", "192.0.2.8"), True),
        (alias("safe.search.test", "192.0.2.7"), False),
        (alias("other.search.test", "192.0.2.8"), False),
        (dns("192.0.2.9"), True),
        (dns("192.0.2.9", "192.0.2.8"), False),
        (dns("192.0.2.7"), False),
        (dns(rcode="NXDOMAIN"), False),
    ],
)
def test_the_target_of_a_lock_by_name_or_address(service: DnsFacts, locked: bool) -> None:
    assert is_locked(service) is locked


def test_an_address_shows_no_lock_where_the_engine_has_it_without_the_filter() -> None:
    control = dns("192.0.2.9", target_addresses=("192.0.2.9",))

    assert not is_locked(dns("192.0.2.9"), control)
    assert not is_locked(dns("192.0.2.9"), dns("192.0.2.7"))


def test_a_target_may_stand_before_the_engine_and_others_have_none() -> None:
    assert is_locked(alias(f"safe.{OURS}", "192.0.2.7"), SHARED, case="lock:dns:SV-018@safe.")
    assert not is_locked(dns("192.0.2.7"), SHARED, case="lock:dns:SV-018@safe.")
    assert is_locked(alias(f"strict.{OURS}"), case="video:moderate:SV-011@strict.|moderate.")
    weaker = alias(f"moderate.{OURS}", "192.0.2.7")
    assert not is_locked(weaker, SHARED, case="video:strict:SV-010@strict.")
    assert not is_locked(alias(f"safe.{OURS}"), case="lock:parameter:SV-003")
