"""Rules for what a trial needs: a control that answers, and a line that works."""

from __future__ import annotations

from harness.judge import block_page_classifier
from harness.judge.rules.dns import asks_https
from harness.judge.rules.refusals import how_it_failed
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.content_form import form_of
from harness.model.observation import LIST_PROGRAM, LOCAL_TROUBLE
from harness.model.private_address import PRIVATE_ADDRESS
from harness.model.verdict import Mechanism, State


def _is_refused(features: TrialFeatures) -> bool:
    return features.failure == PRIVATE_ADDRESS


def _was_sent_there(features: TrialFeatures) -> bool:
    return _is_refused(features) and features.web is not None and bool(features.web.hops)


def _where(features: TrialFeatures) -> str:
    return block_page_classifier.server_of(features.web.url) if features.web is not None else ""


PRIVATE_RULES: tuple[Rule, ...] = (
    Rule(
        id="private-redirect-learned",
        matches=lambda features: (
            _was_sent_there(features) and _where(features) in features.fingerprints.servers
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was redirected to the same server as must-block sentinels, which has a "
        "private address and was not visited",
        saw=lambda features: f"to {_where(features)}",
    ),
    Rule(
        id="private-redirect",
        matches=_was_sent_there,
        state=State.INSUFFICIENT,
        says="the client was redirected to an undeclared private address that was not visited",
        saw=how_it_failed,
    ),
    Rule(
        id="private-address",
        matches=_is_refused,
        state=State.INSUFFICIENT,
        says="the host has a private address on the service line, which was not visited",
        saw=how_it_failed,
    ),
)


SERVER_TROUBLE = 500
PROXY_WANTS_NAME = 407


def _control_failed(features: TrialFeatures) -> object:
    return features.control is not None and features.control.failure


def _list_program_failure(features: TrialFeatures) -> str:
    seen = (features.service, features.control)
    failures = [one.failure for one in seen if one is not None and one.failure is not None]
    return next((one.detail for one in failures if one.name == LIST_PROGRAM), "")


def _is_private_on_control(features: TrialFeatures) -> bool:
    failure = features.control.failure if features.control is not None else None
    return failure is not None and failure.name == PRIVATE_ADDRESS


def _control_failure(features: TrialFeatures) -> str:
    failure = features.control.failure if features.control is not None else None
    return f"control: {failure.name} at {failure.stage}" if failure else ""


def _unlike(features: TrialFeatures) -> bool:
    control = features.control.facts if features.control is not None else None
    service = features.service.facts
    return service is not None and control is not None and type(service) is not type(control)


def _control_status(features: TrialFeatures) -> int:
    return (features.control_web.status if features.control_web else None) or 0


def _form_missed(features: TrialFeatures) -> str:
    """The content coding that the item is about, if the control's page came without it."""
    control, form = features.control_web, form_of(features.service.item.stratum)
    if control is None or control.status is None or form is None:
        return ""
    came = {coding.removeprefix("x-") for coding in control.codings}  # RFC 9110 section 8.4.1.3
    return "" if form.coding in ("", *came) else form.coding


def _service_failure(features: TrialFeatures) -> str:
    return f"service: {features.failure} at {features.stage}"


def _resolver_gone(features: TrialFeatures) -> bool:
    names = {"connection_refused", "network_unreachable", "host_unreachable", "connection_reset",
             "eof_error", "connection_aborted"}  # fmt: skip
    return features.is_dns and features.failure in names


def _has_no_address(features: TrialFeatures) -> bool:
    """Whether the control gives no address. HTTPS records (RFC 9460) need not have any."""
    control = features.control_dns
    if control is None or control.answers:
        return False
    return not (asks_https(control) and control.rcode == "NOERROR")


PRECONDITION_RULES: tuple[Rule, ...] = (
    Rule(
        id="control-missing",
        matches=lambda features: features.control is None,
        state=State.INSUFFICIENT,
        says="nothing was measured on the control line",
    ),
    Rule(
        id="list-program-failed",
        matches=_list_program_failure,
        state=State.INSUFFICIENT,
        says="the sealed list program gave no answer that can be used",
        saw=_list_program_failure,
    ),
    Rule(
        id="instrument-service",
        matches=lambda features: features.failure.startswith("instrument_"),
        state=State.INSUFFICIENT,
        says="our own equipment failed on the service line",
        saw=_service_failure,
    ),
    Rule(
        id="instrument-control",
        matches=lambda features: (
            features.control and features.control.failure and features.control.failure.is_instrument
        ),
        state=State.INSUFFICIENT,
        says="our own equipment failed on the control line",
        saw=_control_failure,
    ),
    Rule(
        id="control-private-address",
        matches=_is_private_on_control,
        state=State.DOWN,
        says="the target has a private address, or redirects to one, on the control line as well",
        saw=_control_failure,
    ),
    Rule(
        id="control-failed",
        matches=_control_failed,
        state=State.DOWN,
        says="the target does not answer on the control line either",
        saw=_control_failure,
    ),
    Rule(
        id="control-without-facts",
        matches=lambda features: features.control is not None and features.control.facts is None,
        state=State.INSUFFICIENT,
        says="the control recorded neither an answer nor a failure",
    ),
    Rule(
        id="control-of-another-kind",
        matches=_unlike,
        state=State.INSUFFICIENT,
        says="service and control were tried in different ways",
    ),
    Rule(
        id="control-without-token",
        matches=lambda features: (
            features.control_web is not None
            and features.control_web.canary == "absent"
            and not features.control_has_token
        ),
        state=State.DOWN,
        says="the origin's token did not arrive on the control line",
    ),
    Rule(
        id="control-server-error",
        matches=lambda features: (
            _control_status(features) >= SERVER_TROUBLE and not features.control_has_token
        ),
        state=State.DOWN,
        says="the target answers with its own error on the control line",
        saw=lambda features: f"control: status {_control_status(features)}",
    ),
    Rule(
        id="control-without-coding",
        matches=_form_missed,
        state=State.DOWN,
        says="the page did not arrive in its content coding on the control line either, so the "
        "coding was not tried",
        saw=lambda features: f"missing: {_form_missed(features)}",
    ),
    Rule(
        id="control-no-address-answered",
        matches=lambda features: _has_no_address(features) and features.addresses,
        state=State.DOWN,
        says="the name has no address on the control line, but the service gives one",
        saw=lambda features: f"service: {', '.join(sorted(features.addresses)[:4])}",
    ),
    Rule(
        id="control-no-address",
        matches=_has_no_address,
        state=State.DOWN,
        says="the name has no address on the control line",
        saw=lambda features: (
            f"control: {features.control_dns.rcode}" if features.control_dns else ""
        ),
    ),
    Rule(
        id="control-unreached",
        matches=lambda features: (
            features.control_reach is not None and not features.control_reach.reached
        ),
        state=State.DOWN,
        says="the far end was not reached on the control line",
    ),
    Rule(
        id="local-trouble",
        matches=lambda features: features.failure in LOCAL_TROUBLE,
        state=State.INSUFFICIENT,
        says="the client's own network failed",
        saw=_service_failure,
    ),
    Rule(
        id="proxy-unreachable",
        matches=lambda features: features.stage == "proxy_connect",
        state=State.INSUFFICIENT,
        says="the service's proxy was not reached",
        saw=_service_failure,
    ),
    Rule(
        id="proxy-wants-a-name",
        matches=lambda features: (
            features.failure == "proxy_authentication_required"
            or PROXY_WANTS_NAME in (features.tunnel, features.status)
        ),
        state=State.INSUFFICIENT,
        says="the proxy requires credentials (407), so nothing was tried: a name or password is "
        "missing, wrong or expired",
    ),
    Rule(
        id="resolver-unreachable",
        matches=_resolver_gone,
        state=State.INSUFFICIENT,
        says="the service's resolver was not reached",
        saw=_service_failure,
    ),
)
