"""Read the DNS trial of an OONI measurement: the probe's resolver beside the test helper's.

An address counts as confirmed if the test helper resolved it, if it or the probe completed a TLS
handshake with it for this name, or if it is in the same network (AS). Old probes could not check
that; there, their own note that the networks agree is used.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from harness.interop.ooni_form import Control, ControlDns, Keys, Measurement, Query, failure_from
from harness.interop.record import Side
from harness.model.facts import DnsFacts

VALID, BOGON = 8, 4
"""Flags of the test helper: its handshake proved the address valid; the address is a bogon."""
SYSTEM = frozenset({"", "system", "getaddrinfo", "golang_net_resolver", "netgo"})
AGREEING = frozenset({"consistent", "reverse_match"})
OF_LINE = "line_resolver"
"""Tag of a query to the line's own resolver, by whichever protocol (our extension)."""


def host_of_input(measurement: Measurement) -> str:
    """The host of the measured URL; lower case, without brackets."""
    return host_of_url(measurement.input or "")


def host_of_url(url: str) -> str:
    """The host of a URL or of a bare name; empty if there is none."""
    try:
        return (urlsplit(url if "//" in url else f"//{url}").hostname or "").lower()
    except ValueError:
        return ""


def read_dns(measurement: Measurement) -> tuple[Side, Side | None] | None:
    """Both sides of the DNS trial; None if the input has no name, or the name was not queried."""
    host, keys = host_of_input(measurement), measurement.test_keys
    if keys is None or _is_address(host):
        return None
    queries = [one for one in keys.queries or () if _asks_for(one, host)]
    if not queries and not keys.dns_experiment_failure:
        return None
    service = _service(host, queries, keys)
    if keys.control is None or keys.control.dns is None:
        return service, None
    return service, _control(host, keys.control, keys.control.dns, keys, service)


def _asks_for(query: Query, host: str) -> bool:
    engine = (query.engine or "").lower()
    if engine not in SYSTEM and OF_LINE not in (query.tags or ()):
        return False
    return (query.hostname or host).lower().rstrip(".") == host


def _service(host: str, queries: list[Query], keys: Keys) -> Side:
    addresses = tuple(
        dict.fromkeys(
            address
            for query in queries
            for answer in query.answers or ()
            if (address := answer.ipv4 or answer.ipv6)
        )
    )
    facts = DnsFacts(
        name=host, type="A", server="", addresses=addresses, rcode="NOERROR" if addresses else ""
    )
    failures = [query.failure for query in queries if query.failure]
    name = next(iter(failures), None) or (keys.dns_experiment_failure if not addresses else None)
    if addresses or not name:
        return Side(facts=facts)
    return Side(facts=facts, failure=failure_from(name, "resolve"))


def _control(host: str, control: Control, dns: ControlDns, keys: Keys, service: Side) -> Side:
    own = [address for address in dns.addrs or () if _is_address(address)]
    asked = service.facts.addresses if isinstance(service.facts, DnsFacts) else ()
    vouched = [address for address in asked if _vouches(control, keys, host, address, own)]
    facts = DnsFacts(
        name=host,
        type="A",
        server="",
        rcode="NOERROR",
        addresses=tuple(dict.fromkeys((*own, *vouched))),
    )
    if dns.failure and not own:
        return Side(facts=facts, failure=failure_from(dns.failure, "resolve"))
    return Side(facts=facts)


def _vouches(control: Control, keys: Keys, host: str, address: str, own: list[str]) -> bool:
    """Whether an address that the probe met is confirmed to be the site's."""
    if _has_shaken(keys, host, address):
        return True
    if not own or not _is_global(address):
        return False
    known = control.ip_info or {}
    here = known.get(address)
    if here is not None:
        networks = {known[one].asn for one in own if one in known} - {None, 0}
        return bool((here.flags or 0) & VALID) or here.asn in networks
    shaken = (control.tls_handshake or {}).get(f"{address}:443")
    if shaken is not None and shaken.status and not shaken.failure:
        return True
    return keys.dns_consistency in AGREEING


def _has_shaken(keys: Keys, host: str, address: str) -> bool:
    """Whether the probe completed a TLS handshake with the address with a valid certificate."""
    return any(
        one.server_name == host
        and not one.failure
        and not one.no_tls_verify
        and (one.address or "").rpartition(":")[0].strip("[]") == address
        for one in keys.tls_handshakes or ()
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_global(address: str) -> bool:
    return _is_address(address) and ip_address(address).is_global
