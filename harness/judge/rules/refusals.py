"""Explicit refusals: failures that count as a block although no block page was seen.

A refusal is a failure at a stage that the control passed for the same item in the same batch,
before any part of an answer came. Nothing else is a refusal: silence, broken answers, server
errors, and failures that a browser may not have are not listed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.judge.block_page_check import READ, says_nothing
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.observation import OTHER_CERTIFICATES, Stage
from harness.model.verdict import Mechanism, State

BEFORE_AN_ANSWER: frozenset[Stage] = frozenset({"tunnel", "connect", "tls", "request", "response"})
"""Includes failures that only TLS has, because other people's measurements name no stage."""
RESOLVE: frozenset[Stage] = frozenset({"resolve"})


FORBIDDEN, LEGAL = 403, 451
REFUSED = frozenset({FORBIDDEN, LEGAL})
_LEGAL_WORDS = re.compile(r"\b(?:legal|law|court|order(?:ed)?|copyright|rfc 7725)\b")
"""Words of the reasons that a page with status 451 should give (RFC 7725)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refusal: a failure at some stages, and what the control showed at that stage."""

    rule: str
    failures: frozenset[str]
    stages: frozenset[Stage]
    control: str
    mechanism: Mechanism
    says: str

    def matches(self, features: TrialFeatures) -> bool:
        """Whether the service refused in this way, and no part of an answer had come."""
        if features.failure not in self.failures or features.stage not in self.stages:
            return False
        return features.status is None

    def as_rule(self) -> Rule:
        """Return the refusal as a rule."""
        return Rule(
            id=self.rule,
            matches=self.matches,
            state=State.BLOCKED,
            mechanism=self.mechanism,
            says=self.says,
            saw=how_it_failed,
        )


def is_refused_by_status(features: TrialFeatures) -> bool:
    """Whether the answer is complete, refuses by its status, and has no page."""
    return features.web is not None and features.status in REFUSED and says_nothing(features.web)


def is_refused_for_legal_reasons(features: TrialFeatures) -> bool:
    """Whether the answer is 451 with a block page, a short page about the law, or no page."""
    web = features.web
    if web is None or features.status != LEGAL:
        return False
    if is_refused_by_status(features) or features.looks_blocked or features.is_learned_page:
        return True
    says_why = bool(_LEGAL_WORDS.search(f"{web.title} {web.text}".casefold()))
    if features.control_has_token and not (says_why and features.is_unlike_origin):
        return False
    return not features.fingerprints.may_hold_other_content(
        web, features.control_web, READ if says_why else 0
    )


def how_it_failed(features: TrialFeatures) -> str:
    """The service's failure in words: name, stage and detail."""
    failure = features.service.failure
    detail = f" ({failure.detail})" if failure and failure.detail else ""
    return f"service: {features.failure} at {features.stage}{detail}"


RESOLVED, CONNECTED = "the name resolves", "the connection is made"
HANDSHAKE, ANSWERED = "the TLS handshake succeeds", "the connection is made and an answer comes"

NAME_REFUSALS = (
    Refusal(
        rule="resolve-nxdomain",
        failures=frozenset({"dns_nxdomain_error"}),
        stages=RESOLVE,
        control=RESOLVED,
        mechanism=Mechanism.DNS_NXDOMAIN,
        says="the name does not resolve on the service line",
    ),
    Refusal(
        rule="resolve-nodata",
        failures=frozenset({"dns_no_answer"}),
        stages=RESOLVE,
        control=RESOLVED,
        mechanism=Mechanism.DNS_NODATA,
        says="the name has no address on the service line",
    ),
    Refusal(
        rule="resolve-refused",
        failures=frozenset({"dns_refused_error"}),
        stages=RESOLVE,
        control=RESOLVED,
        mechanism=Mechanism.DNS_REFUSED,
        says="the resolver of the service line refuses the name",
    ),
    Refusal(
        rule="resolve-bogon",
        failures=frozenset({"dns_bogon_error"}),
        stages=RESOLVE,
        control=RESOLVED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the name resolves to an address that cannot be reached on the service line",
    ),
)
"""Refusals by the resolver of a line that resolves names itself."""

CONNECTION_REFUSALS = (
    Refusal(
        rule="reset",
        failures=frozenset({"connection_reset", "connection_aborted"}),
        stages=BEFORE_AN_ANSWER,
        control=ANSWERED,
        mechanism=Mechanism.TCP_RESET,
        says="the connection was reset before an answer",
    ),
    Refusal(
        rule="refused",
        failures=frozenset({"connection_refused"}),
        stages=BEFORE_AN_ANSWER,
        control=CONNECTED,
        mechanism=Mechanism.TCP_REFUSED,
        says="the connection was refused",
    ),
    Refusal(
        rule="closed",
        failures=frozenset({"eof_error"}),
        stages=BEFORE_AN_ANSWER,
        control=ANSWERED,
        mechanism=Mechanism.TCP_EOF,
        says="the connection was closed without an answer",
    ),
    Refusal(
        rule="unreachable",
        failures=frozenset({"host_unreachable", "network_unreachable"}),
        stages=BEFORE_AN_ANSWER,
        control=CONNECTED,
        mechanism=Mechanism.ICMP_UNREACHABLE,
        says="the target was reported unreachable",
    ),
    Refusal(
        rule="tls-alert",
        failures=frozenset({"tls_alert"}),
        stages=BEFORE_AN_ANSWER,
        control=HANDSHAKE,
        mechanism=Mechanism.TLS_ALERT,
        says="the TLS handshake was ended by an alert",
    ),
    Refusal(
        rule="tls-false-certificate",
        failures=OTHER_CERTIFICATES,
        stages=BEFORE_AN_ANSWER,
        control="the origin's own certificate is shown",
        mechanism=Mechanism.TLS_INTERCEPT_PAGE,
        says="another party's certificate was shown instead of the origin's, and no page came",
    ),
)
"""Refusals by the network or a gateway."""

REFUSALS = (*NAME_REFUSALS, *CONNECTION_REFUSALS)
