"""Rules about web trials that got their token, or no whole answer: each way is named apart."""

from __future__ import annotations

from harness.model.verdict import Mechanism, State
from harness.stages.judge.case import Case
from harness.stages.judge.rule import Rule

TUNNEL_OPEN = range(200, 300)
TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})
RESETS = frozenset({"connection_reset", "connection_aborted"})
UNREACHABLE = frozenset({"host_unreachable", "network_unreachable"})
FALSE_CERTIFICATES = frozenset({"ssl_unknown_authority", "ssl_invalid_hostname"})
DNS_TROUBLE = frozenset({"dns_servfail_error", "dns_temporary_failure",
                         "dns_non_recoverable_failure", "dns_server_misbehaving"})  # fmt: skip
BREAKS = RESETS | TIMEOUTS | {"eof_error"}
SLACK_BYTES, SLACK_SHARE = 64, 0.05
REFUSING = 400
SAME_WORDS = 0.8
"""Likeness of words from which a page is the origin's, though its token is another one."""


def _failed(case: Case) -> str:
    failure = case.service.failure
    detail = f" ({failure.detail})" if failure and failure.detail else ""
    return f"service: {case.failure} at {case.stage}{detail}"


def _tunnel(case: Case) -> str:
    return f"the proxy answered CONNECT with {case.tunnel or 'a refusal'}"


def _is_tunnel_refused(case: Case) -> bool:
    refused = bool(case.tunnel) and case.tunnel not in TUNNEL_OPEN
    return refused or case.failure == "proxy_refused_tunnel"


def _token_arrived(case: Case) -> bool:
    return case.web is not None and case.web.canary == "seen"


def _is_broken_off(case: Case) -> bool:
    """A page that began to come, and was no block page as far as it came."""
    if case.web is None or case.status is None or case.failure not in BREAKS:
        return False
    began = bool(case.web.body_length) and case.status < REFUSING
    theirs = case.strayed or case.looks_blocked or case.is_learned_page
    return began and not theirs and case.failure not in case.lore.failures


def _is_of_another_time(case: Case) -> bool:
    """The origin's own page by title and words, with no token or that of another attempt."""
    one, other = case.web, case.control_web
    if one is None or other is None or not case.has_truth or not case.answered:
        return False
    same = one.status == other.status and one.title == other.title != ""
    theirs = case.strayed or case.looks_blocked or case.is_learned_page
    return same and not theirs and case.same_words >= SAME_WORDS


def _is_altered(case: Case) -> bool:
    """The token arrived, but not in the page that the control saw."""
    one, other = case.web, case.control_web
    if one is None or other is None or one.canary != "seen" or other.canary != "seen":
        return False
    if one.status != other.status or one.title != other.title:
        return True
    if one.truncated or other.truncated or one.body_length is None or other.body_length is None:
        return False
    slack = max(SLACK_BYTES, int(other.body_length * SLACK_SHARE))
    return abs(one.body_length - other.body_length) > slack


def _difference(case: Case) -> str:
    one, other = case.web, case.control_web
    if one is None or other is None:
        return ""
    return (
        f"service: {one.status}, {one.title!r}, {one.body_length} bytes; "
        f"control: {other.status}, {other.title!r}, {other.body_length} bytes"
    )


def _is_plain_answer(case: Case) -> bool:
    detail = case.service.failure.detail.lower() if case.service.failure else ""
    return case.failure == "ssl_failed_handshake" and (
        "wrong version" in detail or "wrong_version" in detail or "record layer" in detail
    )


def _blocked_by(rule: str, names: frozenset[str], mechanism: Mechanism, says: str) -> Rule:
    return Rule(
        id=rule,
        matches=lambda case: case.failure in names,
        state=State.BLOCKED,
        mechanism=mechanism,
        says=says,
        saw=_failed,
    )


