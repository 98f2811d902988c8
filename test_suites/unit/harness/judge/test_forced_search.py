"""Judging whether safe search is forced, by a name or by a parameter of the address."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.judge.without_control import judge_alone
from harness.model.facts import DnsFacts, DnsRecord, Hop
from harness.model.observation import Failure
from harness.model.school_check import CheckFacts, CheckResult, Result
from test_suites.unit.harness.judge.single_attempts import URL, fails, judged, page, target


def asked(name: str, *addresses: str, alias: str = "", kind: str = "A") -> DnsFacts:
    records = (DnsRecord(name=name, type="CNAME", ttl=60, data=alias),) if alias else ()
    return DnsFacts(
        name=name, type=kind, server="s", rcode="NOERROR", records=records, addresses=addresses
    )


def engine(*dns: DnsFacts, forced: tuple[DnsFacts, ...] = (), **changes: Any) -> CheckResult:
    tried = CheckFacts(dns=dns, forced=forced, **changes)
    return judge_alone(
        target(method="forced_name", part="search", address="www.e.example", mark="safe.e.example"),
        tried,
    )


STRICT = (asked("safe.e.example", "198.51.100.9"),)


@pytest.mark.parametrize(
    ("dns", "forced", "result"),
    [
        ([asked("www.e.example", "198.51.100.9")], STRICT, Result.FORCED),
        ([asked("www.e.example", "203.0.113.1", alias="Safe.e.example.")], (), Result.FORCED),
        ([asked("www.e.example", "203.0.113.1")], STRICT, Result.NOT_FORCED),
        ([asked("www.e.example", "198.51.100.9", "203.0.113.1")], STRICT, Result.NOT_FORCED),
        ([asked("www.e.example", "203.0.113.1")], (), Result.NOT_TOLD),
        ([asked("www.e.example")], STRICT, Result.NOT_TOLD),
        ([asked("www.e.example", "10.0.0.1")], STRICT, Result.NOT_TOLD),
        ([asked("www.e.example", "10.0.0.1", "127.0.0.1")], STRICT, Result.NOT_TOLD),
        ([asked("www.e.example", "0.0.0.0")], STRICT, Result.BLOCKED),
        (
            [asked("www.e.example", "198.51.100.9"), asked("www.e.example", "2a00:1450::1", kind="AAAA")],
            STRICT,
            Result.NOT_FORCED,
        ),
    ],
)  # fmt: skip
def test_safe_search_by_names(
    dns: list[DnsFacts], forced: tuple[DnsFacts, ...], result: Result
) -> None:
    assert engine(*dns, forced=forced).result is result


@pytest.mark.parametrize(
    ("four", "six", "result"),
    [
        ("203.0.113.1", "::", Result.NOT_FORCED),
        ("198.51.100.9", "::", Result.FORCED),
        ("0.0.0.0", "2a00:1450::1", Result.NOT_FORCED),
        ("203.0.113.1", "fd00::1", Result.NOT_TOLD),
        ("0.0.0.0", "fd00::1", Result.NOT_TOLD),
        ("0.0.0.0", "::", Result.BLOCKED),
    ],
)
def test_an_address_that_leads_nowhere_blocks_only_if_all_do(
    four: str, six: str, result: Result
) -> None:
    own = asked("www.e.example", four), asked("www.e.example", six, kind="AAAA")

    assert engine(*own, forced=STRICT).result is result


@pytest.mark.parametrize(
    "failure",
    [
        fails("generic_timeout_error", "resolve"),
        fails("dns_servfail_error", "resolve"),
        fails("dns_refused_error", "resolve", extended_errors=(17,)),
    ],
)
@pytest.mark.parametrize("address", ["198.51.100.9", "203.0.113.1"])
def test_a_family_that_failed_leaves_an_engine_untold(failure: Failure, address: str) -> None:
    seen = engine(asked("www.e.example", address), forced=STRICT, failure=failure)

    assert seen.result is Result.NOT_TOLD


@pytest.mark.parametrize("rcode", ["", "SERVFAIL", "REFUSED"])
def test_a_forced_name_that_could_not_be_looked_up_leaves_an_engine_untold(rcode: str) -> None:
    failed = msgspec.structs.replace(asked("safe.e.example", kind="AAAA"), rcode=rcode)
    seen = engine(asked("www.e.example", "203.0.113.1"), forced=(*STRICT, failed))

    assert seen.result is Result.NOT_TOLD
    assert engine(asked("www.e.example", "198.51.100.9"), forced=(*STRICT, failed)).result is (
        Result.FORCED
    )


def test_an_address_that_leads_nowhere_beside_a_public_one_is_not_compared() -> None:
    both = asked("www.e.example", "198.51.100.9", "0.0.0.0")

    assert engine(both, forced=STRICT).result is Result.FORCED


def test_addresses_over_ipv6_that_are_not_forced_are_named() -> None:
    seen = engine(
        asked("www.e.example", "198.51.100.9"),
        asked("www.e.example", "2a00:1450::1", kind="AAAA"),
        forced=STRICT,
    )

    assert "ordinary addresses for IPv6" in seen.reason


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("https://e.example/search?q=x&safe=active", Result.FORCED),
        ("https://e.example/search?safe=active#top", Result.FORCED),
        ("https://e.example/search?q=safe=activee", Result.NOT_TOLD),
        ("https://e.example/search?unsafe=active", Result.NOT_TOLD),
        ("https://e.example/consent", Result.NOT_TOLD),
    ],
)
def test_safe_search_by_a_parameter(location: str, result: Result) -> None:
    web = page(url=location, hops=(Hop(url=URL, status=302, location=location),))

    assert judged(CheckFacts(web=web), method="forced_page", mark="safe=active") is result
