"""Rules about web trials whose content came, that were refused, or that had no whole answer.

Three answers, in this order: content came; a refusal was seen; neither, which is insufficient.
"""

from __future__ import annotations

from harness.judge.rules.refusals import (
    CONNECTION_REFUSALS,
    FALSE_CERTIFICATES,
    NAME_REFUSALS,
    how_it_failed,
    is_refused_by_status,
    is_refused_for_legal_reasons,
)
from harness.judge.trial_features import Case, Rule
from harness.model.verdict import Mechanism, State, says_blocked

TUNNEL_OPEN = range(200, 300)
SERVER_TROUBLE = 500
TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})
DNS_TROUBLE = frozenset({"dns_servfail_error", "dns_temporary_failure",
                         "dns_non_recoverable_failure", "dns_server_misbehaving"})  # fmt: skip
SLACK_BYTES, SLACK_SHARE = 64, 0.05


def _tunnel(case: Case) -> str:
    return f"the proxy answered CONNECT with {case.tunnel or 'a refusal'}"


def _is_tunnel_refused(case: Case) -> bool:
    refused = bool(case.tunnel) and case.tunnel not in TUNNEL_OPEN
    return refused or case.failure == "proxy_refused_tunnel"


def _has_words_only(case: Case) -> bool:
    """The page came, but not its token: it was changed, cut or taken from a cache."""
    return case.content_came and case.web is not None and bool(case.web.words)


def _words(case: Case) -> str:
    words = case.web.words if case.web is not None else ()
    return f"service: status {case.status}, {len(words)} delivery words, such as {words[0]}"


def _is_reading_cut_short(case: Case) -> bool:
    """More came than is read, or it came for longer than is waited."""
    if case.web is None or case.status is None:
        return False
    return (case.has_truth and case.web.truncated) or case.failure in TIMEOUTS


def _is_altered(case: Case) -> bool:
    """The token arrived, but not in the page that the control saw."""
    one, other = case.web, case.control_web
    if one is None or other is None or not case.content_came or other.canary != "seen":
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


def _is_behind_false_certificate(case: Case) -> bool:
    false = case.failure in FALSE_CERTIFICATES
    false |= case.failure == "ssl_invalid_certificate" and case.intercepted
    return false and case.status is not None


def _size(case: Case) -> str:
    length = case.web.body_length if case.web is not None else None
    return f"{length} bytes; {how_it_failed(case)}" if case.failure else f"{length} bytes"


def _is_plain_answer(case: Case) -> bool:
    detail = case.service.failure.detail.lower() if case.service.failure else ""
    return case.failure == "ssl_failed_handshake" and (
        "wrong version" in detail or "wrong_version" in detail or "record layer" in detail
    )


DELIVERY_RULES: tuple[Rule, ...] = (
    Rule(
        id="token-in-broken-answer",
        matches=lambda case: case.content_came and case.failure,
        state=State.ALLOWED,
        says="the origin's page arrived at least in part, though the answer did not end well",
        saw=how_it_failed,
    ),
    Rule(
        id="words-arrived",
        matches=_has_words_only,
        state=State.ALLOWED,
        says="words that only the origin's page has arrived, in a page that was changed",
        saw=_words,
    ),
    Rule(
        id="token-in-another-page",
        matches=_is_altered,
        state=State.ALLOWED,
        says="the origin's token arrived, in a page that is not quite the origin's",
        saw=_difference,
    ),
    Rule(
        id="token-arrived",
        matches=lambda case: case.content_came,
        state=State.ALLOWED,
        says="the origin's token arrived",
    ),
    Rule(
        id="arrived-inside",
        matches=lambda case: case.came_inside,
        state=State.ALLOWED,
        says="the origin's page arrived inside of the page: in a frame or by a redirect in it",
        saw=lambda case: f"at {case.came_inside}",
    ),
)
"""Content came: however the answer looks, ends or was changed."""

