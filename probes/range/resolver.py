"""The zone's DNS answers (``ZoneServer``), and the reference filter as a resolver; no sockets."""

from __future__ import annotations

from dataclasses import dataclass, field

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from probes.range.faults import FaultKind, Faults
from probes.range.filter import Decision, ReferenceFilter
from probes.range.name_server import Reply
from probes.range.origin import ArrivalLog
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
    normalise,
)

TTL = 0
"""TTL of all records: no answer is cached, so each attempt asks again."""

SOA = f"ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 0"
NS = f"ns.{ZONE}."
HTTPS = '1 . alpn="http/1.1"'
"""The origin's HTTPS record (RFC 9460)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneServer:
    """Answers questions about the zone. With ``dual_stack`` every name also has an IPv6 address."""

    log: ArrivalLog
    dual_stack: bool = False
    faults: Faults = field(default_factory=Faults)

    def has(self, host: str) -> bool:
        """Whether the name currently exists."""
        return exists(host) and FaultKind.GONE not in self._kinds(host, "names")

    def address_of(self, host: str) -> str:
        """Return a host's address; hosts that a gateway blocks by SYN have their own."""
        kinds = self._kinds(host, "gateway")
        if FaultKind.SHUT in kinds:
            return SHUT_ADDRESS
        if FaultKind.DROP in kinds:
            return DROP_ADDRESS
        return TWIN_ADDRESS if is_twin(host) else ADDRESS

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Return the unfiltered answer: addresses, NODATA or NXDOMAIN with SOA, or REFUSED."""
        response = dns.message.make_response(query, recursion_available=True)
        if len(query.question) != 1 or not is_within(question_name(query)):
            response.set_rcode(dns.rcode.REFUSED)
            return response
        host = question_name(query)
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
        self.log.record(
            "dns", host, method=_type(query), answer=dns.rcode.to_text(response.rcode())
        )
        return response

    def _kinds(self, host: str, service: str) -> set[FaultKind]:
        return {fault.kind for fault in self.faults.on(normalise(host), service=service)}

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


def question_name(query: dns.message.Message) -> str:
    """Return the normalised name in the question; empty if there is no question."""
    return normalise(query.question[0].name.to_text()) if query.question else ""


def _type(query: dns.message.Message) -> str:
    return dns.rdatatype.to_text(query.question[0].rdtype)


_RCODES = {
    FaultKind.NXDOMAIN: dns.rcode.NXDOMAIN,
    FaultKind.REFUSE: dns.rcode.REFUSED,
    FaultKind.SERVFAIL: dns.rcode.SERVFAIL,
}
_INJECTION_STYLES = frozenset({FaultKind.INJECTED, FaultKind.INJECTED_LATE, FaultKind.STRAY})
_ADDRESS_STYLES = frozenset({FaultKind.SINKHOLE, FaultKind.CAPTIVE}) | _INJECTION_STYLES


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteringResolver:
    """The filtering resolver of one profile."""

    zone_server: ZoneServer
    filter: ReferenceFilter
    profile: str

    def reply(self, query: dns.message.Message) -> Reply:
        """Return the reply to a question; without a message none is sent."""
        decision = self.filter.decide(question_name(query), self.profile, "resolver")
        if decision.style in _INJECTION_STYLES:
            return self._with_injection(query, decision)
        if decision.style is FaultKind.NO_HTTPS and _is_for(query, dns.rdatatype.HTTPS):
            return Reply(message=_blocked(query, decision), delay=decision.delay)
        if decision.style is FaultKind.SMALL_LETTERS:
            return Reply(message=self.zone_server.answer(_lowercased(query)))
        if not decision.is_blocked:
            return Reply(message=self.zone_server.answer(query), delay=decision.delay)
        if decision.style is FaultKind.SILENT:
            return Reply(message=None)
        return Reply(message=_blocked(query, decision), delay=decision.delay)

    def _with_injection(self, query: dns.message.Message, decision: Decision) -> Reply:
        """Return the true answer together with an injected one (Duan et al., SATIN 2012)."""
        true, false = self.zone_server.answer(query), _blocked(query, decision)
        if decision.style is FaultKind.STRAY:
            false.id ^= 1  # an injector that does not know the id
        if decision.style is FaultKind.INJECTED_LATE:
            return Reply(message=true, late=false)
        return Reply(message=false, late=true)


def _blocked(query: dns.message.Message, decision: Decision) -> dns.message.Message:
    """Return a block as by Unbound's local zones and BIND's policy zones, without SOA."""
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(_RCODES.get(decision.style or FaultKind.NODATA, dns.rcode.NOERROR))
    fault = decision.fault
    if fault and _is_for(query, dns.rdatatype.A) and decision.style in _ADDRESS_STYLES:
        name = query.question[0].name
        response.answer.append(
            dns.rrset.from_text(name, TTL, dns.rdataclass.IN, dns.rdatatype.A, fault.address)
        )
    if fault and fault.extended_error is not None and query.edns >= 0:
        option = dns.edns.EDEOption(dns.edns.EDECode.make(fault.extended_error))
        response.use_edns(query.edns, options=[option])
    return response


def _is_for(query: dns.message.Message, kind: dns.rdatatype.RdataType) -> bool:
    return bool(query.question) and query.question[0].rdtype == kind


def _lowercased(query: dns.message.Message) -> dns.message.Message:
    """Return the query with its name in lower case, as some servers repeat it."""
    small = dns.message.from_wire(query.to_wire())
    for question in small.question:
        question.name = question.name.canonicalize()
    return small
