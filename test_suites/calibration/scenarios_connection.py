"""Scenarios in which the connection is refused, cut off or intercepted."""

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
         "two SYN packets were not answered"),
    _tcp("tcp-drop-tls", FaultKind.DROP, "gateway", "web_https", Mechanism.SILENT_DROP,
         "two SYN packets were not answered"),
    _tcp("tcp-reset", FaultKind.RESET, "gateway", "web", Mechanism.TCP_RESET,
         "the gateway resets the connection after it has read the Host line"),
    _tcp("tcp-reset-sni", FaultKind.RESET, "gateway", "web_https", Mechanism.TCP_RESET,
         "the gateway resets the connection after it has read the name in the ClientHello"),
    _tcp("tcp-eof", FaultKind.EOF, "gateway", "web", Mechanism.TCP_EOF,
         "the gateway closes the connection after it has read the Host line"),
    _tcp("tcp-eof-sni", FaultKind.EOF, "gateway", "web_https", Mechanism.TCP_EOF,
         "the gateway closes the connection after it has read the name in the ClientHello"),
    _tcp("tcp-silent", FaultKind.SILENT, "gateway", "web", Mechanism.SILENT_DROP,
         "the connection is made, but the request is never answered"),
    _tcp("tcp-silent-sni", FaultKind.SILENT, "gateway", "web_https", Mechanism.SILENT_DROP,
         "the connection is made, but the ClientHello is never answered"),
    _tcp("proxy-reset", FaultKind.RESET, "proxy", "web", Mechanism.TCP_RESET,
         "the proxy resets the connection after it has read the URL"),
    _tcp("proxy-reset-tunnel", FaultKind.RESET, "proxy", "web_https", Mechanism.TCP_RESET,
         "the proxy resets the connection after it has read CONNECT"),
    _tcp("proxy-eof", FaultKind.EOF, "proxy", "web", Mechanism.TCP_EOF,
         "the proxy closes the connection after it has read the URL"),
    _tcp("proxy-eof-tunnel", FaultKind.EOF, "proxy", "web_https", Mechanism.TCP_EOF,
         "the proxy closes the connection after it has read CONNECT"),
    _tcp("proxy-silent", FaultKind.SILENT, "proxy", "web", Mechanism.SILENT_DROP,
         "the proxy answers other requests, but never this one"),
    _tcp("proxy-silent-tunnel", FaultKind.SILENT, "proxy", "web_https", Mechanism.SILENT_DROP,
         "the proxy opens other tunnels, but never this one"),
)  # fmt: skip

TLS_SCENARIOS = (
    _tls("tls-alert", FaultKind.ALERT, State.BLOCKED, Mechanism.TLS_ALERT,
         "a fatal alert comes instead of a ServerHello", intercepted=False),
    _tls("tls-plain", FaultKind.PLAIN, State.BLOCKED, Mechanism.BLOCK_PAGE,
         "an unencrypted page comes instead of the handshake", intercepted=False),
    _tls("tls-trusted", FaultKind.PAGE_200, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "the handshake succeeds under a trusted authority, but a block page comes"),
    _tls("tls-trusted-451", FaultKind.PAGE_451, State.BLOCKED, Mechanism.HTTP_451,
         "the status says why; the verdict also records the interception"),
    _tls("tls-trusted-redirect", FaultKind.REDIRECT, State.BLOCKED, Mechanism.REDIRECT,
         "the intercepted connection is redirected to the supplier's page"),
    _tls("tls-trusted-unknown-site", FaultKind.PAGE_403, State.BLOCKED,
         Mechanism.TLS_INTERCEPT_PAGE, "the same with another party's site", known="page"),
    _tls("tls-unknown", FaultKind.UNKNOWN_AUTHORITY, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "no client trusts the certificate's authority, so none can connect"),
    _tls("tls-wrong-host", FaultKind.WRONG_HOST, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "a certificate for another host comes instead of the origin's"),
    _tls("tls-expired", FaultKind.EXPIRED, State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
         "another party's expired certificate comes instead of the origin's"),
    _tls("tls-inspected", FaultKind.INTERCEPT, State.ALLOWED, Mechanism.NONE,
         "intercepted, but the page arrives; the verdict records the interception"),
    _tls("tls-inspected-unknown-site", FaultKind.INTERCEPT, State.ALLOWED, Mechanism.NONE,
         "the same with another party's site", known="page"),
)  # fmt: skip
