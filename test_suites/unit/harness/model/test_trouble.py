"""Trouble: which answers a block and an overloaded line have in common."""

from __future__ import annotations

import pytest

from harness.model.facts import DnsFacts, Facts, ReachFacts, WebFacts
from harness.model.observation import Failure
from harness.model.verdict import is_answer, is_busy, is_silent, is_trouble
from test_suites.kit.campaigns.trials import dns, failed, observation, reach, web

SERVFAIL = dns(rcode="SERVFAIL")
MUTE = failed("generic_timeout_error")


@pytest.mark.parametrize(
    "seen",
    [
        failed("connection_reset"),
        failed("eof_error"),
        failed("host_unreachable", "connect"),
        failed("dns_servfail_error", "resolve"),
        failed("dns_refused_error", "resolve"),
        SERVFAIL,
        dns(rcode="REFUSED"),
        web(status=429),
        web(status=503),
        web(status=None, tunnel_status=502),
    ],
)
def test_what_an_overloaded_line_says_too_is_trouble(seen: Facts | Failure) -> None:
    assert is_trouble(observation(seen))
    assert not is_answer(observation(seen))


@pytest.mark.parametrize(
    "seen",
    [web(), web(status=403), web(status=500), dns("192.0.2.1"), failed("dns_nxdomain_error"), MUTE],
)
def test_what_only_a_block_or_the_origin_says_is_none(seen: Facts | Failure) -> None:
    assert not is_trouble(observation(seen))


def test_who_says_to_be_busy_is_told_from_who_breaks_off() -> None:
    busy: list[Facts | Failure] = [
        SERVFAIL,
        dns(rcode="REFUSED"),
        web(status=429),
        failed("dns_servfail_error"),
    ]
    others: list[Facts | Failure] = [
        failed("connection_reset"),
        web(),
        dns("192.0.2.1"),
        reach(reached=False),
    ]

    assert all(is_busy(observation(seen)) for seen in busy)
    assert not any(is_busy(observation(seen)) for seen in others)


def test_silence_is_told_apart() -> None:
    assert is_silent(observation(MUTE))
    assert not is_silent(observation(failed("connection_reset")))
    assert not is_silent(observation(web()))


@pytest.mark.parametrize(
    ("seen", "answers"),
    [
        (web(), True),
        (web(canary="not_applicable"), True),
        (web(canary="absent"), False),
        (dns("192.0.2.1"), True),
        (dns(), False),
        (DnsFacts(name="n", type="HTTPS", server="s", rcode="NOERROR"), True),
        (dns(rcode="NXDOMAIN"), False),
        (reach(reached=True), True),
        (ReachFacts(target="t"), True),
        (reach(reached=False), False),
        (MUTE, False),
        (None, False),
    ],
)
def test_a_must_allow_item_is_answered_as_on_an_idle_line(
    seen: Facts | Failure | None, *, answers: bool
) -> None:
    assert is_answer(observation(seen)) is answers


def test_a_page_that_broke_off_is_no_answer() -> None:
    assert not is_answer(observation(WebFacts(url="u", canary="seen"), failure=failed("eof_error")))
