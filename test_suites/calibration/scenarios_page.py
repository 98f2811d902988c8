"""Scenarios in which another answer comes than the origin's, or only a part of it."""

from __future__ import annotations

from harness.model.verdict import Mechanism, State
from probes.range.faults import Fault, FaultKind
from probes.range.zone import LANDING_ADDRESS
from test_suites.calibration.scenario import Known, LineName, ProbeName, Scenario

FIRST, EARLY, LATE = 0.08, 0.2, 0.97
"""Shares of the body: before any delivery word, after the first one, and after the token."""


def _http(
    name: str,
    fault: Fault | FaultKind,
    state: State,
    mechanism: Mechanism,
    why: str,
    *,
    line: LineName = "gateway",
    probe: ProbeName = "web",
    known: Known = "token",
    intercepted: bool = False,
) -> Scenario:
    played = fault if isinstance(fault, Fault) else Fault(kind=fault, service=line)
    return Scenario(
        name=name,
        layer="http",
        plays=(played,),
        probe=probe,
        line=line,
        state=state,
        mechanism=mechanism,
        why=why,
        known=known,
        intercepted=intercepted,
    )


def _broken(kind: FaultKind, share: float) -> Fault:
    return Fault(kind=kind, service="gateway", share=share)


def _leading(kind: FaultKind) -> Fault:
    """A fault that leads to the supplier's server, which has no name in our zone."""
    return Fault(kind=kind, service="gateway", to=LANDING_ADDRESS)


