"""Scenarios in which a resolver blocks, fails or gives a false answer."""

from __future__ import annotations

from harness.model.verdict import Mechanism, State
from probes.range.faults import Fault, FaultKind
from probes.range.zone import LANDING_ADDRESS
from test_suites.calibration.scenario import ProbeName, Scenario

NOWHERE = "0.0.0.0"
PRIVATE = "10.20.30.40"
CLOSED = "127.0.0.2"


def _names(
    name: str,
    fault: Fault | FaultKind,
    probe: ProbeName,
    state: State,
    mechanism: Mechanism,
    why: str,
    *,
    intercepted: bool = False,
) -> Scenario:
    played = fault if isinstance(fault, Fault) else Fault(kind=fault, service="resolver")
    return Scenario(
        name=name,
        layer="dns",
        plays=(played,),
        probe=probe,
        line="names",
        state=state,
        mechanism=mechanism,
        why=why,
        intercepted=intercepted,
    )


def _address(kind: FaultKind, address: str) -> Fault:
    return Fault(kind=kind, service="resolver", address=address)


ASKED = (
    _names(
        "dns-nxdomain",
        FaultKind.NXDOMAIN,
        "dns",
        State.BLOCKED,
        Mechanism.DNS_NXDOMAIN,
        "the resolver says that an existing name does not exist",
    ),
    _names(
        "dns-nxdomain-said",
        Fault(kind=FaultKind.NXDOMAIN, service="resolver", extended_error=15),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_NXDOMAIN,
        "the resolver says that the name does not exist, and that it blocks it",
    ),
    _names(
        "dns-refused",
        FaultKind.REFUSE,
        "dns",
        State.BLOCKED,
        Mechanism.DNS_REFUSED,
        "the resolver refuses to answer for a name that exists",
    ),
    _names(
        "dns-servfail",
        FaultKind.SERVFAIL,
        "dns",
        State.INSUFFICIENT,
        Mechanism.DNS_SERVFAIL,
        "the resolver fails, which may be a block or a technical fault",
    ),
    _names(
        "dns-nodata",
        FaultKind.NODATA,
        "dns",
        State.BLOCKED,
        Mechanism.DNS_NODATA,
        "the resolver gives no address for a name that has one",
    ),
    _names(
        "dns-null",
        _address(FaultKind.SINKHOLE, NOWHERE),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SINKHOLE,
        "the address cannot be reached",
    ),
    _names(
        "dns-sinkhole",
        _address(FaultKind.SINKHOLE, LANDING_ADDRESS),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SINKHOLE,
        "the address is that of the supplier's own server",
    ),
    _names(
        "dns-private",
        _address(FaultKind.SINKHOLE, PRIVATE),
        "dns",
        State.INSUFFICIENT,
        Mechanism.NONE,
        "the private address was not given for a sentinel, so it is not visited",
    ),
    _names(
        "dns-silent",
        FaultKind.SILENT,
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SILENT,
        "two queries were not answered",
    ),
    _names(
        "dns-injected",
        _address(FaultKind.INJECTED, LANDING_ADDRESS),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SINKHOLE,
        "the false answer arrives first, and any client would take it",
    ),
    _names(
        "dns-injected-late",
        _address(FaultKind.INJECTED_LATE, LANDING_ADDRESS),
        "dns",
        State.ALLOWED,
        Mechanism.NONE,
        "the false answer comes after the true one and has no effect",
    ),
    _names(
        "dns-stray",
        _address(FaultKind.STRAY, LANDING_ADDRESS),
        "dns",
        State.ALLOWED,
        Mechanism.NONE,
        "a false answer that does not match the query is ignored",
    ),
    _names(
        "dns-small-letters",
        FaultKind.SMALL_LETTERS,
        "dns",
        State.ALLOWED,
        Mechanism.NONE,
        "the server does not repeat mixed case; the same answer to a second query counts",
    ),
)

HTTPS_RECORDS = (
    _names("https-record-withheld", FaultKind.NO_HTTPS, "dns_https", State.ALTERED,
           Mechanism.DNS_NODATA, "withheld, and browsers work without it: recorded, but not a block"),
    _names("https-record-withheld-site", FaultKind.NO_HTTPS, "dns", State.ALLOWED,
           Mechanism.NONE, "the resolver still gives the address of the name"),
    _names("https-record-refused", FaultKind.REFUSE, "dns_https", State.ALTERED,
           Mechanism.DNS_REFUSED, "refused for this record type; A and AAAA show whether the name is blocked"),
    _names("https-record-silent", FaultKind.SILENT, "dns_https", State.ALTERED,
           Mechanism.DNS_SILENT, "no answer for this record type"),
    _names("https-record-denied", FaultKind.NXDOMAIN, "dns_https", State.BLOCKED,
           Mechanism.DNS_NXDOMAIN, "the resolver says that the name does not exist, for any record type"),
    _names("https-record-none", Fault(kind=FaultKind.NO_HTTPS, service="names"), "dns_https",
           State.INSUFFICIENT, Mechanism.NONE, "the control has no such record, so there is nothing to compare"),
)  # fmt: skip

VISITED = (
    _names("visit-nxdomain", FaultKind.NXDOMAIN, "web", State.BLOCKED, Mechanism.DNS_NXDOMAIN,
           "without an address, the page cannot be requested"),
    _names("visit-nxdomain-tls", FaultKind.NXDOMAIN, "web_https", State.BLOCKED,
           Mechanism.DNS_NXDOMAIN, "without an address, the page cannot be requested"),
    _names("visit-refused", FaultKind.REFUSE, "web", State.BLOCKED, Mechanism.DNS_REFUSED,
           "without an address, the page cannot be requested"),
    _names("visit-servfail", FaultKind.SERVFAIL, "web", State.INSUFFICIENT,
           Mechanism.DNS_SERVFAIL, "the resolver fails, which may be a block or a technical fault"),
    _names("visit-nodata", FaultKind.NODATA, "web", State.BLOCKED, Mechanism.DNS_NODATA,
           "without an address, the page cannot be requested"),
    _names("visit-silent", FaultKind.SILENT, "web", State.BLOCKED, Mechanism.DNS_SILENT,
           "the resolver does not answer, so the page cannot be requested"),
    _names("visit-null", _address(FaultKind.SINKHOLE, NOWHERE), "web", State.BLOCKED,
           Mechanism.DNS_SINKHOLE, "0.0.0.0 would be this machine itself, so no connection is made"),
    _names("visit-closed", _address(FaultKind.SINKHOLE, CLOSED), "web", State.BLOCKED,
           Mechanism.TCP_REFUSED, "the sinkhole does not listen, so a browser sees a refused connection"),
    _names("visit-landing", _address(FaultKind.SINKHOLE, LANDING_ADDRESS), "web", State.BLOCKED,
           Mechanism.BLOCK_PAGE, "the sinkhole shows the supplier's block page"),
    _names("visit-landing-tls", _address(FaultKind.SINKHOLE, LANDING_ADDRESS), "web_https",
           State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
           "the supplier's server has no trusted certificate for the name",
           intercepted=True),
    _names("visit-injected", _address(FaultKind.INJECTED, LANDING_ADDRESS), "web", State.BLOCKED,
           Mechanism.BLOCK_PAGE, "the false answer leads to the supplier's block page"),
    _names("visit-injected-late", _address(FaultKind.INJECTED_LATE, LANDING_ADDRESS), "web",
           State.ALLOWED, Mechanism.NONE, "the true answer arrives first"),
)  # fmt: skip

DNS_SCENARIOS = (*ASKED, *HTTPS_RECORDS, *VISITED)
