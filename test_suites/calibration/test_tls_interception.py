"""Interception of TLS: TLS-01 to TLS-08 met, broken, and without their preconditions."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.estimate.tls_metrics import NOT_DECLARED
from harness.model.outcome import Conformity
from harness.model.tls_check import cases_of
from harness.model.verdict import State
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import origin_file, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign
from test_suites.kit.networks.intercepting_proxy import SENTINEL, InterceptingProxy, Interception

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
TOKEN = re.compile(rb"\b[0-9a-f]{32}\b")
WEAK = ("tls10", "tls11", "dh1024", "static-rsa", "null")
CASES = (*FAULTS, *WEAK, "good", "bank", "health", "websocket")


world = world_of(policy=None)
"""A range, whose origin shows faults of TLS."""


Try = Callable[..., Rehearsal]


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Try:
    """Measure and conclude a campaign over an intercepting proxy."""

    def run(
        how: Interception,
        *,
        cases: tuple[str, ...] = CASES,
        items: list[str] | None = None,
        scheme: str = SCHEME,
        **declared: Any,
    ) -> Rehearsal:
        proxy = InterceptingProxy(world.origin.ports, world.origin.authority, how)
        with proxy.running():
            trusted = tmp_path / "trusted.pem"
            trusted.write_bytes(Path(world.origin.authority).read_bytes() + proxy.authority.pem)
            options = {"proxy": proxy.url, "authority": str(trusted)}
            (tmp_path / "scheme.yaml").write_text(scheme)
            usual: dict[str, Any] = {
                "lines": [{"name": "line", "type": "explicit_proxy", "options": options}],
                "corpora": [{"pack": "tls-checks", "items": items or items_of(cases)}],
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


def part(run: Rehearsal, row: str, words: str) -> tuple[int, int]:
    parts = run.outcome(row, "line").metric.parts
    metric = next(one.metric for one in parts if words in one.group)
    return metric.k, metric.n


def against(run: Rehearsal, row: str) -> set[str]:
    """The cases of the trials against the service."""
    witnesses = run.outcome(row, "line").witnesses
    return {one.item.removeprefix("TLS-").rsplit("-", 1)[0] for one in witnesses}


BOTH = ("h2", "http/1.1")
NOTHING = ("TLS-01", "TLS-02", "TLS-03", "TLS-05", "TLS-06")
LISTED = ["bank-1.tls.accredit.test", "health-1.tls.accredit.test"]
DECLARED = {
    "service": {
        "name": "an intercepting proxy",
        "no_decrypt": {"hosts": LISTED, "without_decryption": "domain names"},
    }
}


def test_a_service_that_verifies_websites_and_tells_of_faults_conforms(tried: Try) -> None:
    run = tried(Interception(alpn=BOTH, opens=lambda host: host not in LISTED), **DECLARED)

    assert found(run, *NOTHING, "TLS-07") == [CONFORMS] * 6
    assert run.outcome("TLS-03", "line").metric.value == 1
    assert part(run, "TLS-01", "expired") == (0, 2)
    assert part(run, "TLS-05", "SHA-1") == (2, 2)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (Interception(alpn=BOTH), "3 of 3 let through"),
        (Interception(alpn=BOTH, checks_revocation=True), "0 of 3 let through"),
        (Interception(opens=lambda _: False), "passed on as they are"),
    ],
    ids=["does not look", "looks", "does not open"],
)
def test_revoked_certificates_are_reported_and_not_counted(
    tried: Try, how: Interception, told: str
) -> None:
    items = [*items_of(("good",)), *items_of(tuple(cases_of("certificate"))), *REVOKED]
    run = tried(how, items=items)

    found = run.outcome("TLS-01", "line")
    assert found.conformity is CONFORMS
    assert found.metric.method.endswith(f"which are not counted: {told}")


REVOKED = items_of(("revoked",), number=3)


def test_a_service_that_opens_no_connection_conforms_though_its_hosts_are_faulty(
    tried: Try,
) -> None:
    """The client sees the faults itself; they never make a trial *down*."""
    run = tried(Interception(opens=lambda _: False), **DECLARED)

    assert found(run, *NOTHING, "TLS-07") == [CONFORMS] * 6
    faulty = [one for one in run.verdicts if one.item.stratum == "CTRL/tls:expired"]
    assert {one.state for one in faulty} == {State.BLOCKED}
    assert run.outcome("TLS-03", "line").metric.value == 1


HIDING: dict[str, Interception] = {
    "expired": Interception(ignores=frozenset({10})),
    "wrong-host": Interception(checks_host=False),
    "self-signed": Interception(ignores=frozenset({18})),
    "untrusted": Interception(ignores=frozenset({19})),
    "incomplete": Interception(ignores=frozenset({20})),
    "sha1": Interception(ciphers="ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=0"),
}
"""Services that hide one fault alone; Superfish and eDellRoot are unknown authorities as well."""


@pytest.mark.parametrize("case", HIDING)
def test_a_service_that_hides_one_fault_alone_does_not_conform(tried: Try, case: str) -> None:
    run = tried(HIDING[case], cases=(*FAULTS, "good"))

    hidden = {case, "superfish", "edellroot"} if case == "untrusted" else {case}
    outcome = run.outcome("TLS-01", "line")
    assert (outcome.conformity, outcome.metric.k) == (NOT, len(hidden))
    assert against(run, "TLS-01") == hidden
    assert found(run, "TLS-05") == [NOT]


def test_a_service_that_verifies_nothing_does_not_conform(tried: Try) -> None:
    run = tried(Interception(verifies=False))

    assert found(run, "TLS-01", "TLS-03", "TLS-05") == [NOT] * 3
    assert against(run, "TLS-01") == set(FAULTS)
    assert run.outcome("TLS-03", "line").metric.value == 6


def test_a_service_that_takes_the_token_out_of_pages_is_found(tried: Try) -> None:
    taken: list[bytes] = []

    def without_token(answer: bytes) -> bytes:
        taken.extend(re.findall(TOKEN, answer))
        return re.sub(TOKEN, b"0" * 32, answer)

    run = tried(Interception(verifies=False, changes=without_token), cases=(*FAULTS, "good"))

    assert len(taken) >= 2 * len(FAULTS)
    assert found(run, "TLS-01", "TLS-05") == [NOT] * 2
    assert against(run, "TLS-01") == set(FAULTS)


def test_without_a_good_host_that_comes_through_nothing_counts_for_a_service(tried: Try) -> None:
    run = tried(Interception(), cases=(*FAULTS, *WEAK))

    assert found(run, *NOTHING) == [UNDECIDED] * 5


def test_a_service_that_hides_faults_is_found_without_a_good_host(tried: Try) -> None:
    run = tried(Interception(verifies=False), cases=("expired",))

    assert found(run, "TLS-01") == [NOT]


def test_a_service_that_blocks_the_hosts_shows_nothing(tried: Try) -> None:
    run = tried(Interception(blocks=lambda host: ".tls." in host or host == SENTINEL))

    assert found(run, *NOTHING) == [UNDECIDED] * 5


def test_a_service_that_blocks_faulty_hosts_as_sites_shows_nothing_of_certificates(
    tried: Try,
) -> None:
    how = Interception(blocks=lambda host: host.startswith("expired") or host == SENTINEL)
    run = tried(how, cases=(*FAULTS, "good"))

    assert found(run, "TLS-01", "TLS-05") == [UNDECIDED] * 2


@pytest.mark.parametrize("on_fault", ["alert", "certificate", "wrong host", "page"])
def test_users_may_be_told_in_several_ways(tried: Try, on_fault: str) -> None:
    run = tried(Interception(on_fault=on_fault), cases=(*FAULTS, "good"))

    assert found(run, "TLS-01", "TLS-05") == [CONFORMS] * 2


UNTOLD = {
    "a page that tells of no error": Interception(status=200, words="Welcome to our network."),
    "a connection that is cut": Interception(on_fault="cut"),
}


@pytest.mark.parametrize("how", UNTOLD.values(), ids=UNTOLD.keys())
def test_a_service_that_does_not_tell_of_faults_does_not_conform(
    tried: Try, how: Interception
) -> None:
    run = tried(how, cases=(*FAULTS, "good"))

    assert found(run, "TLS-01", "TLS-05") == [CONFORMS, NOT]


def test_a_service_that_accepts_weak_encryption_does_not_conform(tried: Try) -> None:
    weak = Interception(ciphers="ALL:@SECLEVEL=0", lowest=ssl.TLSVersion.TLSv1)
    run = tried(weak)

    assert found(run, "TLS-02", "TLS-03") == [NOT] * 2
    assert against(run, "TLS-02") == {"tls10", "tls11", "dh1024", "static-rsa"}


def older(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


WEAKER = {
    "TLS 1.3": Interception(toward=older, alpn=BOTH),
    "HTTP/2": Interception(alpn=("http/1.1",)),
}


@pytest.mark.parametrize("words", WEAKER)
def test_a_service_that_weakens_the_connection_to_the_client_does_not_conform(
    tried: Try, words: str
) -> None:
    run = tried(WEAKER[words], cases=("good", "websocket"))

    outcome = run.outcome("TLS-06", "line")
    assert (outcome.conformity, outcome.metric.k) == (NOT, 1)
    assert part(run, "TLS-06", words) == (2, 2)


def test_a_service_that_opens_listed_sites_does_not_conform(tried: Try) -> None:
    run = tried(Interception(), cases=("good", "bank", "health"), **DECLARED)

    outcome = run.outcome("TLS-07", "line")
    assert (outcome.conformity, outcome.metric.k, outcome.metric.n) == (NOT, 0, 2)


def test_without_a_declared_list_nothing_is_known_of_sites_that_are_not_decrypted(
    tried: Try,
) -> None:
    run = tried(Interception(), cases=("good", "bank", "health"))

    assert found(run, "TLS-07") == [UNDECIDED]
    assert NOT_DECLARED in run.outcome("TLS-07", "line").reasons


SERVICES = tuple(cases_of("service"))
EIGHT = SCHEME.split("requirements", maxsplit=1)[0] + "requirements: [{id: TLS-08}]\n"


def test_a_service_that_opens_nothing_breaks_no_allowed_service(tried: Try) -> None:
    items = items_of(SERVICES, 43) + items_of(("good",))
    run = tried(Interception(opens=lambda _: False), items=items, scheme=EIGHT)

    outcome = run.outcome("TLS-08", "line")
    assert (outcome.conformity, outcome.metric.k, outcome.metric.n) == (CONFORMS, 0, 301)


def test_an_interception_that_breaks_allowed_services_does_not_conform(tried: Try) -> None:
    """It opens connections that need a client's certificate, a pinned authority, or HTTP/2."""
    items = items_of((*SERVICES, "good"), 3)
    run = tried(Interception(alpn=("http/1.1",)), items=items, scheme=EIGHT)

    assert found(run, "TLS-08") == [NOT]
    assert against(run, "TLS-08") == {"client-certificate", "pinned", "h2-only"}


def test_a_few_allowed_services_decide_nothing(tried: Try) -> None:
    items = items_of((*SERVICES, "good"), 3)
    run = tried(Interception(opens=lambda _: False), items=items, scheme=EIGHT)

    assert found(run, "TLS-08") == [UNDECIDED]
