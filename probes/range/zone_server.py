"""The zone's name server: authoritative for the zone, and for nothing else (RFC 1035).

It looks recursive too (RA), because stub clients expect it. UDP and TCP (RFC 7766).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from probes.range.faults import FaultKind, Faults
from probes.range.log import Log
from probes.range.zone import (
    ADDRESS,
    ADDRESS_6,
    DROP_ADDRESS,
    SHUT_ADDRESS,
    TWIN_ADDRESS,
    ZONE,
    exists,
    is_twin,
    is_within,
    plain,
)

TTL = 0
"""No answer is kept by anybody: each attempt asks anew."""

SOA = f"ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 0"
NS = f"ns.{ZONE}."
HTTPS = '1 . alpn="http/1.1"'
"""What the origin speaks (RFC 9460)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Answers questions about the zone, without a socket.

    With ``dual_stack`` every name has an IPv6 address as well.
    """

    log: Log
    dual_stack: bool = False
    faults: Faults = field(default_factory=Faults)

    def has(self, host: str) -> bool:
        """Whether the name exists at present."""
        return exists(host) and FaultKind.GONE not in self._kinds(host, "names")

    def address_of(self, host: str) -> str:
        """Where a host is. A gateway sees no name in a SYN, so what it cuts off lies apart."""
        kinds = self._kinds(host, "gateway")
        if FaultKind.SHUT in kinds:
            return SHUT_ADDRESS
        if FaultKind.DROP in kinds:
            return DROP_ADDRESS
        return TWIN_ADDRESS if is_twin(host) else ADDRESS

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The unfiltered answer: addresses, NODATA or NXDOMAIN with SOA, or REFUSED."""
        response = dns.message.make_response(query, recursion_available=True)
        if len(query.question) != 1 or not is_within(host_in(query)):
            response.set_rcode(dns.rcode.REFUSED)
            return response
        host = host_in(query)
        response.flags |= dns.flags.AA
        if not self.has(host):
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif texts := self._texts(host, query.question[0].rdtype):
            question = query.question[0]
            response.answer.append(
                dns.rrset.from_text_list(
                    question.name, TTL, dns.rdataclass.IN, question.rdtype, texts
                )
            )
        if not response.answer:
            response.authority.append(
                dns.rrset.from_text(f"{ZONE}.", TTL, dns.rdataclass.IN, dns.rdatatype.SOA, SOA)
            )
        self.log.note("dns", host, method=_type(query), answer=dns.rcode.to_text(response.rcode()))
        return response

    def _kinds(self, host: str, service: str) -> set[FaultKind]:
        return {fault.kind for fault in self.faults.on(plain(host), service=service)}

    def _texts(self, host: str, rdtype: dns.rdatatype.RdataType) -> list[str]:
        if rdtype is dns.rdatatype.A:
            return [self.address_of(host)]
        if rdtype is dns.rdatatype.HTTPS and FaultKind.NO_HTTPS not in self._kinds(host, "names"):
            return [HTTPS]
        if rdtype is dns.rdatatype.AAAA and self.dual_stack and not is_twin(host):
            return [ADDRESS_6]
        if host == ZONE and rdtype is dns.rdatatype.SOA:
            return [SOA]
        if host == ZONE and rdtype is dns.rdatatype.NS:
            return [NS]
        return []


def host_in(query: dns.message.Message) -> str:
    """The name that is asked for, plain; empty when nothing is asked."""
    return plain(query.question[0].name.to_text()) if query.question else ""


def _type(query: dns.message.Message) -> str:
    return dns.rdatatype.to_text(query.question[0].rdtype)
