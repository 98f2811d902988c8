"""The reference filter as a resolver: the zone's answers, or a block in the style of a fault."""

from __future__ import annotations

from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from probes.range.faults import FaultKind
from probes.range.filter import Decision, ReferenceFilter
from probes.range.name_server import Reply
from probes.range.zone_server import TTL, Names, host_in

_RCODES = {
    FaultKind.NXDOMAIN: dns.rcode.NXDOMAIN,
    FaultKind.REFUSE: dns.rcode.REFUSED,
    FaultKind.SERVFAIL: dns.rcode.SERVFAIL,
}
_TWO_VOICES = frozenset({FaultKind.INJECTED, FaultKind.INJECTED_LATE, FaultKind.STRAY})
_ADDRESSED = frozenset({FaultKind.SINKHOLE, FaultKind.CAPTIVE}) | _TWO_VOICES


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteringResolver:
    """Answers for one profile; a part of the name server that asks it."""

    names: Names
    filter: ReferenceFilter
    profile: str

    def reply(self, query: dns.message.Message) -> Reply:
        """The answer to one question, and how long it takes; no message means silence."""
        decision = self.filter.decide(host_in(query), self.profile, "resolver")
        if decision.style in _TWO_VOICES:
            return self._in_two_voices(query, decision)
        if decision.style is FaultKind.NO_HTTPS and _is_for(query, dns.rdatatype.HTTPS):
            return Reply(message=_blocked(query, decision), delay=decision.delay)
        if decision.style is FaultKind.SMALL_LETTERS:
            return Reply(message=self.names.answer(_in_small_letters(query)))
        if not decision.is_blocked:
            return Reply(message=self.names.answer(query), delay=decision.delay)
        if decision.style is FaultKind.SILENT:
            return Reply(message=None)
        return Reply(message=_blocked(query, decision), delay=decision.delay)

    def _in_two_voices(self, query: dns.message.Message, decision: Decision) -> Reply:
        """The true answer, raced by a false one (Duan et al., SATIN 2012)."""
        true, false = self.names.answer(query), _blocked(query, decision)
        if decision.style is FaultKind.STRAY:
            false.id ^= 1  # an injector that has to guess the id
        if decision.style is FaultKind.INJECTED_LATE:
            return Reply(message=true, late=false)
        return Reply(message=false, late=true)


def _blocked(query: dns.message.Message, decision: Decision) -> dns.message.Message:
    """A block as Unbound's local zones and BIND's policy zones make it: no SOA."""
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(_RCODES.get(decision.style or FaultKind.NODATA, dns.rcode.NOERROR))
    fault = decision.fault
    if fault and _is_for(query, dns.rdatatype.A) and decision.style in _ADDRESSED:
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


def _in_small_letters(query: dns.message.Message) -> dns.message.Message:
    """The question as a server repeats it that keeps no letter as it was asked."""
    small = dns.message.from_wire(query.to_wire())
    for question in small.question:
        question.name = question.name.canonicalize()
    return small
