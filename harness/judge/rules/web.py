"""Rules for web trials whose content came, that were refused, or that had no complete answer.

Three results, in this order: content came; a refusal was seen; neither, which is insufficient.
"""

from __future__ import annotations

from harness.judge.block_page_check import shows_notice
from harness.judge.block_page_classifier import PageKind, reads_alike
from harness.judge.rules.refusals import (
    CONNECTION_REFUSALS,
    NAME_REFUSALS,
    how_it_failed,
    is_refused_by_status,
    is_refused_for_legal_reasons,
)
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.observation import DNS_FAILED, OTHER_CERTIFICATES, TIMEOUTS
from harness.model.verdict import Mechanism, State, says_blocked

TUNNEL_OPEN = range(200, 300)
SERVER_TROUBLE = 500
SLACK_BYTES, SLACK_SHARE = 64, 0.05


def _tunnel(features: TrialFeatures) -> str:
    return f"the proxy answered CONNECT with {features.tunnel or 'a refusal'}"


def _is_tunnel_refused(features: TrialFeatures) -> bool:
    refused = bool(features.tunnel) and features.tunnel not in TUNNEL_OPEN
    return refused or features.failure == "proxy_refused_tunnel"


def _has_words_only(features: TrialFeatures) -> bool:
    """Whether the page came without its token: changed, cut or from a cache."""
    return features.content_arrived and features.web is not None and bool(features.web.words)


def _words(features: TrialFeatures) -> str:
    words = features.web.words if features.web is not None else ()
    return f"service: status {features.status}, {len(words)} delivery words, such as {words[0]}"


def _is_reading_cut_short(features: TrialFeatures) -> bool:
    """Whether more came than is read, or for longer than the timeout."""
    if features.web is None or features.status is None:
        return False
    return (features.control_has_token and features.web.truncated) or features.failure in TIMEOUTS


def _is_altered(features: TrialFeatures) -> bool:
    """Whether the token arrived in a page that differs from the one the control saw."""
    one, other = features.web, features.control_web
    if one is None or other is None or not features.content_arrived or other.canary != "seen":
        return False
    if one.status != other.status or one.title != other.title:
        return True
    if one.truncated or other.truncated or one.body_length is None or other.body_length is None:
        return False
    slack = max(SLACK_BYTES, int(other.body_length * SLACK_SHARE))
    return abs(one.body_length - other.body_length) > slack


def _difference(features: TrialFeatures) -> str:
    one, other = features.web, features.control_web
    if one is None or other is None:
        return ""
    return (
        f"service: {one.status}, {one.title!r}, {one.body_length} bytes; "
        f"control: {other.status}, {other.title!r}, {other.body_length} bytes"
    )


def _is_behind_false_certificate(features: TrialFeatures) -> bool:
    false = features.failure in OTHER_CERTIFICATES
    false |= features.failure == "ssl_invalid_certificate" and features.intercepted
    return false and features.status is not None


def _size(features: TrialFeatures) -> str:
    length = features.web.body_length if features.web is not None else None
    return f"{length} bytes; {how_it_failed(features)}" if features.failure else f"{length} bytes"


def _is_plain_answer(features: TrialFeatures) -> bool:
    detail = features.service.failure.detail.lower() if features.service.failure else ""
    return features.failure == "ssl_failed_handshake" and (
        "wrong version" in detail or "wrong_version" in detail or "record layer" in detail
    )


def _has_notice_above(features: TrialFeatures) -> bool:
    """Whether a page with the origin's marks says that it blocks, and the control's does not."""
    web, control = features.web, features.control_web
    if web is None or web.canary != "seen" or (control is not None and reads_alike(web, control)):
        return False
    kinds = features.classification.kind, features.control_classification.kind
    return kinds[0] is PageKind.BLOCK and kinds[1] is not PageKind.BLOCK


DELIVERY_RULES: tuple[Rule, ...] = (
    Rule(
        id="token-in-block-page",
        matches=lambda features: (
            features.shows_another_page and not features.failure and shows_notice(features)
        ),
        state=State.ALLOWED,
        mechanism=Mechanism.INSIDE_BLOCK_PAGE,
        says="the origin's token arrived, in a block page that is shown in the place of its page",
        saw=_difference,
    ),
    Rule(
        id="token-not-shown",
        matches=lambda features: features.shows_another_page or _has_notice_above(features),
        state=State.ALLOWED,
        mechanism=Mechanism.HIDDEN,
        says="the origin's token arrived, in a page that shows something else, or a notice of a "
        "block above it",
        saw=_difference,
    ),
    Rule(
        id="token-in-broken-answer",
        matches=lambda features: features.content_arrived and features.failure,
        state=State.ALLOWED,
        says="at least a part of the origin's page arrived, but the answer ended with a failure",
        saw=how_it_failed,
    ),
    Rule(
        id="words-arrived",
        matches=_has_words_only,
        state=State.ALLOWED,
        says="words that only the origin's page contains arrived, in a changed page",
        saw=_words,
    ),
    Rule(
        id="token-in-another-page",
        matches=_is_altered,
        state=State.ALLOWED,
        says="the origin's token arrived, in a page that differs from the origin's",
        saw=_difference,
    ),
    Rule(
        id="token-arrived",
        matches=lambda features: features.content_arrived,
        state=State.ALLOWED,
        says="the origin's token arrived",
    ),
    Rule(
        id="arrived-inside",
        matches=lambda features: features.origin_page_inside,
        state=State.ALLOWED,
        says="the origin's page arrived inside another page, in a frame or by a redirect in it",
        saw=lambda features: f"at {features.origin_page_inside}",
    ),
)
"""Content came, whether or not the answer was complete or unchanged."""

