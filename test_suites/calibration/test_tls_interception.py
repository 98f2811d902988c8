"""Interception of TLS: TLS-01 to TLS-08 met, broken, and without their preconditions."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.model.outcome import Conformity
from probes.range.testbed import RangeTestbed
from test_suites.calibration.gateway_campaigns import origin_file
from test_suites.intercepting_proxy import InterceptingProxy, Interception
from test_suites.rehearsal import Rehearsal, rehearse, write_campaign

SCHEME = """\
id: our-school
version: "1.0"
title: How TLS is handled
policy: uk-schools-2026
requirements: [{id: TLS-01}, {id: TLS-02}, {id: TLS-03}, {id: TLS-05}, {id: TLS-06}, {id: TLS-07}]
"""
LIMITS = {"timeout": 20, "confirmation_timeout": 40, "concurrency": 8}
CONFORMS, NOT, UNDECIDED = (
    Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT,
)  # fmt: skip
FAULTS = ("expired", "wrong-host", "self-signed", "untrusted", "incomplete", "superfish",
          "edellroot", "sha1")  # fmt: skip
WEAK = ("tls10", "tls11", "dh1024", "static-rsa", "null")
CASES = (*FAULTS, *WEAK, "good", "bank", "health", "websocket")
BLOCKED_HOST = "drug-001.canary.accredit.test"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A range, whose origin shows faults of TLS."""
    with RangeTestbed.running(tmp_path_factory.mktemp("world"), profiles=("pupils",)) as world:
        yield world


Try = Callable[..., Rehearsal]


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Try:
    """Measure and conclude a campaign over an intercepting proxy."""

    def run(how: Interception, *, cases: tuple[str, ...] = CASES, **declared: Any) -> Rehearsal:
        proxy = InterceptingProxy(world.origin.ports, world.origin.authority, how)
        with proxy.running():
            trusted = tmp_path / "trusted.pem"
            trusted.write_bytes(
                Path(world.origin.authority).read_bytes() + proxy.authority.pem
            )
            options = {"proxy": proxy.url, "authority": str(trusted)}
            (tmp_path / "scheme.yaml").write_text(SCHEME)
            usual: dict[str, Any] = {
                "lines": [{"name": "line", "type": "explicit_proxy", "options": options}],
                "corpora": [{"pack": "tls-checks", "items": items_of(cases)}],
                "probes": ["tls_checks"],
                "limits": LIMITS,
            }
            return rehearse(
                write_campaign(
                    tmp_path, origin=origin_file(world), scheme="scheme.yaml", **usual | declared
                )
            )

    return run


def items_of(cases: tuple[str, ...], number: int = 2) -> list[str]:
    """The ids of some items of each case."""
    return [f"TLS-{case}-{which:02}" for case in cases for which in range(1, number + 1)]


def found(run: Rehearsal, *rows: str) -> list[Conformity]:
    return [run.outcome(row, "line").conformity for row in rows]


def weak_client(context: ssl.SSLContext) -> None:
    context.set_ciphers("AES128-GCM-SHA256:@SECLEVEL=0")


def test_a_service_that_verifies_websites_conforms(tried: Try) -> None:
    run = tried(Interception())
    for row in ("TLS-01", "TLS-02", "TLS-03", "TLS-05", "TLS-06", "TLS-07"):
        one = run.outcome(row, "line")
        print(row, one.conformity, one.metric.value, one.metric.k, one.metric.n, one.metric.indeterminate, one.reasons)
        for each in one.metric.parts:
            print("    ", each.group, each.metric.k, each.metric.n, each.metric.indeterminate)
    assert 0
