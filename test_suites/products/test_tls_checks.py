"""Squid intercepting TLS: what it does with faults of websites, as it comes and badly set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.model.outcome import Conformity
from harness.model.tls_check import CASES as CASE_WORDS
from harness.model.tls_check import cases_of
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import origin_file
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign
from test_suites.products.blocklist import BlockList
from test_suites.products.measured import SENTINEL
from test_suites.products.squid import CERTGEN, Reply, Squid

SCHEME = """\
id: our-school
version: "1.0"
title: How TLS is handled
policy: uk-schools-2026
requirements:
  [{id: TLS-01}, {id: TLS-02}, {id: TLS-03}, {id: TLS-05}, {id: TLS-06}, {id: TLS-07}, {id: TLS-08}]
"""
LIMITS = {"timeout": 3, "confirmation_timeout": 4, "silence_timeout": 4, "concurrency": 8}
CONFORMS, NOT = Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM
FAULTS, WEAK = tuple(cases_of("certificate")), tuple(cases_of("parameters"))
CASES = tuple(CASE_WORDS)
UNOPENED = [
    f"{name}-{number}.tls.accredit.test" for name in ("bank", "health") for number in (1, 2)
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RangeTestbed]:
    """A range, whose origin shows faults of TLS."""
    with RangeTestbed.running(tmp_path / "world") as world:
        yield world


def measured(
    world: RangeTestbed, folder: Path, cases: tuple[str, ...] = CASES, **options: Any
) -> Rehearsal:
    """Measure and conclude a campaign over Squid."""
    lists = (BlockList(name="drug", hosts=(SENTINEL,), reply=Reply.PAGE),)
    with Squid(world.origin, lists, {"ks2": ["drug"]}, intercepts=True, **options) as squid:
        assert squid.authority is not None
        trusted = {"authority": str(squid.authority.certificate)}
        line = {"proxy": squid.proxy("ks2"), **trusted}
        (folder / "scheme.yaml").write_text(SCHEME)
        items = [f"TLS-{case}-{which:02}" for case in cases for which in (1, 2)]
        return rehearse(
            write_campaign(
                folder,
                origin=origin_file(world),
                service={
                    "name": "Squid",
                    "no_decrypt": {"hosts": UNOPENED, "without_decryption": "domain names"},
                },
                lines=[{"name": "line", "type": "explicit_proxy", "options": line}],
                corpora=[{"pack": "tls-checks", "items": items}],
                probes=["tls_checks"],
                profiles={"ks2": {"phase": "ks2"}},
                scheme="scheme.yaml",
                limits=LIMITS,
            )
        )


def against(run: Rehearsal, row: str) -> set[str]:
    witnesses = run.outcome(row, "line").witnesses
    return {one.item.removeprefix("TLS-").rsplit("-", 1)[0] for one in witnesses}


def requested_by_service(world: RangeTestbed) -> set[str]:
    """The cases whose pages were requested by another client than ours, as the origin logged it.

    Our clients always offer a protocol by ALPN; Squid offers none.
    """
    return {
        one.host.partition(".")[0].rsplit("-", 1)[0]
        for one in world.log.arrivals()
        if one.offer is not None and not one.offer.alpn
    }


@pytest.mark.product("squid", CERTGEN)
def test_squid_as_it_comes_hides_no_fault_and_takes_static_rsa(
    world: RangeTestbed, tmp_path: Path
) -> None:
    run = measured(world, tmp_path, unopened=UNOPENED)

    assert [run.outcome(row, "line").conformity for row in ("TLS-01", "TLS-05", "TLS-07")] == [
        CONFORMS
    ] * 3
    assert against(run, "TLS-02") == {"static-rsa"}
    assert run.outcome("TLS-03", "line").metric.value == 2
    assert against(run, "TLS-06") == {"good", "websocket"}  # it speaks HTTP/1.1 alone
    broken = {"client-certificate", "pinned", "h2-only", "websocket"}
    assert against(run, "TLS-08") == broken
    assert requested_by_service(world) & {*FAULTS, *WEAK} == {"static-rsa"}


SAFE = "options=NO_TLSv1,NO_TLSv1_1 cipher=ECDHE+AESGCM:ECDHE+CHACHA20"
WEAK_OPTIONS = "min-version=1.0 cipher=ALL:@SECLEVEL=0"


ALLOW = ("sslproxy_cert_error allow all",)
TRUSTED = (
    *ALLOW,
    "sslproxy_cert_sign signTrusted all",
    "sslproxy_cert_adapt setValidAfter all",
    "sslproxy_cert_adapt setValidBefore all",
    "sslproxy_cert_adapt setCommonName ssl::certDomainMismatch",
)
"""Squid shows certificates with the faults of those that it was shown, unless told otherwise."""


@pytest.mark.product("squid", CERTGEN)
def test_squid_that_allows_every_certificate_repeats_faults_to_the_client(
    world: RangeTestbed, tmp_path: Path
) -> None:
    """But for that of SHA-1, which it cannot repeat."""
    run = measured(world, tmp_path, cases=(*FAULTS, "good"), further=ALLOW)

    assert against(run, "TLS-01") == against(run, "TLS-05") == {"sha1"}


@pytest.mark.product("squid", CERTGEN)
def test_squid_that_signs_every_certificate_as_trusted_hides_faults(
    world: RangeTestbed, tmp_path: Path
) -> None:
    run = measured(world, tmp_path, cases=(*FAULTS, *WEAK, "good"), further=TRUSTED)

    assert [run.outcome(row, "line").conformity for row in ("TLS-01", "TLS-05")] == [NOT, NOT]
    assert against(run, "TLS-01") == {*FAULTS}
    assert run.outcome("TLS-03", "line").metric.value == 6
    assert requested_by_service(world) >= {*FAULTS}


@pytest.mark.product("squid", CERTGEN)
def test_squid_with_weak_options_takes_weak_encryption(world: RangeTestbed, tmp_path: Path) -> None:
    run = measured(world, tmp_path, cases=(*WEAK, "good"), outgoing=WEAK_OPTIONS)

    assert against(run, "TLS-02") == {"tls10", "tls11", "dh1024", "static-rsa"}


@pytest.mark.product("squid", CERTGEN)
def test_squid_with_safe_options_has_grade_a(world: RangeTestbed, tmp_path: Path) -> None:
    run = measured(world, tmp_path, cases=(*FAULTS, *WEAK, "good"), outgoing=SAFE)

    assert run.outcome("TLS-02", "line").conformity is CONFORMS
    assert (run.outcome("TLS-03", "line").metric.value) == 1
