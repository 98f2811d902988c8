"""Rules for checks of TLS: whether the page came to a client as strict as a current browser.

The origin's host shows a fault on purpose, or none. So neither state speaks for or against a
service: the metrics of TLS compare what each client saw on both lines
(``harness.model.tls_trial``). A control line whose strict client fails is in no trouble: the
lenient client got the page there, or the preconditions have ended the trial.
"""

from __future__ import annotations

from harness.judge.rules.refusals import how_it_failed
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.facts import TlsFacts
from harness.model.observation import TIMEOUTS
from harness.model.tls_view import TlsView
from harness.model.verdict import Mechanism, State


def _strict(features: TrialFeatures) -> TlsView | None:
    facts = features.service.facts
    views = facts.views if isinstance(facts, TlsFacts) else ()
    return next((one for one in views if one.client == "strict"), None)


def _is_check(features: TrialFeatures) -> bool:
    return isinstance(features.service.facts, TlsFacts)


def _came(features: TrialFeatures) -> bool:
    """Whether the page came; a sentinel, which no strict client looked at, by its token."""
    strict = _strict(features)
    return strict.has_token if strict is not None else features.content_arrived


def _saw(features: TrialFeatures) -> str:
    strict = _strict(features)
    if strict is None:
        return how_it_failed(features) if features.failure else f"service: status {features.status}"
    if strict.failure:
        return f"strict client: {strict.failure} at {strict.stage} ({strict.detail})"
    title = f", {strict.title!r}" if strict.title else ""
    return f"strict client: {strict.version}, status {strict.status}{title}"


TLS_RULES: tuple[Rule, ...] = (
    Rule(
        id="tls-check-page-came",
        matches=lambda features: _is_check(features) and _came(features),
        state=State.ALLOWED,
        says="the page came to a client that verifies as a current browser does",
        saw=_saw,
    ),
    Rule(
        id="tls-check-without-control",
        matches=lambda features: _is_check(features) and not features.control_has_token,
        state=State.INSUFFICIENT,
        says="the page did not come on the control line to any client",
    ),
    Rule(
        id="tls-check-block-page",
        matches=lambda features: (
            _is_check(features) and (features.looks_blocked or features.is_learned_page)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.BLOCK_PAGE,
        says="a block page came instead of the page",
        saw=_saw,
    ),
    Rule(
        id="tls-check-silence",
        matches=lambda features: _is_check(features) and features.failure in TIMEOUTS,
        state=State.INSUFFICIENT,
        says="nothing came in time",
        saw=_saw,
    ),
    Rule(
        id="tls-check-alert",
        matches=lambda features: _is_check(features) and features.failure == "tls_alert",
        state=State.BLOCKED,
        mechanism=Mechanism.TLS_ALERT,
        says="the handshake was ended by an alert",
        saw=_saw,
    ),
    Rule(
        id="tls-check-not-accepted",
        matches=_is_check,
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="the page did not come to a client that verifies as a current browser does",
        saw=_saw,
    ),
    Rule(
        id="tls-check-not-recorded",
        matches=lambda features: (
            features.control is not None and isinstance(features.control.facts, TlsFacts)
        ),
        state=State.INSUFFICIENT,
        says="nothing is on record of the connection over the service's line",
    ),
)
"""The rules in their order; the first that matches gives the verdict."""
