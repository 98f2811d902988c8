"""Web trials: truth by the token, and each way of getting no answer told apart."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.verdict import Mechanism, State
from harness.stages.judge.judge import judge_trial
from test_suites.calibration.trials import failed, trial, web


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
