"""Scenarios in which the connection is cut, or is not the one that it seems to be."""

from __future__ import annotations

from harness.model.verdict import Mechanism, State
from probes.range.faults import Fault, FaultKind
from test_suites.calibration.scenario import Known, LineName, ProbeName, Scenario


def _tcp(name: str, kind: FaultKind, line: LineName, probe: ProbeName, mechanism: Mechanism,
         why: str) -> Scenario:  # fmt: skip
    return Scenario(
        name=name,
        layer="tcp",
        plays=(Fault(kind=kind, service=line),),
        probe=probe,
        line=line,
        state=State.BLOCKED,
        mechanism=mechanism,
        why=why,
    )


def _tls(
    name: str,
    kind: FaultKind,
    state: State,
    mechanism: Mechanism,
    why: str,
    *,
    intercepted: bool = True,
    known: Known = "token",
) -> Scenario:
    return Scenario(
        name=name,
        layer="tls",
        plays=(Fault(kind=kind, service="gateway"),),
        probe="web_https",
        line="gateway",
        state=state,
        mechanism=mechanism,
        why=why,
        intercepted=intercepted,
        known=known,
    )


TCP_SCENARIOS = (
    _tcp("tcp-refused", FaultKind.SHUT, "gateway", "web", Mechanism.TCP_REFUSED,
         "the connection is refused on the service line only"),
    _tcp("tcp-refused-tls", FaultKind.SHUT, "gateway", "web_https", Mechanism.TCP_REFUSED,
         "the connection is refused on the service line only"),
    _tcp("tcp-drop", FaultKind.DROP, "gateway", "web", Mechanism.SILENT_DROP,
         "no answer to a SYN, twice"),
    _tcp("tcp-drop-tls", FaultKind.DROP, "gateway", "web_https", Mechanism.SILENT_DROP,
         "no answer to a SYN, twice"),
    _tcp("tcp-reset", FaultKind.RESET, "gateway", "web", Mechanism.TCP_RESET,
         "a reset when the Host line was read"),
    _tcp("tcp-reset-sni", FaultKind.RESET, "gateway", "web_https", Mechanism.TCP_RESET,
         "a reset when the name in the ClientHello was read"),
    _tcp("tcp-eof", FaultKind.EOF, "gateway", "web", Mechanism.TCP_EOF,
         "a close when the Host line was read"),
    _tcp("tcp-eof-sni", FaultKind.EOF, "gateway", "web_https", Mechanism.TCP_EOF,
         "a close when the name in the ClientHello was read"),
    _tcp("tcp-silent", FaultKind.SILENT, "gateway", "web", Mechanism.SILENT_DROP,
         "connected, but the request is never answered"),
    _tcp("tcp-silent-sni", FaultKind.SILENT, "gateway", "web_https", Mechanism.SILENT_DROP,
         "connected, but the ClientHello is never answered"),
    _tcp("proxy-reset", FaultKind.RESET, "proxy", "web", Mechanism.TCP_RESET,
         "the proxy resets when it reads the URL"),
    _tcp("proxy-reset-tunnel", FaultKind.RESET, "proxy", "web_https", Mechanism.TCP_RESET,
         "the proxy resets when it reads CONNECT"),
    _tcp("proxy-eof", FaultKind.EOF, "proxy", "web", Mechanism.TCP_EOF,
         "the proxy closes when it reads the URL"),
    _tcp("proxy-eof-tunnel", FaultKind.EOF, "proxy", "web_https", Mechanism.TCP_EOF,
         "the proxy closes when it reads CONNECT"),
    _tcp("proxy-silent", FaultKind.SILENT, "proxy", "web", Mechanism.SILENT_DROP,
         "the proxy, alive for all others, never answers"),
    _tcp("proxy-silent-tunnel", FaultKind.SILENT, "proxy", "web_https", Mechanism.SILENT_DROP,
         "the proxy, alive for all others, never opens the tunnel"),
)  # fmt: skip

TLS_SCENARIOS = (
    _tls("tls-alert", FaultKind.ALERT, State.BLOCKED, Mechanism.TLS_ALERT,
         "a fatal alert in the place of a ServerHello", intercepted=False),
    _tls("tls-plain", FaultKind.PLAIN, State.BLOCKED, Mechanism.BLOCK_PAGE,
         "a page in the clear where the handshake should be", intercepted=False),
    _tls("tls-trusted", FaultKind.PAGE_200, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "a good handshake proves nothing: a block page under a trusted authority"),
    _tls("tls-trusted-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451,
         "the status tells more; the mark of interception is kept"),
    _tls("tls-trusted-redirect", FaultKind.REDIRECT, State.BLOCKED, Mechanism.REDIRECT,
         "an intercepted connection is led to the supplier's page"),
    _tls("tls-trusted-unknown-site", FaultKind.PAGE_403, State.BLOCKED,
         Mechanism.TLS_INTERCEPT_PAGE, "the same on a site of other people", known="page"),
    _tls("tls-unknown", FaultKind.UNKNOWN_AUTHORITY, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "an authority that no client knows: no client gets through"),
    _tls("tls-wrong-host", FaultKind.WRONG_HOST, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "a certificate for another host stands where the origin's should"),
    _tls("tls-expired", FaultKind.EXPIRED, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "somebody else's certificate, and out of date"),
    _tls("tls-inspected", FaultKind.INTERCEPT, State.ALLOWED, Mechanism.NONE,
         "intercepted, read and passed on: the page arrived, and the mark is kept"),
    _tls("tls-inspected-unknown-site", FaultKind.INTERCEPT, State.ALLOWED, Mechanism.NONE,
         "the same on a site of other people", known="page"),
)  # fmt: skip
