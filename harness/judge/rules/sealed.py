"""Rules for entries of sealed lists: content came, or a notice that is known to be the service's.

A notice is evidence of a block by its status (403 or 451, unless the control saw such a status
too), or by its digest, if a must-block check entry met the same notice on the line. What the
program merely calls a notice is none. Where nothing came, the rules for web failures follow.
"""

from __future__ import annotations

from harness.judge.rules.refusals import REFUSED
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.facts import SealedFacts
from harness.model.observation import Observation
from harness.model.verdict import Mechanism, State

GONE = 400
"""Statuses from here on show that the page has gone, or is not shown to anybody."""

NOTICES = {
    Mechanism.BLOCK_PAGE: "a block page came",
    Mechanism.HTTP_451: "a refusal for legal reasons came",
    Mechanism.REDIRECT: "the client was redirected to a block page",
    Mechanism.PROXY_REFUSAL: "the proxy refused",
    Mechanism.TLS_INTERCEPT_PAGE: "a block page came with another party's certificate",
    Mechanism.DNS_SINKHOLE: "the name led to the address of a block page",
}
"""How notices come, in words."""


def _facts(seen: Observation | None) -> SealedFacts | None:
    facts = seen.facts if seen is not None else None
    return facts if isinstance(facts, SealedFacts) else None


def _is_gone_on_control(features: TrialFeatures) -> bool:
    control = _facts(features.control)
    if control is None:
        return False
    return control.arrived != "content" or (control.status or 0) >= GONE


def _arrived(features: TrialFeatures) -> str:
    facts = _facts(features.service)
    return facts.arrived if facts is not None else ""


def _is_known_notice(features: TrialFeatures) -> bool:
    facts = _facts(features.service)
    if facts is None or facts.arrived != "notice":
        return False
    is_learned = bool(facts.notice) and facts.notice in features.fingerprints.notices
    return is_learned or facts.status in REFUSED


def _came_by(features: TrialFeatures, mechanism: Mechanism) -> bool:
    facts = _facts(features.service)
    return facts is not None and facts.mechanism == mechanism and _is_known_notice(features)


def _seen(features: TrialFeatures) -> str:
    service, control = _facts(features.service), _facts(features.control)
    told = [
        f"{name}: {facts.arrived}{f' by {facts.mechanism}' if facts.mechanism else ''}, "
        f"status {facts.status or 'unknown'}"
        for name, facts in (("service", service), ("control", control))
        if facts is not None
    ]
    return "; ".join(told)


def _notice_rule(mechanism: Mechanism, words: str) -> Rule:
    return Rule(
        id=f"sealed-{mechanism.value.replace('_', '-')}",
        matches=lambda features: _came_by(features, mechanism),
        state=State.BLOCKED,
        mechanism=mechanism,
        says=f"{words}, says the sealed list program",
        saw=_seen,
    )


SEALED_RULES: tuple[Rule, ...] = (
    Rule(
        id="sealed-gone",
        matches=_is_gone_on_control,
        state=State.DOWN,
        says="the entry's content does not come on the control line either",
        saw=_seen,
    ),
    Rule(
        id="sealed-content",
        matches=lambda features: _arrived(features) == "content",
        state=State.ALLOWED,
        says="the entry's content came, says the sealed list program",
        saw=_seen,
    ),
    *(_notice_rule(mechanism, words) for mechanism, words in NOTICES.items()),
    Rule(
        id="sealed-notice-unknown",
        matches=lambda features: _arrived(features) == "notice",
        state=State.INSUFFICIENT,
        says="the sealed list program calls the answer a notice, but neither its status nor a "
        "must-block check entry shows that it is one",
        saw=_seen,
    ),
)
"""After the preconditions, and before the rules for web failures."""
