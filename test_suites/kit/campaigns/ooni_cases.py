"""Measurements of OONI's shape, each with the verdict it must get.

They are made up after the published data format and the kinds of interference that OONI's own
quality tests play; hosts and addresses are those of documentation where nothing else is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.model.verdict import Mechanism, State
from test_suites.kit.campaigns.trials import PROSE

HOST = "www.town-library.org"
GOOD, ALSO_GOOD, BAD = "93.184.216.34", "93.184.216.35", "203.0.113.77"
PAGE = f"<html><head><title>Town Library</title></head><body><p>{PROSE}</p></body></html>"
NOTICE = (
    "<html><head><title>Blocked</title></head><body><h1>This website has been blocked</h1>"
    "<p>by order of the Ministry of Communications</p></body></html>"
)
CAPTCHA = "<html><head><title>Just a moment...</title></head><body>Ray ID: 7a</body></html>"
FOREIGN_NETWORK = {"asn": 64500, "flags": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class OoniCase:
    """One measurement, and what must be said of it."""

    name: str
    measurement: dict[str, Any]
    state: State
    mechanism: Mechanism = Mechanism.NONE


def query(*addresses: str, failure: str | None = None, engine: str = "getaddrinfo") -> Any:
    """A DNS query of the host (df-002)."""
    answers = [{"answer_type": "A", "ipv4": address, "asn": 15133} for address in addresses]
    return {"engine": engine, "failure": failure, "hostname": HOST, "answers": answers or None}


def request(
    url: str,
    code: int | None = 200,
    body: str = PAGE,
    *,
    failure: str | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """An HTTP transaction (df-001)."""
    response = {"code": code, "body": body, "headers": headers or {}} if code else {}
    return {"failure": failure, "request": {"url": url}, "response": response}


def connect(address: str, port: int, failure: str | None = None) -> Any:
    """A TCP connection (df-005)."""
    return {"ip": address, "port": port, "status": {"failure": failure, "success": not failure}}


def handshake(address: str, failure: str | None = None) -> Any:
    """A TLS handshake (df-006)."""
    return {
        "address": f"{address}:443",
        "failure": failure,
        "server_name": HOST,
        "no_tls_verify": False,
        "peer_certificates": None,
    }


def control(**changes: Any) -> dict[str, Any]:
    """The test helper's answer: a living site, unless something is changed."""
    healthy: dict[str, Any] = {
        "dns": {"failure": None, "addrs": [GOOD]},
        "http_request": {
            "body_length": len(PAGE),
            "failure": None,
            "title": "Town Library",
            "headers": {"Content-Type": "text/html", "Server": "nginx"},
            "status_code": 200,
        },
        "tcp_connect": {f"{GOOD}:443": {"status": True, "failure": None}},
        "ip_info": {GOOD: {"asn": 15133, "flags": 11}},
    }
    return {**healthy, **changes}


DEAD = control(
    dns={"failure": "dns_name_error", "addrs": []},
    http_request={"failure": "dns_lookup_error", "status_code": -1, "body_length": -1,
                  "title": "", "headers": {}},
    ip_info={},
)  # fmt: skip
HANGING = control(
    http_request={"failure": "generic_timeout_error", "status_code": -1, "body_length": -1}
)


def measure(url: str = f"https://{HOST}/", **keys: Any) -> dict[str, Any]:
    """A measurement in which all went well, but for what is given."""
    secure = url.startswith("https")
    fine = {
        "queries": [query(GOOD)],
        "tcp_connect": [connect(GOOD, 443 if secure else 80)],
        "tls_handshakes": [handshake(GOOD)] if secure else [],
        "requests": [request(url)],
        "control": control(),
        "control_failure": None,
    }
    return {
        "data_format_version": "0.2.0",
        "input": url,
        "measurement_uid": "20260701010904.171570_GB_webconnectivity_80e13493e92885aa",
        "report_id": "20260701T010904Z_webconnectivity_GB_2856_n1_x",
        "software_name": "ooniprobe",
        "software_version": "3.21.0",
        "test_name": "web_connectivity",
        "test_keys": {**fine, **keys},
    }


PLAIN = f"http://{HOST}/"


