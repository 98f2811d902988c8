"""Rules for trials of techniques: whether the page arrived by a technique.

The preconditions come first, so here the technique brought the page on the control line. On the
service's line it came, or it was stopped: by an answer other than the page, or a failure. Neither
needs to say that it blocks, since a refusal of the technique is what is asked for. Silence and
trouble of the line are decided by ``harness.judge.liveness``, as for pages.
"""

from __future__ import annotations

from harness.judge.rules.refusals import how_it_failed
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.facts import TechniqueFacts
from harness.model.observation import TIMEOUTS
from harness.model.private_address import PRIVATE_ADDRESS
from harness.model.verdict import Mechanism, State

TUNNEL_OPEN = range(200, 300)


def _is_technique(features: TrialFeatures) -> bool:
    return isinstance(features.service.facts, TechniqueFacts)


def _obstacle(features: TrialFeatures) -> str:
    """Why the service's line cannot carry the technique; empty if it was tried."""
    facts = features.service.facts
    return facts.obstacle if isinstance(facts, TechniqueFacts) else ""


def _was_tried(features: TrialFeatures) -> bool:
    """Whether something was sent by the technique, or its connection failed before."""
    facts = features.service.facts
    return isinstance(facts, TechniqueFacts) and bool(facts.sent or features.failure)


def _is_tunnel_refused(features: TrialFeatures) -> bool:
    is_refused = bool(features.tunnel) and features.tunnel not in TUNNEL_OPEN
    return is_refused or features.failure == "proxy_refused_tunnel"


def _is_led_elsewhere(features: TrialFeatures) -> bool:
    return features.failure in (PRIVATE_ADDRESS, "dns_bogon_error")


def _is_like_the_page(features: TrialFeatures) -> bool:
    """Whether an answer has the words of the control's page, and is no page of the allowed host."""
    facts = features.service.facts
    is_beside = isinstance(facts, TechniqueFacts) and facts.beside
    return features.answered and not is_beside and not features.is_unlike_origin


def _answer(features: TrialFeatures) -> str:
    web = features.web
    title = f", {web.title!r}" if web is not None and web.title else ""
    return f"service: status {features.status}{title}"


TECHNIQUE_RULES: tuple[Rule, ...] = (
    Rule(
        id="technique-not-carried",
        matches=_obstacle,
        state=State.DOWN,
        says="the line cannot carry the technique, so it was not tried",
        saw=_obstacle,
    ),
    Rule(
        id="technique-page-arrived",
        matches=lambda features: (
            _is_technique(features) and (features.content_arrived or features.origin_page_inside)
        ),
        state=State.ALLOWED,
        says="the page of the host arrived by the technique",
        saw=_answer,
    ),
    Rule(
        id="technique-not-tried",
        matches=lambda features: (
            _is_technique(features) and (not features.control_has_token or not _was_tried(features))
        ),
        state=State.INSUFFICIENT,
        says="nothing shows that the technique was tried",
    ),
    Rule(
        id="technique-block-page",
        matches=lambda features: (
            _is_technique(features) and (features.looks_blocked or features.is_learned_page)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="a block page came instead of the page that the control line got by this technique",
        saw=_answer,
    ),
    Rule(
        id="technique-tunnel-refused",
        matches=lambda features: _is_technique(features) and _is_tunnel_refused(features),
        state=State.BLOCKED,
        mechanism=Mechanism.PROXY_REFUSAL,
        says="the proxy opened no tunnel for the technique",
        saw=lambda features: f"the proxy answered CONNECT with {features.tunnel or 'a refusal'}",
    ),
    Rule(
        id="technique-led-elsewhere",
        matches=lambda features: _is_technique(features) and _is_led_elsewhere(features),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the technique led to an address that is not the origin's, and was not visited",
        saw=how_it_failed,
    ),
    Rule(
        id="technique-silence",
        matches=lambda features: _is_technique(features) and features.failure in TIMEOUTS,
        state=State.BLOCKED,
        mechanism=Mechanism.SILENT_DROP,
        says="no answer to the technique came in time",
        saw=how_it_failed,
    ),
    Rule(
        id="technique-head-unread",
        matches=lambda features: _is_technique(features) and features.head_is_unread,
        state=State.INSUFFICIENT,
        says="the head of the answer was too long to read, and the page may follow it",
        saw=how_it_failed,
    ),
    Rule(
        id="technique-failed",
        matches=lambda features: _is_technique(features) and features.failure,
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="the technique, by which the page came on the control line, failed",
        saw=how_it_failed,
    ),
    Rule(
        id="technique-page-without-marks",
        matches=lambda features: _is_technique(features) and _is_like_the_page(features),
        state=State.INSUFFICIENT,
        says="an answer came that is like the page, without the marks that only the origin knows",
        saw=_answer,
    ),
    Rule(
        id="technique-answered-otherwise",
        matches=_is_technique,
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="an answer came without the page that the control line got by this technique",
        saw=_answer,
    ),
)
"""The rules in their order; the first that matches gives the verdict."""
