"""Rules for complete web answers without the token, by whose page came."""

from __future__ import annotations

from harness.judge.block_page_check import UNLIKE, says_blocked, shown_beside_text
from harness.judge.block_page_classifier import PageKind
from harness.judge.rules.files import FILE_LOST_RULES
from harness.judge.rules.refusals import LEGAL, is_refused_by_status, is_refused_for_legal_reasons
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.content_form import variant_of
from harness.model.transition_address import TRANSITIONS
from harness.model.verdict import Mechanism, State

REFUSING, SERVER_TROUBLE = 400, 500
SHRUNKEN = 5
"""How many times smaller than the control's a page is that has lost nearly all of it."""
SAME = 0.6
"""Likeness from which a page counts as the control's."""


def _page(features: TrialFeatures) -> str:
    if features.web is None:
        return ""
    title = f", {features.web.title!r}" if features.web.title else ""
    return f"service: status {features.status}{title}"


def _looks(features: TrialFeatures) -> str:
    return "; ".join((_page(features), *features.classification.witnesses))


def _astray(features: TrialFeatures) -> str:
    return f"to {features.redirected_host}; {_looks(features)}"


def _beside(features: TrialFeatures) -> str:
    control = features.control_web
    title = f", {control.title!r}" if control and control.title else ""
    status = control.status if control else None
    return f"{_page(features)}; control: status {status}{title}; likeness {features.likeness:.2f}"


def _status(features: TrialFeatures) -> int:
    return features.status or 0


def _control_status(features: TrialFeatures) -> int:
    return (features.control_web.status if features.control_web else None) or 0


def _is_origins(features: TrialFeatures) -> bool:
    """Whether certificate or headers show that the answer came from the origin."""
    return (features.authentic and not features.intercepted) or features.same_server


def _is_own_451(features: TrialFeatures) -> bool:
    own = (
        _is_origins(features)
        or features.classification.kind is PageKind.REFUSAL
        or _control_status(features) == LEGAL
    )
    return features.status == LEGAL and not features.control_has_token and own


def _is_refusal(features: TrialFeatures) -> bool:
    if features.classification.kind is PageKind.REFUSAL:
        return True
    refused = (
        REFUSING <= _status(features) < SERVER_TROUBLE and _control_status(features) < REFUSING
    )
    return refused and _is_origins(features)


def _is_of_the_origin(features: TrialFeatures) -> bool:
    """Whether a page came from other people's origin, whatever it says."""
    if features.control_has_token:
        return False
    return _is_refusal(features) or (_is_origins(features) and _status(features) < REFUSING)


def _has_a_name_of_its_own(features: TrialFeatures) -> bool:
    """Whether the answer is a 451 or a redirect away, which have rules of their own."""
    return features.status == LEGAL or bool(features.redirected_host)


def _is_same(features: TrialFeatures) -> bool:
    return features.likeness >= SAME and _status(features) == _control_status(features)


def _is_unlike(features: TrialFeatures) -> bool:
    """Whether a short page came that is unlike the control's."""
    if (
        features.web is None
        or _control_status(features) >= REFUSING
        or _status(features) >= SERVER_TROUBLE
    ):
        return False
    return (
        features.classification.kind is PageKind.ORDINARY
        and features.likeness < UNLIKE
        and features.is_notice
    )


def _what_came(features: TrialFeatures) -> str:
    """Describe an unknown page: status, title, first words, codings."""
    web = features.web
    if web is None:
        return ""
    words = f", text {web.text[:80]!r}" if web.text else f", {web.body_length} bytes without text"
    packed = f", codings {', '.join(web.codings)}" if web.codings else ""
    asked = ", the origin was asked" if web.asked else ""
    return f"{_page(features)}{words}{packed}{asked}{_where_it_led(features)}"


def _what_else(features: TrialFeatures) -> str:
    """Describe what a page that says that it blocks shows besides."""
    web = features.web
    if web is None:
        return ""
    return (
        f"{_looks(features)}; {shown_beside_text(web)} pictures, frames, scripts or style sheets "
        f"(known block pages: {features.fingerprints.embedded}), "
        f"{web.text_length} characters of text"
    )


def _where_it_led(features: TrialFeatures) -> str:
    return f", after a redirect to {features.redirected_host}" if features.redirected_host else ""


def _is_shrunken(features: TrialFeatures) -> bool:
    """Whether a short notice came where the control has a far larger page."""
    one, other = features.web, features.control_web
    if one is None or other is None or not one.body_length or not other.body_length:
        return False
    small = features.is_notice and one.body_length * SHRUNKEN < other.body_length
    return small and bool(one.text and other.text) and features.same_words < UNLIKE


GATEWAY_TROUBLE = frozenset({502, 503, 504})
"""Statuses by which a proxy says that it got nothing from a server (RFC 9110 section 15.6)."""

