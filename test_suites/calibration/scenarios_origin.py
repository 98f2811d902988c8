"""Scenarios in which the origin itself is in the way: never a block of the service."""

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
            "the same challenge on both lines", refusal=True),
    _origin("origin-geo-block", FaultKind.GEO_BLOCK, State.INSUFFICIENT,
            "the same refusal on both lines", refusal=True),
    _origin("origin-legal", FaultKind.LEGAL, State.INSUFFICIENT,
            "the origin itself answers 451 on both lines", refusal=True),
    _origin("origin-error", FaultKind.SERVER_ERROR, State.DOWN, "the origin is in trouble"),
    _origin("origin-parked", FaultKind.PARKED, State.ALLOWED,
            "the same page on both lines, though nobody uses the domain"),
    _origin("origin-dead", FaultKind.DEAD, State.DOWN, "no answer on the control line either"),
    _origin("origin-gone", FaultKind.GONE, State.DOWN, "no name on the control line either",
            service="names"),
    _origin("own-captcha", FaultKind.CAPTCHA, State.DOWN,
            "our own origin without its token is not there", known="token"),
    _origin("own-error", FaultKind.SERVER_ERROR, State.DOWN,
            "our own origin without its token is not there", known="token"),
    _origin("own-dead", FaultKind.DEAD, State.DOWN, "no answer on the control line either",
            known="token"),
    _origin("own-dead-tls", FaultKind.DEAD, State.DOWN, "no answer on the control line either",
            known="token", probe="web_https"),
    _origin("own-dead-proxy", FaultKind.DEAD, State.DOWN,
            "the proxy's 502 is no block, for the control got nothing either",
            known="token", line="proxy"),
    _origin("own-gone", FaultKind.GONE, State.DOWN, "no name on the control line either",
            known="token", line="names", probe="dns", service="names"),
)  # fmt: skip

HERE_ONLY = (
    _origin("guest-captcha", FaultKind.CAPTCHA, State.INSUFFICIENT,
            "the origin mistrusts the service's address, and says so itself",
            service="gateway", refusal=True),
    _origin("guest-geo-block", FaultKind.GEO_BLOCK, State.INSUFFICIENT,
            "the origin does not serve where the service comes from",
            service="gateway", refusal=True),
    _origin("guest-legal", FaultKind.LEGAL, State.INSUFFICIENT,
            "the origin's own 451, for where the service comes from",
            service="gateway", refusal=True),
    _origin("guest-error", FaultKind.SERVER_ERROR, State.INSUFFICIENT,
            "an error on the service line only may be anybody's", service="gateway"),
)  # fmt: skip

HEALTHY = (
    _origin("well-gateway", None, State.ALLOWED, "nothing is in the way", known="token"),
    _origin("well-gateway-tls", None, State.ALLOWED, "nothing is in the way", known="token",
            probe="web_https"),
    _origin("well-proxy", None, State.ALLOWED, "nothing is in the way", known="token",
            line="proxy"),
    _origin("well-proxy-tls", None, State.ALLOWED, "nothing is in the way", known="token",
            line="proxy", probe="web_https"),
    _origin("well-names", None, State.ALLOWED, "nothing is in the way", known="token",
            line="names", probe="dns"),
    _origin("well-other", None, State.ALLOWED, "a site of other people, as the control sees it"),
    _origin("well-other-tls", None, State.ALLOWED, "a site of other people, as the control sees "
            "it", probe="web_https"),
)  # fmt: skip

ORIGIN_SCENARIOS = (*EVERYWHERE, *HERE_ONLY, *HEALTHY)
