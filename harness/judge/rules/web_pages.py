"""Rules about web trials that were answered without the token: they tell whose page it was."""

from __future__ import annotations

from harness.judge.block_page_check import UNLIKE, says_blocked, shown_beside_text
from harness.judge.block_page_classifier import Kind
from harness.judge.rules.refusals import LEGAL, is_refused_by_status, is_refused_for_legal_reasons
from harness.judge.trial_features import Case, Rule
from harness.model.verdict import Mechanism, State

REFUSING, SERVER_TROUBLE = 400, 500
SHRUNKEN = 5
"""How many times smaller a page is that has lost nearly all of what the control's has."""
SAME = 0.6
"""Likeness from which a page counts as the control's."""


def _page(case: Case) -> str:
    if case.web is None:
        return ""
    title = f", {case.web.title!r}" if case.web.title else ""
    return f"service: status {case.status}{title}"


def _looks(case: Case) -> str:
    return "; ".join((_page(case), *case.look.witnesses))


def _astray(case: Case) -> str:
    return f"to {case.strayed}; {_looks(case)}"


def _beside(case: Case) -> str:
    control = case.control_web
    title = f", {control.title!r}" if control and control.title else ""
    status = control.status if control else None
    return f"{_page(case)}; control: status {status}{title}; likeness {case.likeness:.2f}"


def _status(case: Case) -> int:
    return case.status or 0


def _control_status(case: Case) -> int:
    return (case.control_web.status if case.control_web else None) or 0


def _is_origins(case: Case) -> bool:
    """The answer is known to come from the origin, whatever it says."""
    return (case.authentic and not case.intercepted) or case.same_server


def _is_own_451(case: Case) -> bool:
    own = _is_origins(case) or case.look.kind is Kind.REFUSAL or _control_status(case) == LEGAL
    return case.status == LEGAL and not case.has_truth and own


def _is_refusal(case: Case) -> bool:
    if case.look.kind is Kind.REFUSAL:
        return True
    refused = REFUSING <= _status(case) < SERVER_TROUBLE and _control_status(case) < REFUSING
    return refused and _is_origins(case)


def _is_of_the_origin(case: Case) -> bool:
    """A page of other people's origin by its certificate or server, whatever it says."""
    if case.has_truth:
        return False
    return _is_refusal(case) or (_is_origins(case) and _status(case) < REFUSING)


def _has_a_name_of_its_own(case: Case) -> bool:
    """A 451 and a redirect away stay what they are, whichever page comes with them."""
    return case.status == LEGAL or bool(case.strayed)


def _is_same(case: Case) -> bool:
    return case.likeness >= SAME and _status(case) == _control_status(case)


def _is_unlike(case: Case) -> bool:
    """Another page, and a short one, where the control has the origin's own."""
    if case.web is None or _control_status(case) >= REFUSING or _status(case) >= SERVER_TROUBLE:
        return False
    return case.look.kind is Kind.ORDINARY and case.likeness < UNLIKE and case.is_notice


def _what_came(case: Case) -> str:
    """Status, title, first words and codings of a page that nobody knows."""
    web = case.web
    if web is None:
        return ""
    words = f", text {web.text[:80]!r}" if web.text else f", {web.body_length} bytes without text"
    packed = f", codings {', '.join(web.codings)}" if web.codings else ""
    asked = ", the origin was asked" if web.asked else ""
    return f"{_page(case)}{words}{packed}{asked}{_where_it_led(case)}"


def _what_else(case: Case) -> str:
    """What else a page may show that says that it blocks."""
    web = case.web
    if web is None:
        return ""
    return (
        f"{_looks(case)}; {shown_beside_text(web)} pictures, frames, scripts or style sheets "
        f"(known block pages: {case.lore.embedded}), {web.text_length} characters of text"
    )


def _where_it_led(case: Case) -> str:
    return f", after a redirect to {case.strayed}" if case.strayed else ""