PAGE_RULES: tuple[Rule, ...] = (
    Rule(
        id="page-learned",
        matches=lambda features: (
            features.is_learned_page
            and not features.intercepted
            and not _has_a_name_of_its_own(features)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page is the supplier's block page, declared or as shown to must-block sentinels",
        saw=_page,
    ),
    Rule(
        id="page-under-interception",
        matches=lambda features: (
            features.intercepted
            and not _has_a_name_of_its_own(features)
            and (features.is_learned_page or features.looks_blocked)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="a page that is not the origin's came over an intercepted TLS connection",
        saw=_page,
    ),
    Rule(
        id="origin-451",
        matches=_is_own_451,
        state=State.INSUFFICIENT,
        origin_refusal=True,
        says="the origin itself withholds the page for legal reasons",
        saw=_looks,
    ),
    Rule(
        id="status-451",
        matches=is_refused_for_legal_reasons,
        state=State.BLOCKED,
        mechanism=Mechanism.HTTP_451,
        says="the page is unavailable for legal reasons (RFC 7725), but not on the control line",
        saw=_looks,
    ),
    Rule(
        id="page-redirect",
        matches=lambda features: (
            features.redirected_host
            and (features.looks_blocked or features.is_learned_page)
            and not _is_of_the_origin(features)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was redirected to a block page",
        saw=_astray,
    ),
    Rule(
        id="frame-not-followed",
        matches=lambda features: features.unfollowed_url and not features.is_learned_page,
        state=State.INSUFFICIENT,
        says="a frame or a redirect in the page could not be followed",
        saw=lambda features: f"to {features.unfollowed_url}; {_page(features)}",
    ),
    Rule(
        id="status-403",
        matches=lambda features: features.control_has_token and is_refused_by_status(features),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="access is forbidden (403) without a page, but not on the control line",
        saw=_page,
    ),
    Rule(
        id="transition-not-carried",
        matches=lambda features: (
            features.control_has_token
            and variant_of(features.service.item.stratum) in TRANSITIONS
            and _status(features) in GATEWAY_TROUBLE
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.PROXY_REFUSAL,
        says="the service does not connect to the address of a transition mechanism by which the "
        "control line got the page",
        saw=_page,
    ),
    Rule(
        id="token-missing-server-error",
        matches=lambda features: (
            features.control_has_token
            and _status(features) >= SERVER_TROUBLE
            and features.classification.kind is not PageKind.BLOCK
        ),
        state=State.INSUFFICIENT,
        says="the service answered with a server error, which may be a technical fault",
        saw=_page,
    ),
    Rule(
        id="page-recognised",
        matches=lambda features: features.looks_blocked and not _is_of_the_origin(features),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page says that it blocks, and the control's page does not",
        saw=_looks,
    ),
    Rule(
        id="notice-beside-content",
        matches=lambda features: says_blocked(features) and not _is_of_the_origin(features),
        state=State.INSUFFICIENT,
        says="the page says that it blocks, but may hold other content as well",
        saw=_what_else,
    ),
    *FILE_LOST_RULES,
    Rule(
        id="page-not-recognised",
        matches=lambda features: features.control_has_token,
        state=State.INSUFFICIENT,
        says="a page came that is neither the origin's nor recognised as a block page",
        saw=_what_came,
    ),
    Rule(
        id="origin-refusal",
        matches=_is_refusal,
        state=State.INSUFFICIENT,
        origin_refusal=True,
        says="the origin itself refused the client",
        saw=_looks,
    ),
    Rule(
        id="page-authentic",
        matches=lambda features: _is_origins(features) and _status(features) < REFUSING,
        state=State.ALLOWED,
        says="the page came from the origin itself",
        saw=_beside,
    ),
    Rule(
        id="page-shrunken",
        matches=lambda features: (
            _is_shrunken(features)
            and _status(features) < REFUSING
            and (_is_same(features) or features.bears_own_name)
        ),
        state=State.INSUFFICIENT,
        says="the title is the site's, but almost nothing of its page came",
        saw=_beside,
    ),
    Rule(
        id="page-same",
        matches=_is_same,
        state=State.ALLOWED,
        says="the page is the one that the control sees",
        saw=_beside,
    ),
    Rule(
        id="parked",
        matches=lambda features: (
            PageKind.PARKED in (features.classification.kind, features.control_classification.kind)
        ),
        state=State.DOWN,
        says="the domain is parked",
        saw=_looks,
    ),
    Rule(
        id="page-bears-own-name",
        matches=lambda features: _status(features) < REFUSING and features.bears_own_name,
        state=State.ALLOWED,
        says="the page's title names the site",
        saw=_beside,
    ),
    Rule(
        id="page-unlike",
        matches=_is_unlike,
        state=State.INSUFFICIENT,
        says="a short page came that is unlike the control's, and does not say that it blocks",
        saw=_beside,
    ),
    Rule(
        id="page-server-error",
        matches=lambda features: _status(features) >= SERVER_TROUBLE,
        state=State.INSUFFICIENT,
        says="a server error came: this may be a block or a technical fault",
        saw=_page,
    ),
    Rule(
        id="page-unclear",
        matches=lambda _: True,
        state=State.INSUFFICIENT,
        says="the page differs from the control's, and nothing in it shows why",
        saw=_beside,
    ),
)
