"""Scenarios in which the origin itself refuses or fails, which is never a block of the service."""

from __future__ import annotations

from harness.model.verdict import Mechanism, State
from probes.range.faults import Fault, FaultKind
from test_suites.calibration.scenario import Known, LineName, ProbeName, Scenario


def _origin(
    name: str,
    kind: FaultKind | None,
    state: State,
    why: str,
    *,
    service: str = "origin",
    line: LineName = "gateway",
    probe: ProbeName = "web",
    known: Known = "page",
    refusal: bool = False,
) -> Scenario:
    return Scenario(
        name=name,
        layer="origin",
        plays=() if kind is None else (Fault(kind=kind, service=service),),
        probe=probe,
        line=line,
        state=state,
        mechanism=Mechanism.NONE,
        why=why,
        known=known,
        refusal=refusal,
    )


EVERYWHERE = (
    _origin("origin-captcha", FaultKind.CAPTCHA, State.INSUFFICIENT,
            "both lines get the same challenge", refusal=True),
    _origin("origin-geo-block", FaultKind.GEO_BLOCK, State.INSUFFICIENT,
            "both lines get the same refusal", refusal=True),
    _origin("origin-legal", FaultKind.LEGAL, State.INSUFFICIENT,
            "the origin itself answers 451 on both lines", refusal=True),
    _origin("origin-error", FaultKind.SERVER_ERROR, State.DOWN, "the origin answers with an error on both lines"),
    _origin("origin-parked", FaultKind.PARKED, State.ALLOWED,
            "both lines get the same page, although the domain is parked"),
    _origin("origin-dead", FaultKind.DEAD, State.DOWN, "no answer on the control line either"),
    _origin("origin-gone", FaultKind.GONE, State.DOWN, "the name does not exist on the control line either",
            service="names"),
    _origin("own-captcha", FaultKind.CAPTCHA, State.DOWN,
            "our own origin answers without its token on both lines", known="token"),
    _origin("own-error", FaultKind.SERVER_ERROR, State.DOWN,
            "our own origin answers without its token on both lines", known="token"),
    _origin("own-dead", FaultKind.DEAD, State.DOWN, "no answer on the control line either",
            known="token"),
    _origin("own-dead-tls", FaultKind.DEAD, State.DOWN, "no answer on the control line either",
            known="token", probe="web_https"),
    _origin("own-dead-proxy", FaultKind.DEAD, State.DOWN,
            "the proxy's 502 is not a block, because the control got no answer either",
            known="token", line="proxy"),
    _origin("own-gone", FaultKind.GONE, State.DOWN, "the name does not exist on the control line either",
            known="token", line="names", probe="dns", service="names"),
)  # fmt: skip

HERE_ONLY = (
    _origin("guest-captcha", FaultKind.CAPTCHA, State.INSUFFICIENT,
            "the origin itself refuses the service's address with a challenge",
            service="gateway", refusal=True),
    _origin("guest-geo-block", FaultKind.GEO_BLOCK, State.INSUFFICIENT,
            "the origin does not serve the country of the service's address",
            service="gateway", refusal=True),
    _origin("guest-legal", FaultKind.LEGAL, State.INSUFFICIENT,
            "the origin itself answers 451 to the country of the service's address",
            service="gateway", refusal=True),
    _origin("guest-error", FaultKind.SERVER_ERROR, State.INSUFFICIENT,
            "an error on the service line only may come from the origin or the service", service="gateway"),
)  # fmt: skip

HEALTHY = (
    _origin("well-gateway", None, State.ALLOWED, "nothing is blocked or broken", known="token"),
    _origin("well-gateway-tls", None, State.ALLOWED, "nothing is blocked or broken", known="token",
            probe="web_https"),
    _origin("well-proxy", None, State.ALLOWED, "nothing is blocked or broken", known="token",
            line="proxy"),
    _origin("well-proxy-tls", None, State.ALLOWED, "nothing is blocked or broken", known="token",
            line="proxy", probe="web_https"),
    _origin("well-names", None, State.ALLOWED, "nothing is blocked or broken", known="token",
            line="names", probe="dns"),
    _origin("well-other", None, State.ALLOWED, "another party's site gives the same page on both lines"),
    _origin("well-other-tls", None, State.ALLOWED, "another party's site gives the same page "
            "on both lines", probe="web_https"),
)  # fmt: skip

ORIGIN_SCENARIOS = (*EVERYWHERE, *HERE_ONLY, *HEALTHY)