WEB_RULES: tuple[Rule, ...] = (
    *DELIVERY_RULES,
    Rule(
        id="tunnel-refused-learned",
        matches=lambda features: (
            _is_tunnel_refused(features)
            and features.tunnel in features.fingerprints.tunnel_statuses
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.PROXY_REFUSAL,
        says="the proxy refused the tunnel in the same way as for the must-block sentinels",
        saw=_tunnel,
    ),
    Rule(
        id="tunnel-trouble",
        matches=lambda features: _is_tunnel_refused(features) and features.tunnel >= SERVER_TROUBLE,
        state=State.INSUFFICIENT,
        says="the proxy did not reach the target: this may be a block or a technical fault",
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
        matches=lambda features: features.stage == "resolve" and features.failure in TIMEOUTS,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SILENT,
        says="the resolver of the service line does not answer for the name",
        saw=how_it_failed,
    ),
    Rule(
        id="resolve-failure-declared",
        matches=lambda features: features.failure in DNS_FAILED and says_blocked(features.service),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver of the service line says by an extended error that it blocks",
        saw=how_it_failed,
    ),
    Rule(
        id="resolve-failure-learned",
        matches=lambda features: (
            features.failure in DNS_FAILED and features.failure in features.fingerprints.failures
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the service line's resolver fails in the same way as for the must-block sentinels",
        saw=how_it_failed,
    ),
    Rule(
        id="resolve-trouble",
        matches=lambda features: features.stage == "resolve" or features.failure in DNS_FAILED,
        state=State.INSUFFICIENT,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the service line's resolver failed: this may be a block or a technical fault",
        saw=how_it_failed,
    ),
    Rule(
        id="sent-astray",
        matches=lambda features: (
            features.failure
            and features.redirected_host
            and (
                features.is_led_to_block_page_address
                or features.redirected_host in features.fingerprints.hosts
            )
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was redirected to the address of a block page, which did not answer",
        saw=lambda features: f"to {features.redirected_host}; {how_it_failed(features)}",
    ),
    Rule(
        id="redirects-without-end",
        matches=lambda features: features.failure == "http_redirect_limit",
        state=State.INSUFFICIENT,
        says="there were more redirects than are followed, and no page came",
        saw=lambda features: f"to {features.redirected_host}" if features.redirected_host else "",
    ),
    Rule(
        id="redirect-not-followed",
        matches=lambda features: features.failure and features.redirected_host,
        state=State.INSUFFICIENT,
        says="the client was redirected to another host, which did not answer",
        saw=lambda features: f"to {features.redirected_host}; {how_it_failed(features)}",
    ),
    Rule(
        id="too-long-to-read",
        matches=_is_reading_cut_short,
        state=State.INSUFFICIENT,
        says="the answer was too large or too slow to read to its end, and did not show the page",
        saw=_size,
    ),
    Rule(
        id="false-certificate-block-page",
        matches=lambda features: (
            _is_behind_false_certificate(features)
            and (
                features.looks_blocked
                or features.is_learned_page
                or is_refused_by_status(features)
                or is_refused_for_legal_reasons(features)
            )
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="a block page came with another party's certificate",
        saw=how_it_failed,
    ),
    Rule(
        id="false-certificate-unknown-page",
        matches=_is_behind_false_certificate,
        state=State.INSUFFICIENT,
        says="a page that is not known as a block page came with another party's certificate",
        saw=how_it_failed,
    ),
    Rule(
        id="broken-off",
        matches=lambda features: features.failure and features.status is not None,
        state=State.INSUFFICIENT,
        says="the answer broke off, which shows neither a block nor access",
        saw=how_it_failed,
    ),
    Rule(
        id="tls-plain-answer",
        matches=_is_plain_answer,
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="plain text was sent instead of a TLS handshake",
        saw=how_it_failed,
    ),
    *(refusal.as_rule() for refusal in CONNECTION_REFUSALS),
    Rule(
        id="tls-false-chain",
        matches=lambda features: (
            features.failure == "ssl_invalid_certificate" and features.intercepted
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="an invalid certificate of another party was shown instead of the origin's",
        saw=how_it_failed,
    ),
    Rule(
        id="silence",
        matches=lambda features: features.failure in TIMEOUTS,
        state=State.BLOCKED,
        mechanism=Mechanism.SILENT_DROP,
        says="no answer came in time",
        saw=how_it_failed,
    ),
    Rule(
        id="failure-learned",
        matches=lambda features: (
            features.failure
            and features.failure in features.fingerprints.failures
            and not features.head_is_unread
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="the attempt failed in the same way as for the must-block sentinels",
        saw=how_it_failed,
    ),
    Rule(
        id="failure-unclear",
        matches=lambda features: (
            features.failure or features.web is None or features.status is None
        ),
        state=State.INSUFFICIENT,
        says="the way the attempt ended does not show whether it was blocked",
        saw=how_it_failed,
    ),
    Rule(
        id="coding-unknown",
        matches=lambda features: features.web is not None and features.web.undecoded,
        state=State.INSUFFICIENT,
        says="the answer has a content coding that could not be decoded",
        saw=lambda features: f"coding {features.web.undecoded!r}" if features.web else "",
    ),
    Rule(
        id="results-locked",
        matches=lambda features: (
            features.web is not None and features.web.locked and features.control_has_token
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.SAFE_MODE,
        says="the search engine says that the request reached it locked, and left out the results "
        "that arrived on the control line",
        saw=lambda features: f"service: status {features.status}, locked",
    ),
    Rule(
        id="piece-missing",
        matches=lambda features: features.web is not None and features.web.page_words,
        state=State.INSUFFICIENT,
        says="the origin's page arrived without the part that carries the content marker",
        saw=lambda features: f"{features.web.page_words} words of the rest" if features.web else "",
    ),
)
