"""The zone's DNS answers (``ZoneServer``), and the reference filter as a resolver; no sockets."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from probes.mail.sender_domains import records_of
from probes.range.arrival_log import ArrivalLog
from probes.range.ech_server import OriginEch
from probes.range.faults import FaultKind, Faults
from probes.range.filter import Decision, ReferenceFilter
from probes.range.name_server import Reply
from probes.range.question_entry import QuestionEntry
from probes.range.resolver_guard import guarded_style
from probes.range.technique_names import TechniqueNames
from probes.range.tunnel_pages import TunnelPages
from probes.range.zone import (
    ADDRESS_6,
    DROP_ADDRESS,
    RANGE,
    SHUT_ADDRESS,
    TWIN_ADDRESS,
    ZoneNames,
    normalise,
)
from probes.range.zone_signing import ZoneSigner, wants_signatures

TTL = 0
"""TTL of all records: no answer is cached, so each attempt asks again."""

HTTPS = '1 . alpn="http/1.1"'
"""The origin's HTTPS record (RFC 9460)."""

_FAMILIES = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}
_OF_MAIL = frozenset({dns.rdatatype.TXT, dns.rdatatype.MX})
_LONGEST_STRING = 255
"""Bytes of a character-string in a TXT record (RFC 1035 section 3.3)."""
_OFTEN = (
    dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.HTTPS, dns.rdatatype.NS, dns.rdatatype.SOA,
    *_OF_MAIL,
)  # fmt: skip
"""The types of records that names of the zones have."""
_TRANSFERS = frozenset({dns.rdatatype.AXFR, dns.rdatatype.IXFR})


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneServer:
    """Answers questions about the zones in ``names``; all others are refused.

    With ``dual_stack`` every name but plain twins also has the IPv6 loopback address. Hosts in
    ``several`` also have the address of the twins; either comes first in turn. Hosts in ``aliases``
    are aliases (CNAME) of themselves with ``www.``. The zones of ``signers`` are signed.
    ``is_resolver`` is for the range, whose name server is also used as an unfiltered resolver: its
    answers say that recursion is available. Domains of senders of mail have records for SPF, DKIM
    and DMARC; ``mail_key`` is the public key of DKIM (``probes.mail.sender_domains``). The HTTPS
    records of the hosts of techniques have the keys of ``ech`` (RFC 9848). With ``tunnel`` some
    names hold pieces of pages (``probes.range.technique_names``).
    """

    log: ArrivalLog
    dual_stack: bool = False
    faults: Faults = field(default_factory=Faults)
    names: ZoneNames = RANGE
    is_resolver: bool = True
    several: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    signers: tuple[ZoneSigner, ...] = ()
    mail_key: str = ""
    ech: OriginEch | None = None
    tunnel: TunnelPages | None = None
    _turn: Iterator[int] = field(default_factory=count)

    def has(self, host: str) -> bool:
        """Whether the name currently exists."""
        return self.names.exists(host) and FaultKind.GONE not in self._kinds(host, "names")

    def address_of(self, host: str) -> str:
        """Return a host's IPv4 address; hosts that a gateway blocks by SYN have their own."""
        return next(iter(self._addresses(host, 4)), "")

    @property
    def technique_names(self) -> TechniqueNames:
        """The names that are for techniques."""
        return TechniqueNames(names=self.names, addresses_of=self._addresses, tunnel=self.tunnel)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Return the unfiltered answer: addresses, NODATA or NXDOMAIN with SOA, or REFUSED."""
        response = dns.message.make_response(
            query, recursion_available=self.is_resolver, our_payload=PAYLOAD
        )
        host = question_name(query)
        further = self.technique_names.rrsets(query, TTL)
        refusal = self._refusal(query, is_further=further is not None)
        if refusal is not None:
            response.set_rcode(refusal)
            return response
        response.flags |= dns.flags.AA
        if further is None:
            self._add_records(response, host)
        else:
            response.answer += further
        apex = self._apex_of(host)
        if not response.answer and apex:
            soa = self._soa(apex)
            response.authority.append(
                dns.rrset.from_text(f"{apex}.", TTL, dns.rdataclass.IN, dns.rdatatype.SOA, soa)
            )
        signer = self._signer_of(host)
        if signer is not None and wants_signatures(query):
            signer.sign(response, self._types(host))
        self.log.record(
            "dns", host, method=_type(query), answer=dns.rcode.to_text(response.rcode())
        )
        return response

    def _add_records(self, response: dns.message.Message, host: str) -> None:
        """Add the records of a host of the type in the question, or an answer code."""
        question = response.question[0]
        alias = self.names.alias_of(host) or (f"www.{host}" if host in self.aliases else "")
        if alias:
            response.answer.append(
                dns.rrset.from_text(
                    question.name, TTL, dns.rdataclass.IN, dns.rdatatype.CNAME, f"{alias}."
                )
            )
            if host not in self.aliases or question.rdtype is dns.rdatatype.CNAME:
                return
        elif not self.has(host) and host not in self.names.apexes:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return
        if question.rdtype is dns.rdatatype.DNSKEY and host in self.names.apexes:
            signer = self._signer_of(host)
            response.answer += [signer.keys] if signer is not None else []
        elif texts := self._texts(alias or host, question.rdtype):
            owner = f"{alias}." if alias else question.name
            response.answer.append(
                dns.rrset.from_text_list(owner, TTL, dns.rdataclass.IN, question.rdtype, texts)
            )
            if question.rdtype is dns.rdatatype.NS:
                response.additional += self._glue(texts)

    def _signer_of(self, host: str) -> ZoneSigner | None:
        apex = self._apex_of(host)
        return next((one for one in self.signers if one.zone == apex), None)

    def _types(self, host: str) -> frozenset[str]:
        """Return the types of records that a host has."""
        found = {one for one in _OFTEN if self._texts(host, one)}
        return frozenset(map(dns.rdatatype.to_text, found))

    def _refusal(self, query: dns.message.Message, *, is_further: bool) -> dns.rcode.Rcode | None:
        """Return why a query is not answered; None if it is one about the zones, or ``is_further``.

        Names are compared by their labels: the text of a label may hold dots and colons.
        """
        if query.opcode() != dns.opcode.QUERY:
            return dns.rcode.NOTIMP
        if query.edns > 0:
            return dns.rcode.BADVERS
        if (
            len(query.question) != 1
            or query.question[0].rdclass is not dns.rdataclass.IN
            or query.question[0].rdtype in _TRANSFERS
            or not (
                is_further
                or any(
                    query.question[0].name.is_subdomain(_name_of(apex))
                    for apex in self.names.apexes
                )
            )
        ):
            return dns.rcode.REFUSED
        return None

    def _kinds(self, host: str, service: str) -> set[FaultKind]:
        return {fault.kind for fault in self.faults.on(normalise(host), service=service)}

    def _addresses(self, host: str, version: int) -> list[str]:
        if version == 4:  # noqa: PLR2004 - the version of IP
            kinds = self._kinds(host, "gateway")
            if FaultKind.SHUT in kinds:
                return [SHUT_ADDRESS]
            if FaultKind.DROP in kinds:
                return [DROP_ADDRESS]
        is_twin = self.names.is_twin(host)
        own = self.names.addresses_of(host, version)
        if version == 4 and host in self.several and TWIN_ADDRESS not in own:  # noqa: PLR2004 - the same
            return [*own, TWIN_ADDRESS] if next(self._turn) % 2 else [TWIN_ADDRESS, *own]
        has_loopback = version == 6 and self.dual_stack and not is_twin  # noqa: PLR2004 - the same
        return [*own, ADDRESS_6] if has_loopback else own

    def _texts(self, host: str, rdtype: dns.rdatatype.RdataType) -> list[str]:
        if host in self.names.apexes:
            if rdtype is dns.rdatatype.SOA:
                return [self._soa(host)]
            if rdtype is dns.rdatatype.NS:
                return [f"{server}." for server in self._servers(host)]
        if host == self.names.twin_zone:
            return []
        if rdtype in _FAMILIES:
            return self._addresses(host, _FAMILIES[rdtype])
        if rdtype is dns.rdatatype.HTTPS and FaultKind.NO_HTTPS not in self._kinds(host, "names"):
            keys = self.ech.config_list(host) if self.ech is not None else b""
            return [f'{HTTPS} ech="{b64encode(keys).decode()}"' if keys else HTTPS]
        return self._mail_texts(host, rdtype)

    def _mail_texts(self, host: str, rdtype: dns.rdatatype.RdataType) -> list[str]:
        """Return the records of a domain of senders of mail."""
        if rdtype not in _OF_MAIL:
            return []
        kind = dns.rdatatype.to_text(rdtype)
        texts = [text for type_, text in records_of(host, self.mail_key) or () if type_ == kind]
        return [_in_strings(text) for text in texts] if kind == "TXT" else texts

    def _servers(self, apex: str) -> tuple[str, ...]:
        """Return the name servers of a zone."""
        zone = self.names.zone_of(apex)
        return zone.nameservers if zone else ()

    def _soa(self, apex: str) -> str:
        return f"{self._servers(apex)[0]}. hostmaster.{apex}. 1 3600 600 86400 0"

    def _apex_of(self, host: str) -> str:
        zone = self.names.zone_of(host)
        return zone.zone if zone else ""

    def _glue(self, servers: list[str]) -> list[dns.rrset.RRset]:
        """Return the addresses of name servers in the zones."""
        return [
            dns.rrset.from_text_list(server, TTL, dns.rdataclass.IN, rdtype, addresses)
            for server in servers
            if self.names.is_within(server)
            for rdtype, version in _FAMILIES.items()
            if (addresses := self._addresses(normalise(server), version))
        ]


PAYLOAD = 1232
"""The largest UDP message that is announced: one that is not fragmented on its way."""


@lru_cache(maxsize=64)
def _name_of(zone: str) -> dns.name.Name:
    return dns.name.from_text(zone)


def question_name(query: dns.message.Message) -> str:
    """Return the normalised name in the question; empty if there is no question."""
    return normalise(query.question[0].name.to_text()) if query.question else ""


def _in_strings(text: str) -> str:
    """Return a text of a TXT record as strings in quotes; it holds no quotes itself."""
    starts = range(0, len(text), _LONGEST_STRING)
    return " ".join(f'"{text[start : start + _LONGEST_STRING]}"' for start in starts)


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
        log = self.filter.log
        asked_at = log.clock() if log is not None else 0.0
        decision = self._guarded(
            query, self.filter.decide(question_name(query), self.profile, "resolver")
        )
        reply = self._reply(query, decision)
        if log is None:
            return reply
        note = QuestionEntry(
            log=log,
            decision=decision,
            profile=self.profile,
            name=_written_name(query),
            rcode=reply.message.rcode() if reply.message is not None else 0,
            asked_at=asked_at,
        )
        return replace(reply, note=note)

    def _guarded(self, query: dns.message.Message, decision: Decision) -> Decision:
        """Return the decision, or a block of a question that no careful resolver passes on."""
        faults = self.filter.faults.on(decision.host, self.profile, "resolver")
        is_off = {FaultKind.OFF, FaultKind.MISS} & {fault.kind for fault in faults}
        if decision.style is not None or is_off:
            return decision
        style = guarded_style(query)
        targets = self.zone_server.technique_names.targets(query)
        if any(self.filter.policy.is_blocked(target, self.profile) for target in targets):
            style = FaultKind.NXDOMAIN
        return replace(decision, style=style) if style is not None else decision

    def _reply(self, query: dns.message.Message, decision: Decision) -> Reply:
        if decision.style in _INJECTION_STYLES:
            return self._with_injection(query, decision)
        if decision.style is FaultKind.NO_HTTPS and _is_for(query, dns.rdatatype.HTTPS):
            return Reply(message=_blocked(query, decision), delay=decision.delay)
        if decision.style is FaultKind.SMALL_LETTERS:
            return Reply(message=self.zone_server.answer(_lowercased(query)))
        if not decision.is_blocked:
            target = self.filter.lock_target(decision, self.profile)
            answer = self._with_alias(query, target) if target else self.zone_server.answer(query)
            return Reply(message=answer, delay=decision.delay)
        if decision.style is FaultKind.SILENT:
            return Reply(message=None)
        return Reply(message=_blocked(query, decision), delay=decision.delay)

    def _with_alias(self, query: dns.message.Message, target: str) -> dns.message.Message:
        """Return the answer for ``target``, of which the asked name becomes an alias (CNAME)."""
        name = query.question[0].name
        followed = dns.message.make_query(target, query.question[0].rdtype)
        response = dns.message.make_response(query, recursion_available=True)
        alias = dns.rrset.from_text(name, TTL, dns.rdataclass.IN, dns.rdatatype.CNAME, f"{target}.")
        response.answer += [alias, *self.zone_server.answer(followed).answer]
        return response

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


def _written_name(query: dns.message.Message) -> str:
    """Return the name in the question in lower case, with unusual bytes escaped (RFC 1035)."""
    if not query.question:
        return ""
    return query.question[0].name.to_text(omit_final_dot=True).lower()


def _is_for(query: dns.message.Message, kind: dns.rdatatype.RdataType) -> bool:
    return bool(query.question) and query.question[0].rdtype == kind


def _lowercased(query: dns.message.Message) -> dns.message.Message:
    """Return the query with its name in lower case, as some servers repeat it."""
    small = dns.message.from_wire(query.to_wire())
    for question in small.question:
        question.name = question.name.canonicalize()
    return small