WEB_RULES: tuple[Rule, ...] = (
    Rule(
        id="token-in-broken-answer",
        matches=lambda case: _token_arrived(case) and case.failure,
        state=State.ALTERED,
        says="the origin's token arrived, but the answer did not come to a good end",
        saw=_failed,
    ),
    Rule(
        id="token-in-another-page",
        matches=_is_altered,
        state=State.ALTERED,
        says="the origin's token arrived, in a page that is not the origin's",
        saw=_difference,
    ),
    Rule(
        id="token-arrived",
        matches=_token_arrived,
        state=State.ALLOWED,
        says="the origin's token arrived",
    ),
    Rule(
        id="tunnel-refused-learned",
        matches=lambda case: _is_tunnel_refused(case) and case.tunnel in case.lore.tunnel_statuses,
        state=State.BLOCKED,
        mechanism=Mechanism.PROXY_REFUSAL,
        says="the proxy refused the tunnel as it does for the must-block sentinels",
        saw=_tunnel,
    ),
    Rule(
        id="tunnel-trouble",
        matches=lambda case: _is_tunnel_refused(case) and case.tunnel >= 500,  # noqa: PLR2004 - 5xx
        state=State.INSUFFICIENT,
        says="the proxy did not reach the target, which may be trouble as well as a block",
        saw=_tunnel,
    ),
    Rule(
        id="tunnel-refused",
        matches=_is_tunnel_refused,
        state=State.BLOCKED,
        mechanism=Mechanism.PROXY_REFUSAL,
        says="the proxy refused the tunnel",
        saw=_tunnel,
    ),
    _blocked_by("resolve-nxdomain", frozenset({"dns_nxdomain_error"}), Mechanism.DNS_NXDOMAIN,
                "the name does not resolve on the service line"),
    _blocked_by("resolve-nodata", frozenset({"dns_no_answer"}), Mechanism.DNS_NODATA,
                "the name has no address on the service line"),
    _blocked_by("resolve-refused", frozenset({"dns_refused_error"}), Mechanism.DNS_REFUSED,
                "the resolver of the service line refuses the name"),
    _blocked_by("resolve-bogon", frozenset({"dns_bogon_error"}), Mechanism.DNS_SINKHOLE,
                "the name resolves to an address that leads nowhere on the service line"),
    Rule(
        id="resolve-silent",
        matches=lambda case: case.stage == "resolve" and case.failure in TIMEOUTS,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SILENT,
        says="the resolver of the service line does not answer for the name",
        saw=_failed,
    ),
    Rule(
        id="resolve-trouble",
        matches=lambda case: case.stage == "resolve" or case.failure in DNS_TROUBLE,
        state=State.INSUFFICIENT,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver of the service line failed, which may be trouble as well as a block",
        saw=_failed,
    ),
    Rule(
        id="sent-astray",
        matches=lambda case: case.failure and case.strayed and case.look_of_way,
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was sent to an address of a block page, which did not answer",
        saw=lambda case: f"to {case.strayed}; {_failed(case)}",
    ),
    Rule(
        id="broken-off",
        matches=_is_broken_off,
        state=State.INSUFFICIENT,
        says="a page began to come and broke off, which is neither a block nor access",
        saw=_failed,
    ),
    _blocked_by("reset", RESETS, Mechanism.TCP_RESET, "the connection was reset"),
    _blocked_by("refused", frozenset({"connection_refused"}), Mechanism.TCP_REFUSED,
                "the connection was refused"),
    _blocked_by("closed", frozenset({"eof_error"}), Mechanism.TCP_EOF,
                "the connection was closed without an answer"),
    _blocked_by("unreachable", UNREACHABLE, Mechanism.ICMP_UNREACHABLE,
                "the target was called unreachable"),
    _blocked_by("tls-alert", frozenset({"tls_alert"}), Mechanism.TLS_ALERT,
                "the TLS handshake was ended by an alert"),
    Rule(
        id="tls-plain-answer",
        matches=_is_plain_answer,
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="plain text was sent where the TLS handshake should be",
        saw=_failed,
    ),
    _blocked_by("tls-failed", frozenset({"ssl_failed_handshake"}), Mechanism.OTHER,
                "the TLS handshake failed on the service line only"),
    _blocked_by("tls-false-certificate", FALSE_CERTIFICATES, Mechanism.TLS_INTERCEPT_PAGE,
                "somebody else's certificate stood where the origin's should"),
    Rule(
        id="tls-false-chain",
        matches=lambda case: case.failure == "ssl_invalid_certificate" and case.intercepted,
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="an invalid certificate of somebody else stood where the origin's should",
        saw=_failed,
    ),
    _blocked_by("silence", TIMEOUTS, Mechanism.SILENT_DROP, "no answer came in time"),
    Rule(
        id="failure-learned",
        matches=lambda case: case.failure and case.failure in case.lore.failures,
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="it failed as it does for the must-block sentinels",
        saw=_failed,
    ),
    Rule(
        id="redirects-without-end",
        matches=lambda case: case.failure == "http_redirect_limit" and case.strayed
        and case.has_truth,
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the service sends the client round in a circle, away from the origin",
        saw=lambda case: f"to {case.strayed}",
    ),
    Rule(
        id="failure-unclear",
        matches=lambda case: case.failure or case.web is None or case.status is None,
        state=State.INSUFFICIENT,
        says="the attempt ended in a way that tells nothing of a block",
        saw=_failed,
    ),
    Rule(
        id="token-of-another-time",
        matches=_is_of_another_time,
        state=State.INSUFFICIENT,
        says="the origin's page came without this attempt's token, as a cache would give it",
        saw=_difference,
    ),
)  # fmt: skip