def _failing(failure: str, **keys: Any) -> dict[str, Any]:
    url = f"https://{HOST}/"
    return measure(requests=[request(url, None, failure=failure)], tls_handshakes=[], **keys)


FINE = (
    OoniCase(name="all well", measurement=measure(), state=State.ALLOWED),
    OoniCase(name="plain, all well", measurement=measure(PLAIN), state=State.ALLOWED),
    OoniCase(name="content network, valid certificate", state=State.ALLOWED, measurement=measure(
        queries=[query(BAD)], tcp_connect=[connect(BAD, 443)], tls_handshakes=[handshake(BAD)])),
    OoniCase(name="content network, same network", state=State.ALLOWED, measurement=measure(
        PLAIN, queries=[query(ALSO_GOOD)], control=control(
            ip_info={GOOD: {"asn": 15133, "flags": 2}, ALSO_GOOD: {"asn": 15133, "flags": 1}}))),
    OoniCase(name="old probe, networks agree", state=State.ALLOWED, measurement=measure(
        PLAIN, queries=[query(ALSO_GOOD, engine="system")], dns_consistency="consistent",
        control=control(ip_info=None))),
    OoniCase(name="helper was down, certificate valid", state=State.ALLOWED,
             measurement=measure(control=None, control_failure="unknown_failure: 503")),
    OoniCase(name="helper was turned away, certificate valid", state=State.ALLOWED,
             measurement=measure(control=HANGING)),
    OoniCase(name="another page of the day", state=State.ALLOWED, measurement=measure(
        PLAIN, requests=[request(PLAIN, body=PAGE.replace("Borrow", "Read"))])),
)  # fmt: skip

NAMES = (
    OoniCase(name="NXDOMAIN", state=State.BLOCKED, mechanism=Mechanism.DNS_NXDOMAIN,
             measurement=measure(queries=[query(failure="dns_nxdomain_error")], requests=[],
                                 tcp_connect=[], tls_handshakes=[],
                                 http_experiment_failure="dns_nxdomain_error")),
    OoniCase(name="NXDOMAIN, fetched by other addresses", state=State.BLOCKED,
             mechanism=Mechanism.DNS_NXDOMAIN, measurement=measure(queries=[
                 query(failure="dns_nxdomain_error"), query(GOOD, engine="doh")])),
    OoniCase(name="refused", state=State.BLOCKED, mechanism=Mechanism.DNS_REFUSED,
             measurement=measure(queries=[query(failure="dns_refused_error")], requests=[])),
    OoniCase(name="private address", state=State.BLOCKED, mechanism=Mechanism.DNS_SINKHOLE,
             measurement=_failing("generic_timeout_error", queries=[query("10.10.34.35")],
                                  tcp_connect=[connect("10.10.34.35", 443, "generic_timeout_error")])),
    OoniCase(name="loopback", state=State.BLOCKED, mechanism=Mechanism.DNS_SINKHOLE,
             measurement=_failing("connection_refused", queries=[query("127.0.0.1")])),
    OoniCase(name="foreign address that does not answer", state=State.BLOCKED,
             mechanism=Mechanism.DNS_SINKHOLE, measurement=_failing(
                 "generic_timeout_error", queries=[query("8.7.198.45")],
                 dns_consistency="inconsistent",
                 tcp_connect=[connect("8.7.198.45", 443, "generic_timeout_error")],
                 control=control(ip_info={GOOD: {"asn": 15133, "flags": 11},
                                          "8.7.198.45": FOREIGN_NETWORK}))),
    OoniCase(name="foreign address, block page, wrong certificate", state=State.BLOCKED,
             mechanism=Mechanism.DNS_SINKHOLE, measurement=_failing(
                 "ssl_invalid_hostname", queries=[query("151.101.9.9")],
                 tcp_connect=[connect("151.101.9.9", 443)], dns_consistency="inconsistent",
                 control=control(ip_info=None))),
    OoniCase(name="dead everywhere", state=State.DOWN, measurement=_failing(
        "dns_nxdomain_error", queries=[query(failure="dns_nxdomain_error")], control=DEAD)),
    OoniCase(name="answered for a name that the helper cannot resolve", state=State.BLOCKED,
             mechanism=Mechanism.DNS_SINKHOLE, measurement=_failing(
        "connection_refused", queries=[query("83.224.65.41")], control=DEAD)),
)  # fmt: skip

