"""Rules for other people's measurements without a control, or whose control failed.

A page alone is a block page by its own words, or it shows nothing; only verified TLS can show that
it is the origin's. Campaigns never use these rules, because their trials have a control.
"""

from __future__ import annotations

from harness.judge.block_page_classifier import PageKind
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.verdict import Mechanism, State

LEGAL, REFUSING = 451, 400


def _looks(features: TrialFeatures) -> str:
    status = f"status {features.status}"
    title = f", {features.web.title!r}" if features.web and features.web.title else ""
    return "; ".join((status + title, *features.classification.witnesses))


UNRESOLVED = frozenset({"dns_nxdomain_error", "dns_no_answer"})
"""Failures of the control's resolver for a name without an address."""


def _is_answered_alone(features: TrialFeatures) -> bool:
    failure = features.control.failure if features.control is not None else None
    return bool(features.addresses) and failure is not None and failure.name in UNRESOLVED


PROVEN_RULES: tuple[Rule, ...] = (
    Rule(
        id="dns-answered-alone",
        matches=_is_answered_alone,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the resolver gives an address for a name that the control cannot resolve",
        saw=lambda features: f"service: {', '.join(sorted(features.addresses)[:4])}",
    ),
    Rule(
        id="proven-origin",
        matches=lambda features: features.proven and (features.status or 0) < REFUSING,
        state=State.ALLOWED,
        says="the page came over TLS that ends at the origin, whatever the control saw",
        saw=_looks,
    ),
)
"""For other people's measurements: a verified origin needs no control that answers.

Campaigns do not use it, because they leave dead targets out of their counts."""

ALONE_RULES: tuple[Rule, ...] = (
    Rule(
        id="alone-origin-refusal",
        matches=lambda features: features.classification.kind is PageKind.REFUSAL,
        state=State.INSUFFICIENT,
        origin_refusal=True,
        says="the page is one with which origins themselves refuse clients",
        saw=_looks,
    ),
    Rule(
        id="alone-parked",
        matches=lambda features: features.classification.kind is PageKind.PARKED,
        state=State.DOWN,
        says="the domain is parked",
        saw=_looks,
    ),
    Rule(
        id="alone-intercepted",
        matches=lambda features: (
            features.classification.kind is PageKind.BLOCK and features.issuer_is_private
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="the page says that it blocks, and its certificate is of no public authority",
        saw=_looks,
    ),
    Rule(
        id="alone-redirect",
        matches=lambda features: (
            features.classification.kind is PageKind.BLOCK and features.redirected_host
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was redirected to a block page",
        saw=lambda features: f"to {features.redirected_host}; {_looks(features)}",
    ),
    Rule(
        id="alone-451",
        matches=lambda features: (
            features.status == LEGAL and features.classification.kind is PageKind.BLOCK
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.HTTP_451,
        says="the page says that it blocks for legal reasons (RFC 7725)",
        saw=_looks,
    ),
    Rule(
        id="alone-block-page",
        matches=lambda features: features.classification.kind is PageKind.BLOCK,
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="the page says by itself that it blocks",
        saw=_looks,
    ),
    Rule(
        id="alone-unclear",
        matches=lambda _: True,
        state=State.INSUFFICIENT,
        says="without a control, it cannot be told whether the page is the origin's",
        saw=_looks,
    ),
)
