"""Scenarios in which an answer comes, and is another one or not the whole one."""

from __future__ import annotations

from harness.model.verdict import Mechanism, State
from probes.range.faults import Fault, FaultKind
from probes.range.zone import LANDING_ADDRESS
from test_suites.calibration.scenario import Known, LineName, ProbeName, Scenario

FIRST, EARLY, LATE = 0.08, 0.2, 0.97
"""Shares of the body: before any delivery word, behind the first one, and behind the token."""


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
    """A way to the supplier's server, which has no name of our zone."""
    return Fault(kind=kind, service="gateway", to=LANDING_ADDRESS)


INSTEAD = (
    _http("page-200", FaultKind.PAGE_200, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "a page with 200 that is not the origin's"),
    _http("page-403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "a page with 403 that is not the origin's"),
    _http("page-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451,
          "withheld for legal reasons, though not on the control line"),
    _http("page-302", FaultKind.REDIRECT, State.BLOCKED, Mechanism.REDIRECT,
          "sent to a host that the control never went to"),
    _http("page-frame", FaultKind.FRAME, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "a bare page that frames the supplier's"),
    _http("page-refresh", FaultKind.META_REFRESH, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "a bare page that forwards to the supplier's"),
    _http("page-echo", FaultKind.ECHO, State.INSUFFICIENT, Mechanism.NONE,
          "a page that repeats the request: neither the origin's nor known as a block page"),
    _http("page-503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
          "an error of the service may be trouble as well as a block"),
    _http("page-garbage", FaultKind.GARBAGE, State.INSUFFICIENT, Mechanism.NONE,
          "what came was no HTTP: trouble as well as a block"),
    _http("proxy-200", FaultKind.PAGE_200, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "the same from a proxy", line="proxy"),
    _http("proxy-403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.BLOCK_PAGE,
          "the same from a proxy", line="proxy"),
    _http("proxy-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451,
          "the same from a proxy", line="proxy"),
    _http("proxy-302", FaultKind.REDIRECT, State.BLOCKED, Mechanism.REDIRECT,
          "the same from a proxy", line="proxy"),
    _http("proxy-503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
          "a proxy that cannot reach a page says the same", line="proxy"),
    _http("proxy-tunnel-403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.PROXY_REFUSAL,
          "CONNECT is refused", line="proxy", probe="web_https"),
    _http("proxy-tunnel-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.PROXY_REFUSAL,
          "CONNECT is refused; no browser would show the page", line="proxy", probe="web_https"),
    _http("proxy-tunnel-302", FaultKind.REDIRECT, State.BLOCKED, Mechanism.PROXY_REFUSAL,
          "CONNECT is refused; no browser would follow", line="proxy", probe="web_https"),
    _http("proxy-tunnel-503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
          "a proxy that cannot reach a host says the same", line="proxy", probe="web_https"),
)  # fmt: skip

CHANGED = (
    _http("page-banner", FaultKind.BANNER, State.ALLOWED, Mechanism.NONE,
          "the origin's page with something put into it"),
    _http("page-banner-tls", FaultKind.BANNER, State.ALLOWED, Mechanism.NONE,
          "the same under interception", probe="web_https", intercepted=True),
    _http("page-cut-first", _broken(FaultKind.TRUNCATED, FIRST), State.INSUFFICIENT,
          Mechanism.NONE, "an answer began to come, with none of the origin's words"),
    _http("page-cut-early", _broken(FaultKind.TRUNCATED, EARLY), State.ALLOWED,
          Mechanism.NONE, "the origin's page began to come: its first words arrived"),
    _http("page-cut-late", _broken(FaultKind.TRUNCATED, LATE), State.ALLOWED, Mechanism.NONE,
          "nearly all of it came, token and all: nothing was blocked"),
    _http("page-cut-late-tls", _broken(FaultKind.TRUNCATED, LATE), State.ALLOWED, Mechanism.NONE,
          "the same under interception", probe="web_https", intercepted=True),
    _http("page-torn-first", _broken(FaultKind.TORN, FIRST), State.INSUFFICIENT,
          Mechanism.NONE, "a reset before any of the origin's words"),
    _http("page-torn-early", _broken(FaultKind.TORN, EARLY), State.ALLOWED,
          Mechanism.NONE, "a reset after the first of the origin's words"),
    _http("page-torn-late", _broken(FaultKind.TORN, LATE), State.ALLOWED, Mechanism.NONE,
          "a reset after the content came blocks nothing"),
    _http("page-stalled", FaultKind.STALLED, State.ALLOWED, Mechanism.NONE,
          "all of it came, but for the end: silence after the content blocks nothing"),
    _http("page-drip", Fault(kind=FaultKind.DRIP, service="gateway", delay=0.001),
          State.ALLOWED, Mechanism.NONE, "drop by drop, but it came"),
    _http("page-stale", FaultKind.STALE, State.ALLOWED, Mechanism.NONE,
          "the origin's page without this attempt's token, as from a cache: its words came"),
    _http("page-upgrade", FaultKind.UPGRADE, State.ALLOWED, Mechanism.NONE,
          "the service sends the client to https, where the origin's page is"),
)  # fmt: skip

OF_OTHERS = tuple(
    _http(f"other-{name}", kind, state, mechanism, why, known="page")
    for name, kind, state, mechanism, why in (
        ("200", FaultKind.PAGE_200, State.BLOCKED, Mechanism.BLOCK_PAGE,
         "a site of other people: the page says that it blocks, the control's does not"),
        ("403", FaultKind.PAGE_403, State.BLOCKED, Mechanism.BLOCK_PAGE, "the same"),
        ("451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451, "the same"),
        ("302", _leading(FaultKind.REDIRECT), State.BLOCKED, Mechanism.REDIRECT, "the same"),
        ("frame", _leading(FaultKind.FRAME), State.BLOCKED, Mechanism.BLOCK_PAGE, "the same"),
        ("refresh", _leading(FaultKind.META_REFRESH), State.BLOCKED, Mechanism.BLOCK_PAGE,
         "the same"),
        ("503", FaultKind.REFUSE, State.INSUFFICIENT, Mechanism.NONE,
         "an error may be trouble as well as a block"),
        ("reset", FaultKind.RESET, State.BLOCKED, Mechanism.TCP_RESET, "the same"),
        ("cut", FaultKind.TRUNCATED, State.INSUFFICIENT, Mechanism.NONE,
         "half a page: neither blocked nor allowed"),
        ("banner", FaultKind.BANNER, State.ALLOWED, Mechanism.NONE,
         "without a token, a page this like the control's is the same page"),
    )
)  # fmt: skip

HTTP_SCENARIOS = (*INSTEAD, *CHANGED, *OF_OTHERS)
