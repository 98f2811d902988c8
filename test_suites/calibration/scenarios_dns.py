"""Scenarios in which a resolver is in the way."""

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
        "a name that exists is denied",
    ),
    _names(
        "dns-nxdomain-said",
        Fault(kind=FaultKind.NXDOMAIN, service="resolver", extended_error=15),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_NXDOMAIN,
        "denied, and the resolver says that it blocks",
    ),
    _names(
        "dns-refused",
        FaultKind.REFUSE,
        "dns",
        State.BLOCKED,
        Mechanism.DNS_REFUSED,
        "a name that exists is refused",
    ),
    _names(
        "dns-servfail",
        FaultKind.SERVFAIL,
        "dns",
        State.INSUFFICIENT,
        Mechanism.DNS_SERVFAIL,
        "a failing resolver may be broken: no favour to anybody",
    ),
    _names(
        "dns-nodata",
        FaultKind.NODATA,
        "dns",
        State.BLOCKED,
        Mechanism.DNS_NODATA,
        "a name with an address is said to have none",
    ),
    _names(
        "dns-null",
        _address(FaultKind.SINKHOLE, NOWHERE),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SINKHOLE,
        "the address leads nowhere",
    ),
    _names(
        "dns-sinkhole",
        _address(FaultKind.SINKHOLE, LANDING_ADDRESS),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SINKHOLE,
        "the address is the supplier's own server",
    ),
    _names(
        "dns-private",
        _address(FaultKind.SINKHOLE, PRIVATE),
        "dns",
        State.INSUFFICIENT,
        Mechanism.NONE,
        "the address is a private one that no sentinel got, so it is not visited",
    ),
    _names(
        "dns-silent",
        FaultKind.SILENT,
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SILENT,
        "no answer, twice",
    ),
    _names(
        "dns-injected",
        _address(FaultKind.INJECTED, LANDING_ADDRESS),
        "dns",
        State.BLOCKED,
        Mechanism.DNS_SINKHOLE,
        "a false answer wins the race, as it would for any client",
    ),
    _names(
        "dns-injected-late",
        _address(FaultKind.INJECTED_LATE, LANDING_ADDRESS),
        "dns",
        State.ALLOWED,
        Mechanism.NONE,
        "the false answer comes too late to do anything",
    ),
    _names(
        "dns-stray",
        _address(FaultKind.STRAY, LANDING_ADDRESS),
        "dns",
        State.ALLOWED,
        Mechanism.NONE,
        "a false answer that does not fit the question is passed over",
    ),
    _names(
        "dns-small-letters",
        FaultKind.SMALL_LETTERS,
        "dns",
        State.ALLOWED,
        Mechanism.NONE,
        "a server that does not repeat mixed case is asked once more, and believed",
    ),
)

HTTPS_RECORDS = (
    _names("https-record-withheld", FaultKind.NO_HTTPS, "dns_https", State.ALTERED,
           Mechanism.DNS_NODATA, "held back, so that browsers do without: noted, no block"),
    _names("https-record-withheld-site", FaultKind.NO_HTTPS, "dns", State.ALLOWED,
           Mechanism.NONE, "the address of the same name still comes"),
    _names("https-record-refused", FaultKind.REFUSE, "dns_https", State.ALTERED,
           Mechanism.DNS_REFUSED, "refused for this type at least: A and AAAA tell of the rest"),
    _names("https-record-silent", FaultKind.SILENT, "dns_https", State.ALTERED,
           Mechanism.DNS_SILENT, "no answer for this type at least"),
    _names("https-record-denied", FaultKind.NXDOMAIN, "dns_https", State.BLOCKED,
           Mechanism.DNS_NXDOMAIN, "the name itself is denied, whatever the type"),
    _names("https-record-none", Fault(kind=FaultKind.NO_HTTPS, service="names"), "dns_https",
           State.INSUFFICIENT, Mechanism.NONE, "the control knows of none: nothing to compare"),
)  # fmt: skip

VISITED = (
    _names("visit-nxdomain", FaultKind.NXDOMAIN, "web", State.BLOCKED, Mechanism.DNS_NXDOMAIN,
           "the page cannot be asked for"),
    _names("visit-nxdomain-tls", FaultKind.NXDOMAIN, "web_https", State.BLOCKED,
           Mechanism.DNS_NXDOMAIN, "the page cannot be asked for"),
    _names("visit-refused", FaultKind.REFUSE, "web", State.BLOCKED, Mechanism.DNS_REFUSED,
           "the page cannot be asked for"),
    _names("visit-servfail", FaultKind.SERVFAIL, "web", State.INSUFFICIENT,
           Mechanism.DNS_SERVFAIL, "a failing resolver may be broken"),
    _names("visit-nodata", FaultKind.NODATA, "web", State.BLOCKED, Mechanism.DNS_NODATA,
           "the page cannot be asked for"),
    _names("visit-silent", FaultKind.SILENT, "web", State.BLOCKED, Mechanism.DNS_SILENT,
           "the resolver, not the page, keeps silent"),
    _names("visit-null", _address(FaultKind.SINKHOLE, NOWHERE), "web", State.BLOCKED,
           Mechanism.DNS_SINKHOLE, "nothing is connected to: 0.0.0.0 is this machine itself"),
    _names("visit-closed", _address(FaultKind.SINKHOLE, CLOSED), "web", State.BLOCKED,
           Mechanism.TCP_REFUSED, "a sinkhole where nobody listens looks like this to a browser"),
    _names("visit-landing", _address(FaultKind.SINKHOLE, LANDING_ADDRESS), "web", State.BLOCKED,
           Mechanism.BLOCK_PAGE, "a sinkhole with the supplier's page"),
    _names("visit-landing-tls", _address(FaultKind.SINKHOLE, LANDING_ADDRESS), "web_https",
           State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE,
           "the supplier's server has no certificate for the name that anybody trusts",
           intercepted=True),
    _names("visit-injected", _address(FaultKind.INJECTED, LANDING_ADDRESS), "web", State.BLOCKED,
           Mechanism.BLOCK_PAGE, "the false answer leads to the supplier's page"),
    _names("visit-injected-late", _address(FaultKind.INJECTED_LATE, LANDING_ADDRESS), "web",
           State.ALLOWED, Mechanism.NONE, "the true answer won"),
)  # fmt: skip

DNS_SCENARIOS = (*ASKED, *HTTPS_RECORDS, *VISITED)
