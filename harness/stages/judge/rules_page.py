"""Rules about web trials that were answered without the token: they tell whose page it was."""

from __future__ import annotations

from harness.model.verdict import Mechanism, State
from harness.stages.judge.case import Case
from harness.stages.judge.recognise import Kind
from harness.stages.judge.rule import Rule

FORBIDDEN, LEGAL, SERVER_TROUBLE = 403, 451, 500
SAME, UNLIKE = 0.6, 0.35
"""Likeness from which a page counts as the control's, and below which as another."""


def _page(case: Case) -> str:
    if case.web is None:
        return ""
    title = f", {case.web.title!r}" if case.web.title else ""
    return f"service: status {case.status}{title}"


def _looks(case: Case) -> str:
    return "; ".join((_page(case), *case.look.witnesses))


def _beside(case: Case) -> str:
    control = case.control_web
    title = f", {control.title!r}" if control and control.title else ""
    status = control.status if control else None
    return f"{_page(case)}; control: status {status}{title}; likeness {case.likeness:.2f}"


def _control_status(case: Case) -> int | None:
    return case.control_web.status if case.control_web else None


def _is_block_look(case: Case) -> bool:
    return case.look.kind is Kind.BLOCK and case.control_look.kind is not Kind.BLOCK


def _truth_missing(case: Case) -> bool:
    return case.has_truth


def _is_refusal(case: Case) -> bool:
    own = case.authentic and (case.status or 0) >= 400 and not case.intercepted  # noqa: PLR2004
    return own or case.look.kind is Kind.REFUSAL


PAGE_RULES: tuple[Rule, ...] = (
    Rule(
        id="page-learned",
        matches=lambda case: case.is_learned_page and not case.intercepted
        and case.status != LEGAL and not case.strayed,  # these two have names of their own
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page is the one that the must-block sentinels get",
        saw=_page,
    ),
    Rule(
        id="page-under-interception",
        matches=lambda case: case.intercepted
        and (case.has_truth or case.is_learned_page or _is_block_look(case)),
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="a page that is not the origin's came over an intercepted TLS connection",
        saw=_page,
    ),
    Rule(
        id="origin-451",
        matches=lambda case: case.status == LEGAL and not case.has_truth
        and (case.authentic or _control_status(case) == LEGAL),
        state=State.INSUFFICIENT,
        origin_refusal=True,
        says="the origin itself withholds the page for legal reasons",
        saw=_page,
    ),
    Rule(
        id="status-451",
        matches=lambda case: case.status == LEGAL,
        state=State.BLOCKED,
        mechanism=Mechanism.HTTP_451,
        says="unavailable for legal reasons (RFC 7725), and not on the control line",
        saw=_page,
    ),
    Rule(
        id="token-missing-redirect",
        matches=lambda case: case.has_truth and case.strayed,
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was sent to a host that the control never went to",
        saw=lambda case: f"to {case.strayed}; {_page(case)}",
    ),
    Rule(
        id="token-missing-server-error",
        matches=lambda case: case.has_truth and (case.status or 0) >= SERVER_TROUBLE
        and case.look.kind is not Kind.BLOCK,
        state=State.INSUFFICIENT,
        says="the service answered with an error of its own, which may be trouble",
        saw=_page,
    ),
    Rule(
        id="token-missing",
        matches=_truth_missing,
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="a page came that is not the origin's",
        saw=_page,
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
        id="parked",
        matches=lambda case: Kind.PARKED in (case.look.kind, case.control_look.kind),
        state=State.DOWN,
        says="the domain is parked",
        saw=_looks,
    ),
    Rule(
        id="page-redirect",
        matches=lambda case: _is_block_look(case) and case.strayed,
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was sent to a block page",
        saw=lambda case: f"to {case.strayed}; {_looks(case)}",
    ),
    Rule(
        id="page-recognised",
        matches=_is_block_look,
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page says that it blocks, and the control's does not",
        saw=_looks,
    ),
    Rule(
        id="page-same",
        matches=lambda case: case.likeness >= SAME and case.status == _control_status(case),
        state=State.ALLOWED,
        says="the page is the one that the control sees",
        saw=_beside,
    ),
    Rule(
        id="page-server-error",
        matches=lambda case: (case.status or 0) >= SERVER_TROUBLE,
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