WAYS = (
    OoniCase(name="reset after the client's hello", state=State.BLOCKED,
             mechanism=Mechanism.TCP_RESET, measurement=_failing("connection_reset")),
    OoniCase(name="silence after the client's hello", state=State.BLOCKED,
             mechanism=Mechanism.SILENT_DROP, measurement=_failing("generic_timeout_error")),
    OoniCase(name="closed", state=State.BLOCKED, mechanism=Mechanism.TCP_EOF,
             measurement=_failing("eof_error")),
    OoniCase(name="refused", state=State.BLOCKED, mechanism=Mechanism.TCP_REFUSED,
             measurement=_failing("connection_refused",
                                  tcp_connect=[connect(GOOD, 443, "connection_refused")])),
    OoniCase(name="unknown authority", state=State.BLOCKED,
             mechanism=Mechanism.TLS_INTERCEPT_PAGE,
             measurement=_failing("ssl_unknown_authority")),
    OoniCase(name="TLS alert", state=State.BLOCKED, mechanism=Mechanism.TLS_ALERT,
             measurement=_failing("unknown_failure: remote error: tls: unrecognized name")),
    OoniCase(name="old probe, connection lost", state=State.BLOCKED, mechanism=Mechanism.TCP_EOF,
             measurement=_failing("response_never_received")),
    OoniCase(name="site hangs everywhere", state=State.DOWN,
             measurement=_failing("generic_timeout_error", control=HANGING)),
    OoniCase(name="probe lost its network", state=State.INSUFFICIENT,
             measurement=_failing("network_down")),
    OoniCase(name="no helper, nothing known", state=State.INSUFFICIENT,
             measurement=_failing("connection_reset", control=None, control_failure="eof_error")),
)  # fmt: skip

PAGES = (
    OoniCase(name="block page", state=State.BLOCKED, mechanism=Mechanism.BLOCK_PAGE,
             measurement=measure(PLAIN, requests=[request(PLAIN, 403, NOTICE)])),
    OoniCase(name="sent to a block page", state=State.BLOCKED, mechanism=Mechanism.REDIRECT,
             measurement=measure(PLAIN, requests=[
                 request("http://blocked.isp.example/", 200, NOTICE),
                 request(PLAIN, 302, "", headers={"Location": "http://blocked.isp.example/"})])),
    OoniCase(name="sent by way of a block page's address to the page", state=State.ALLOWED,
             measurement=measure(PLAIN, requests=[
                 request(PLAIN + "home", 200, PAGE),
                 request("http://blocked.isp.example/continue", 302, "",
                         headers={"Location": PLAIN + "home"}),
                 request(PLAIN, 302, "",
                         headers={"Location": "http://blocked.isp.example/continue"})])),
    OoniCase(name="sent to an inner address that is silent", state=State.BLOCKED,
             mechanism=Mechanism.REDIRECT, measurement=measure(PLAIN, requests=[
                 request("http://10.10.34.34/", None, failure="generic_timeout_error"),
                 request(PLAIN, 302, "", headers={"Location": "http://10.10.34.34/"})])),
    OoniCase(name="frame of an inner address", state=State.BLOCKED,
             mechanism=Mechanism.BLOCK_PAGE, measurement=measure(PLAIN, requests=[
                 request(PLAIN, 403, '<iframe src="http://10.10.34.34?type=Invalid Site">')])),
    OoniCase(name="CAPTCHA for the probe only", state=State.INSUFFICIENT,
             measurement=measure(PLAIN, requests=[request(PLAIN, 503, CAPTCHA)])),
    OoniCase(name="forbidden over TLS by the origin", state=State.INSUFFICIENT,
             measurement=measure(requests=[request(f"https://{HOST}/", 403, "Forbidden")])),
    OoniCase(name="error for everybody", state=State.DOWN, measurement=measure(
        PLAIN, requests=[request(PLAIN, 502, "Bad gateway")],
        control=control(http_request={"failure": None, "status_code": 502, "title": "",
                                      "body_length": 11, "headers": {}}))),
)  # fmt: skip

CASES: tuple[OoniCase, ...] = (*FINE, *NAMES, *WAYS, *PAGES)
