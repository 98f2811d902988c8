"""Web trials: truth by the token, and each way of getting no answer told apart."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.verdict import Mechanism, State
from harness.stages.judge.judge import judge_trial
from harness.stages.judge.learning import NOTHING_LEARNED, Lore
from test_suites.calibration.trials import PROSE, certificate, failed, trial, web

NOTICE = "Access to this website has been blocked by your school. Category: Games."


@pytest.mark.parametrize(
    "changed",
    [{"status": 203}, {"title": "A page - free Wi-Fi by Cafe"}, {"body_length": 900}],
)
def test_the_token_in_another_page_is_altered(changed: dict[str, Any]) -> None:
    assert judge_trial(trial(web(**changed))).state is State.ALTERED


@pytest.mark.parametrize(
    "changed", [{"body_length": 430}, {"truncated": True, "body_length": 90}, {"body_length": None}]
)
def test_a_few_bytes_more_or_a_cut_page_is_still_the_page(changed: dict[str, Any]) -> None:
    assert judge_trial(trial(web(**changed))).state is State.ALLOWED


@pytest.mark.parametrize(
    ("length", "state"),
    [(104_000, State.ALLOWED), (96_000, State.ALLOWED), (88_000, State.ALTERED)],
)
def test_a_long_page_may_differ_by_more_bytes_than_a_short_one(length: int, state: State) -> None:
    verdict = judge_trial(trial(web(body_length=length), web(body_length=100_000)))

    assert verdict.state is state


@pytest.mark.parametrize("status", [302, 307, 400, 403, 404, 451])
def test_a_tunnel_refused_with_any_such_status_is_a_block(status: int) -> None:
    verdict = judge_trial(
        trial(
            web(canary="absent", status=None, tunnel_status=status),
            failure=failed("proxy_refused_tunnel", "tunnel"),
        )
    )

    assert (verdict.state, verdict.mechanism) == (State.BLOCKED, Mechanism.PROXY_REFUSAL)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_gateways_trouble_is_no_block(status: int) -> None:
    verdict = judge_trial(trial(web(canary="absent", status=None, tunnel_status=status)))

    assert verdict.state is State.INSUFFICIENT


def test_failures_are_never_folded_together() -> None:
    names = (
        "connection_reset",
        "connection_refused",
        "eof_error",
        "tls_alert",
        "host_unreachable",
        "generic_timeout_error",
        "ssl_unknown_authority",
        "ssl_failed_handshake",
        "dns_nxdomain_error",
        "dns_no_answer",
        "dns_refused_error",
        "dns_bogon_error",
    )

    mechanisms = [judge_trial(trial(failed(name))).mechanism for name in names]

    assert len(names) == len(set(mechanisms))


def test_an_expired_certificate_on_one_line_only_tells_nothing() -> None:
    verdict = judge_trial(trial(failed("ssl_invalid_certificate", "tls")))

    assert verdict.state is State.INSUFFICIENT


def test_a_circle_at_home_tells_nothing() -> None:
    verdict = judge_trial(
        trial(web(canary="absent", status=302), failure=failed("http_redirect_limit"))
    )

    assert verdict.state is State.INSUFFICIENT


@pytest.mark.parametrize("name", ["eof_error", "connection_reset", "generic_timeout_error"])
def test_what_ends_an_answer_after_its_token_blocks_nothing(name: str) -> None:
    verdict = judge_trial(trial(web(), failure=failed(name)))

    assert (verdict.rule, verdict.state) == ("token-in-broken-answer", State.ALTERED)


@pytest.mark.parametrize("name", ["eof_error", "connection_reset", "generic_timeout_error"])
@pytest.mark.parametrize(
    ("facts", "lore", "state"),
    [
        ({}, NOTHING_LEARNED, State.INSUFFICIENT),
        ({"status": None, "body_length": None}, NOTHING_LEARNED, State.BLOCKED),
        ({"body_length": 0}, NOTHING_LEARNED, State.BLOCKED),
        ({"status": 403}, NOTHING_LEARNED, State.BLOCKED),
        ({"title": "Access denied", "text": NOTICE}, NOTHING_LEARNED, State.BLOCKED),
        ({"title": "Stop"}, Lore(titles=frozenset({"stop"})), State.BLOCKED),
        ({}, Lore(failures=frozenset({"eof_error", "connection_reset",
                                      "generic_timeout_error"})), State.BLOCKED),
    ],
)  # fmt: skip
def test_a_page_that_broke_off_is_neither_blocked_nor_allowed(
    name: str, facts: dict[str, Any], lore: Lore, state: State
) -> None:
    service = web(**({"canary": "absent"} | facts))

    assert judge_trial(trial(service, failure=failed(name)), lore).state is state


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, "token-of-another-time"),
        ({"title": "Another page"}, "token-missing"),
        ({"text": NOTICE}, "token-missing"),
        ({"status": 451}, "status-451"),
    ],
)
def test_the_origins_page_without_a_token_is_no_block_page(
    changed: dict[str, Any], rule: str
) -> None:
    service = web(**({"canary": "absent", "text": PROSE} | changed))

    assert judge_trial(trial(service, web(text=PROSE))).rule == rule


def test_an_expired_certificate_of_somebody_else_is_interception() -> None:
    own = certificate("leaf", "CN=Range", trusted=True)
    service = web(status=None, canary="absent", certificate=certificate("other", "CN=Filter"))
    verdict = judge_trial(
        trial(service, web(certificate=own), failure=failed("ssl_invalid_certificate", "tls"))
    )

    assert (verdict.mechanism, verdict.intercepted) == (Mechanism.TLS_INTERCEPT_PAGE, True)