INSTEAD = (
    _http("page-200", FaultKind.PAGE_200, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "a block page with status 200 comes instead of the origin's page"),
    _http("page-403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "a block page with status 403 comes instead of the origin's page"),
    _http("page-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451,
          "withheld for legal reasons, but not on the control line"),
    _http("page-302", FaultKind.REDIRECT, State.BLOCKED, Mechanism.REDIRECT,
          "redirected to a host to which the control was not redirected"),
    _http("page-frame", FaultKind.FRAME, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "an otherwise empty page shows the supplier's page in a frame"),
    _http("page-refresh", FaultKind.META_REFRESH, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "an otherwise empty page forwards to the supplier's page"),
    _http("page-echo", FaultKind.ECHO, State.INSUFFICIENT, Mechanism.NONE,
          "the page repeats the request: it is neither the origin's nor a known block page"),
    _http("page-503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
          "an error of the service may be a block or a technical fault"),
    _http("page-garbage", FaultKind.GARBAGE, State.INSUFFICIENT, Mechanism.NONE,
          "the answer is not HTTP, which may be a block or a technical fault"),
    _http("proxy-200", FaultKind.PAGE_200, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "the same from a proxy", line="proxy"),
    _http("proxy-403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "the same from a proxy", line="proxy"),
    _http("proxy-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451,
          "the same from a proxy", line="proxy"),
    _http("proxy-302", FaultKind.REDIRECT, State.BLOCKED, Mechanism.REDIRECT,
          "the same from a proxy", line="proxy"),
    _http("proxy-503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
          "a proxy that cannot reach the page answers in the same way", line="proxy"),
    _http("proxy-tunnel-403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.PROXY_REFUSAL,
          "CONNECT is refused", line="proxy", probe="web_https"),
    _http("proxy-tunnel-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.PROXY_REFUSAL,
          "CONNECT is refused; a browser would not show the page", line="proxy", probe="web_https"),
    _http("proxy-tunnel-302", FaultKind.REDIRECT, State.BLOCKED, Mechanism.PROXY_REFUSAL,
          "CONNECT is refused; a browser would not follow the redirect", line="proxy", probe="web_https"),
    _http("proxy-tunnel-503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
          "a proxy that cannot reach the host answers in the same way", line="proxy", probe="web_https"),
)  # fmt: skip

CHANGED = (
    _http("page-banner", FaultKind.BANNER, State.ALLOWED, Mechanism.NONE,
          "the origin's page comes with a banner added"),
    _http("page-banner-tls", FaultKind.BANNER, State.ALLOWED, Mechanism.NONE,
          "the same under interception", probe="web_https", intercepted=True),
    _http("page-cut-first", _broken(FaultKind.TRUNCATED, FIRST), State.INSUFFICIENT,
          Mechanism.NONE, "the answer ends before any of the origin's words"),
    _http("page-cut-early", _broken(FaultKind.TRUNCATED, EARLY), State.ALLOWED,
          Mechanism.HIDDEN, "the answer ends after the origin's first words, which show no page"),
    _http("page-cut-late", _broken(FaultKind.TRUNCATED, LATE), State.ALLOWED, Mechanism.NONE,
          "nearly the whole page came, with its token: it was not blocked"),
    _http("page-cut-late-tls", _broken(FaultKind.TRUNCATED, LATE), State.ALLOWED, Mechanism.NONE,
          "the same under interception", probe="web_https", intercepted=True),
    _http("page-torn-first", _broken(FaultKind.TORN, FIRST), State.INSUFFICIENT,
          Mechanism.NONE, "the connection is reset before any of the origin's words"),
    _http("page-torn-early", _broken(FaultKind.TORN, EARLY), State.ALLOWED, Mechanism.HIDDEN,
          "the connection is reset after the origin's first words, which show no page"),
    _http("page-torn-late", _broken(FaultKind.TORN, LATE), State.ALLOWED, Mechanism.NONE,
          "the connection is reset after the content came: it was not blocked"),
    _http("page-stalled", FaultKind.STALLED, State.ALLOWED, Mechanism.NONE,
          "the content came, but the answer does not end: it was not blocked"),
    _http("page-drip", Fault(kind=FaultKind.DRIP, service="gateway", delay=0.001),
          State.ALLOWED, Mechanism.NONE, "the page comes slowly, a few bytes at a time"),
    _http("page-stale", FaultKind.STALE, State.ALLOWED, Mechanism.NONE,
          "the origin's words came without this attempt's token, as from a cache"),
    _http("page-upgrade", FaultKind.UPGRADE, State.ALLOWED, Mechanism.NONE,
          "the service redirects to https, where the origin's page comes"),
)  # fmt: skip

OF_OTHERS = tuple(
    _http(f"other-{name}", kind, state, mechanism, why, known="page")
    for name, kind, state, mechanism, why in (
        ("200", FaultKind.PAGE_200, State.BLOCKED, Mechanism.BLOCK_PAGE,
         "another party's site: the page says that it blocks, the control's does not"),
        ("403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.BLOCK_PAGE,
         "another party's site: the page says that it blocks, the control's does not"),
        ("451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451,
         "another party's site, withheld for legal reasons, but not on the control line"),
        ("302", _leading(FaultKind.REDIRECT), State.BLOCKED, Mechanism.REDIRECT,
         "another party's site, redirected to the supplier's page"),
        ("frame", _leading(FaultKind.FRAME), State.BLOCKED, Mechanism.BLOCK_PAGE,
         "another party's site: the page shows the supplier's page in a frame"),
        ("refresh", _leading(FaultKind.META_REFRESH), State.BLOCKED, Mechanism.BLOCK_PAGE,
         "another party's site: the page forwards to the supplier's page"),
        ("503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
         "an error may be a block or a technical fault"),
        ("reset", FaultKind.RESET, State.BLOCKED, Mechanism.TCP_RESET,
         "another party's site: the gateway resets the connection"),
        ("cut", FaultKind.TRUNCATED, State.INSUFFICIENT, Mechanism.NONE,
         "half a page shows neither a block nor access"),
        ("banner", FaultKind.BANNER, State.ALLOWED, Mechanism.NONE,
         "there is no token, but the page is so similar to the control's that it is the same"),
    )
)  # fmt: skip

HTTP_SCENARIOS = (*INSTEAD, *CHANGED, *OF_OTHERS)