WEB_RULES: tuple[Rule, ...] = (
    *DELIVERY_RULES,
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
        matches=lambda case: _is_tunnel_refused(case) and case.tunnel >= SERVER_TROUBLE,
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
    *(refusal.as_rule() for refusal in NAME_REFUSALS),
    Rule(
        id="resolve-silent",
        matches=lambda case: case.stage == "resolve" and case.failure in TIMEOUTS,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SILENT,
        says="the resolver of the service line does not answer for the name",
        saw=how_it_failed,
    ),
    Rule(
        id="resolve-failure-declared",
        matches=lambda case: case.failure in DNS_TROUBLE and says_blocked(case.service),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver of the service line says by an extended error that it blocks",
        saw=how_it_failed,
    ),
    Rule(
        id="resolve-failure-learned",
        matches=lambda case: case.failure in DNS_TROUBLE and case.failure in case.lore.failures,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver of the service line fails as it does for the must-block sentinels",
        saw=how_it_failed,
    ),
    Rule(
        id="resolve-trouble",
        matches=lambda case: case.stage == "resolve" or case.failure in DNS_TROUBLE,
        state=State.INSUFFICIENT,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver of the service line failed, which may be trouble as well as a block",
        saw=how_it_failed,
    ),
    Rule(
        id="sent-astray",
        matches=lambda case: case.failure and case.strayed
        and (case.look_of_way or case.strayed in case.lore.hosts),
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was sent to the address of a block page, which did not answer",
        saw=lambda case: f"to {case.strayed}; {how_it_failed(case)}",
    ),
    Rule(
        id="redirects-without-end",
        matches=lambda case: case.failure == "http_redirect_limit",
        state=State.INSUFFICIENT,
        says="there are more redirects than are followed, and no page at their end",
        saw=lambda case: f"to {case.strayed}" if case.strayed else "",
    ),
    Rule(
        id="redirect-not-followed",
        matches=lambda case: case.failure and case.strayed,
        state=State.INSUFFICIENT,
        says="the client was sent to another host, which did not answer",
        saw=lambda case: f"to {case.strayed}; {how_it_failed(case)}",
    ),
    Rule(
        id="too-long-to-read",
        matches=_is_reading_cut_short,
        state=State.INSUFFICIENT,
        says="the answer was too long to read, in bytes or seconds, and did not show the page",
        saw=_size,
    ),
    Rule(
        id="false-certificate-block-page",
        matches=lambda case: _is_behind_false_certificate(case)
        and (case.looks_blocked or case.is_learned_page or is_refused_by_status(case)
             or is_refused_for_legal_reasons(case)),
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="a block page stands behind another party's certificate",
        saw=how_it_failed,
    ),
    Rule(
        id="false-certificate-unknown-page",
        matches=_is_behind_false_certificate,
        state=State.INSUFFICIENT,
        says="a page stands behind another party's certificate, and is not known as a block page",
        saw=how_it_failed,
    ),
    Rule(
        id="broken-off",
        matches=lambda case: case.failure and case.status is not None,
        state=State.INSUFFICIENT,
        says="an answer began to come and broke off, which is neither a block nor access",
        saw=how_it_failed,
    ),
    Rule(
        id="tls-plain-answer",
        matches=_is_plain_answer,
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="plain text was sent where the TLS handshake should be",
        saw=how_it_failed,
    ),
    *(refusal.as_rule() for refusal in CONNECTION_REFUSALS),
    Rule(
        id="tls-false-chain",
        matches=lambda case: case.failure == "ssl_invalid_certificate" and case.intercepted,
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="an invalid certificate of another party was shown instead of the origin's",
        saw=how_it_failed,
    ),
    Rule(
        id="silence",
        matches=lambda case: case.failure in TIMEOUTS,
        state=State.BLOCKED,
        mechanism=Mechanism.SILENT_DROP,
        says="no answer came in time",
        saw=how_it_failed,
    ),
    Rule(
        id="failure-learned",
        matches=lambda case: case.failure and case.failure in case.lore.failures,
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="it failed as it does for the must-block sentinels",
        saw=how_it_failed,
    ),
    Rule(
        id="failure-unclear",
        matches=lambda case: case.failure or case.web is None or case.status is None,
        state=State.INSUFFICIENT,
        says="the attempt ended in a way that says nothing about a block",
        saw=how_it_failed,
    ),
    Rule(
        id="coding-unknown",
        matches=lambda case: case.web is not None and case.web.undecoded,
        state=State.INSUFFICIENT,
        says="the answer is in a content coding that could not be undone",
        saw=lambda case: f"coding {case.web.undecoded!r}" if case.web else "",
    ),
    Rule(
        id="piece-missing",
        matches=lambda case: case.web is not None and case.web.page_words,
        state=State.INSUFFICIENT,
        says="the origin's page arrived without the part that carries the content marker",
        saw=lambda case: f"{case.web.page_words} words of the rest" if case.web else "",
    ),
)  # fmt: skip
