"""Signals recorded from real filtering products get their known verdicts.

``product_signals.json`` holds what clients saw through Squid, e2guardian, haproxy, Unbound,
BIND and an nftables gateway in a laboratory where the origin knew the truth. The control is
made up here: a healthy origin whose page has the token, and whose address is the true one.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.filter_fingerprints import NO_FINGERPRINTS, FilterFingerprints
from harness.judge.judge import judge_trial
from harness.model.facts import Certificate, ExtendedError, Hop, WebFacts
from harness.model.observation import Failure
from harness.model.verdict import Mechanism, State, Trial
from test_suites.calibration.recorded_signals import judged
from test_suites.kit.campaigns.trials import dns, failed, trial, web

SIGNALS = judged()
TRUE_ADDRESS = "198.51.100.200"
ROOT = "CN=Lab Public Root,O=Lab Internet"
ORIGIN = Certificate(chain=("origin", ROOT), issuer=ROOT)

LOOKS_LIKE_TROUBLE = {
    "connect-503": FilterFingerprints(tunnel_statuses=frozenset({503})),
    "http-500": FilterFingerprints(statuses=frozenset({500})),
}
"""Blocks that nobody can tell from trouble before the must-block sentinels have met them."""

NO_BLOCK_AT_ALL = {
    "E2Guardian - Unable to load": "e2guardian's page for a site that it cannot reach",
    "http-503[ERROR: The requested URL cou]": "Squid's page for a server whose TLS it cannot verify",
    "dns-econnrefused": "a resolver for DNS over TLS that was not reached says nothing of a name",
}
"""Signals that the recording counted as blocks, and why they are none."""

NO_SUCH_NAME = "nonexistent"
"""The case of a name that does not exist, for the control either."""

MECHANISMS = (
    ("dns-nxdomain", Mechanism.DNS_NXDOMAIN),
    ("dns-nodata", Mechanism.DNS_NODATA),
    ("dns-answer+ede15", Mechanism.DNS_NODATA),
    ("dns-refused", Mechanism.DNS_REFUSED),
    ("dns-sinkhole", Mechanism.DNS_SINKHOLE),
    ("dns-timeout", Mechanism.DNS_SILENT),
    ("http-302", Mechanism.REDIRECT),
    ("http-307", Mechanism.REDIRECT),
    ("http-451", Mechanism.HTTP_451),
    ("http-econnreset", Mechanism.TCP_RESET),
    ("connect-econnreset", Mechanism.TCP_RESET),
    ("http-eof", Mechanism.TCP_EOF),
    ("tls-eof", Mechanism.TCP_EOF),
    ("tcp-econnrefused", Mechanism.TCP_REFUSED),
    ("tcp-timeout", Mechanism.SILENT_DROP),
    ("tls-timeout", Mechanism.SILENT_DROP),
    ("http-timeout", Mechanism.SILENT_DROP),
    ("tcp-e", Mechanism.ICMP_UNREACHABLE),
    ("tls-nontls-reply", Mechanism.BLOCK_PAGE),
    ("connect-", Mechanism.PROXY_REFUSAL),
    ("http-", Mechanism.BLOCK_PAGE),
)


def _failure(signal: dict[str, Any]) -> Failure | None:
    if "failure" not in signal:
        return None
    name, stage, detail = signal["failure"]
    return failed(name, stage, detail)


def _dns_trial(signal: dict[str, Any]) -> Trial:
    asked = signal["dns"]
    service = dns(
        *asked["addresses"],
        name=asked["name"],
        rcode=asked["rcode"],
        extended_errors=tuple(ExtendedError(code=code) for code in asked["errors"]),
        landing=_landing(asked["name"]) if "blockpage" in signal["saw"] else None,
    )
    true = asked["addresses"] if signal["arrived"] else [TRUE_ADDRESS]
    control = dns(rcode="NXDOMAIN") if signal["case"] == NO_SUCH_NAME else dns(*true)
    return trial(service, control, failure=_failure(signal), host=asked["name"])


def _landing(name: str) -> WebFacts:
    """The page at a sinkhole's address, as the signal of the web on the same name recorded it."""
    page = next(one["web"] for one in SIGNALS if one["case"] == f"e2e:{name}:http")
    return web(page["url"], title=page["title"], body_length=page["length"], canary="absent")


def _web_trial(signal: dict[str, Any]) -> Trial:
    saw, arrived = signal["web"], signal["arrived"]
    url, title, length = saw["url"], saw.get("title", ""), saw.get("length", 0)
    issuer, location = saw.get("issuer"), saw.get("location", "")
    service = web(
        url,
        status=saw.get("status"),
        tunnel_status=saw.get("tunnel"),
        title=title,
        body_length=length,
        hops=(Hop(url=url, status=saw["status"], location=location),) if location else (),
        headers=tuple(saw.get("headers", {}).items()),
        certificate=Certificate(chain=(saw["leaf"], issuer), issuer=issuer) if issuer else None,
        canary="seen" if arrived else "absent",
    )
    control = web(
        url,
        title=title if arrived else "the origin",
        body_length=length if arrived else 200,
        certificate=ORIGIN if issuer else None,
    )
    return trial(service, control, failure=_failure(signal), host=url.split("/")[2])


def _mechanism(saw: str, trial_made: Trial) -> Mechanism:
    if _is_intercepted(trial_made) and saw.startswith("http-2"):
        return Mechanism.TLS_INTERCEPT_PAGE
    return next(mechanism for start, mechanism in MECHANISMS if saw.startswith(start))


def _is_intercepted(made: Trial) -> bool:
    return judge_trial(made).intercepted


@pytest.mark.parametrize(
    "signal", SIGNALS, ids=lambda signal: f"{signal['supplier']} {signal['case']}"
)
def test_a_recorded_signal_gets_its_known_verdict(signal: dict[str, Any]) -> None:
    made = _dns_trial(signal) if "dns" in signal else _web_trial(signal)
    fingerprints = LOOKS_LIKE_TROUBLE.get(signal["saw"].partition("[")[0], NO_FINGERPRINTS)

    verdict = judge_trial(made, fingerprints)

    if signal["arrived"]:
        assert verdict.state is State.ALLOWED
    elif signal["case"] == NO_SUCH_NAME:
        assert verdict.state is State.DOWN
    elif any(title in signal["saw"] for title in NO_BLOCK_AT_ALL):
        assert verdict.state is State.INSUFFICIENT
    else:
        assert verdict.state is State.BLOCKED
        assert _mechanism(signal["saw"], made) == verdict.mechanism


@pytest.mark.parametrize("saw", LOOKS_LIKE_TROUBLE)
def test_signals_like_technical_faults_are_insufficient_without_fingerprints(saw: str) -> None:
    signal = next(one for one in SIGNALS if one["saw"] == saw)

    assert judge_trial(_web_trial(signal)).state is State.INSUFFICIENT


def test_interception_is_recorded_for_the_suppliers_that_intercept(
    subtests: pytest.Subtests,
) -> None:
    for signal in SIGNALS:
        if "web" in signal and signal["web"].get("issuer"):
            theirs = "Supplier" in signal["web"]["issuer"]
            with subtests.test(signal["case"], supplier=signal["supplier"]):
                assert theirs == judge_trial(_web_trial(signal)).intercepted