def _is_shrunken(case: Case) -> bool:
    """A notice in other words where the control has a far larger page: the title is no proof."""
    one, other = case.web, case.control_web
    if one is None or other is None or not one.body_length or not other.body_length:
        return False
    small = case.is_notice and one.body_length * SHRUNKEN < other.body_length
    return small and bool(one.text and other.text) and case.same_words < UNLIKE


PAGE_RULES: tuple[Rule, ...] = (
    Rule(
        id="page-learned",
        matches=lambda case: case.is_learned_page and not case.intercepted
        and not _has_a_name_of_its_own(case),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page is the supplier's block page, as declared or as must-block sentinels get it",
        saw=_page,
    ),
    Rule(
        id="page-under-interception",
        matches=lambda case: case.intercepted and not _has_a_name_of_its_own(case)
        and (case.is_learned_page or case.looks_blocked),
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
        says="unavailable for legal reasons (RFC 7725), and not on the control line",
        saw=_looks,
    ),
    Rule(
        id="page-redirect",
        matches=lambda case: case.strayed and (case.looks_blocked or case.is_learned_page)
        and not _is_of_the_origin(case),
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was sent to a block page",
        saw=_astray,
    ),
    Rule(
        id="frame-not-followed",
        matches=lambda case: case.not_followed and not case.is_learned_page,
        state=State.INSUFFICIENT,
        says="a frame or a redirect in the page could not be followed",
        saw=lambda case: f"to {case.not_followed}; {_page(case)}",
    ),
    Rule(
        id="status-403",
        matches=lambda case: case.has_truth and is_refused_by_status(case),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="access is forbidden (403) without a page, and not on the control line",
        saw=_page,
    ),
    Rule(
        id="token-missing-server-error",
        matches=lambda case: case.has_truth and _status(case) >= SERVER_TROUBLE
        and case.look.kind is not Kind.BLOCK,
        state=State.INSUFFICIENT,
        says="the service answered with an error of its own, which may be trouble",
        saw=_page,
    ),
    Rule(
        id="page-recognised",
        matches=lambda case: case.looks_blocked and not _is_of_the_origin(case),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page says that it blocks, and the control's does not",
        saw=_looks,
    ),
    Rule(
        id="notice-beside-content",
        matches=lambda case: says_blocked(case) and not _is_of_the_origin(case),
        state=State.INSUFFICIENT,
        says="the page says that it blocks, but has room for other content beside that",
        saw=_what_else,
    ),
    Rule(
        id="page-not-recognised",
        matches=lambda case: case.has_truth,
        state=State.INSUFFICIENT,
        says="a page came that is neither the origin's nor recognised as a block page",
        saw=_what_came,
    ),
    Rule(
        id="origin-refusal",
        matches=_is_refusal,
        state=State.INSUFFICIENT,
        origin_refusal=True,
        says="the origin itself turned the client away",
        saw=_looks,
    ),
    Rule(
        id="page-authentic",
        matches=lambda case: _is_origins(case) and _status(case) < REFUSING,
        state=State.ALLOWED,
        says="the page came from the origin itself",
        saw=_beside,
    ),
    Rule(
        id="page-shrunken",
        matches=lambda case: _is_shrunken(case) and _status(case) < REFUSING
        and (_is_same(case) or case.bears_own_name),
        state=State.INSUFFICIENT,
        says="the title is the site's, but next to nothing of its page came",
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
        matches=lambda case: Kind.PARKED in (case.look.kind, case.control_look.kind),
        state=State.DOWN,
        says="the domain is parked",
        saw=_looks,
    ),
    Rule(
        id="page-bears-own-name",
        matches=lambda case: _status(case) < REFUSING and case.bears_own_name,
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
        matches=lambda case: _status(case) >= SERVER_TROUBLE,
        state=State.INSUFFICIENT,
        says="an error came, which may be trouble as well as a block",
        saw=_page,
    ),
    Rule(
        id="page-unclear",
        matches=lambda _: True,
        state=State.INSUFFICIENT,
        says="the page differs from the control's, and does not say why",
        saw=_beside,
    ),
)  # fmt: skip
