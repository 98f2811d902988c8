"""Ask one name server with dnspython: UDP, and TCP for truncated answers (RFC 1035, RFC 7766).

Questions may also go over TCP, TLS (RFC 7858) or HTTPS (RFC 8484) from the start, on persistent
connections. EDNS with DO is sent because extended errors (RFC 8914) need it. REFUSED and NXDOMAIN
are answers, therefore facts; only silence and network errors are failures.

Holds ``Resolver``, and what the wire backend shares with it: ``read_message``, ``read_reply``,
``name_failure``, ``system_server``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from pathlib import Path
from time import perf_counter

import dns.edns
import dns.entropy
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import httptools
from msgspec.structs import replace

from harness.errors import UsageError
from harness.model.facts import DnsFacts, DnsRecord, ExtendedError
from harness.model.observation import Failure, Timings
from harness.model.query_case import QueryForm
from harness.ports.network import Answer, Question
from probes.net.dns_server import DnsServer, Transport, mix_case
from probes.net.exchange_recorder import failure_of
from probes.net.local_binding import Datagrams, open_socket
from probes.net.portable.dns_pool import DnsPool
from probes.net.portable.dns_stream import StatusError
from probes.net.portable.query_forms import (
    PAYLOAD,
    cannot_carry,
    query_in_form,
    with_keep_time,
)
from probes.net.route import Address, parse_address

DNS_PORT = 53
MAX_SILENT_NAMES = 65536


class Resolver:
    """Asks one name server. After a timeout, that name is no longer sent in mixed case."""

    def __init__(self, server: DnsServer) -> None:
        self.server = server
        self.pool = DnsPool(server)
        self._silent: set[str] = set()

    async def ask(self, question: Question) -> Answer:
        """Ask one question; timeouts and network errors are in the Answer's failure."""
        started = perf_counter()
        facts = DnsFacts(name=question.name, type=question.type, server=str(self.server))
        failure = cannot_carry(self.server, question.form) if question.form else None
        if failure is not None:
            return Answer(facts=facts, timings=Timings(), failure=failure)
        try:
            async with asyncio.timeout(question.timeout):
                facts = await self._ask(question)
        except Exception as error:  # noqa: BLE001 - recorded as the failure of the answer
            failure = name_failure(error)
            if isinstance(error, TimeoutError) and len(self._silent) < MAX_SILENT_NAMES:
                self._silent.add(question.name)
        return Answer(facts=facts, timings=Timings(total=perf_counter() - started), failure=failure)

    async def _ask(self, question: Question) -> DnsFacts:
        if question.form is not None:
            return await self._ask_in_form(question, question.form)
        query = make_query(question, edns=self.server.edns)
        transport, case_lost = self.server.transport, False
        if transport == "udp":
            is_mixed = self.server.mixed_case and question.name not in self._silent
            mixed = _with_mixed_case(query) if is_mixed else query
            received = await _ask_udp(mixed, self.server)
            case_lost = mixed is not query and not _repeats_question(received, mixed)
            if case_lost:
                received = await self._ask_as_written(query, received, question.timeout / 2)
            if not received.flags & dns.flags.TC:
                facts = read_message(received, question, self.server)
                return replace(facts, case_lost=case_lost)
            transport = "tcp"
        wire = await self.pool.ask(
            query.to_wire()[2:], own_connection=question.name in self._silent
        )
        query.id = int.from_bytes(wire[:2], "big")
        return read_message(read_reply(wire, query), question, self.server, transport)

    async def _ask_in_form(self, question: Question, form: QueryForm) -> DnsFacts:
        """Send exactly the query of the form; a truncated answer is asked for over TCP."""
        query = query_in_form(question.name, form)
        transport = self.server.transport if form.transport == "own" else form.transport
        if transport == "udp":
            received = await _ask_udp(query, self.server)
            if not received.flags & dns.flags.TC:
                return with_keep_time(read_message(received, question, self.server), received)
            transport = "tcp"
        pool = DnsPool(dataclasses.replace(self.server, transport=transport))
        wire = await pool.ask(query.to_wire()[2:], own_connection=True)
        query.id = int.from_bytes(wire[:2], "big")
        received = read_reply(wire, query)
        return with_keep_time(read_message(received, question, self.server, transport), received)

    async def _ask_as_written(
        self, query: dns.message.Message, first: dns.message.Message, patience: float
    ) -> dns.message.Message:
        """Ask again without mixed case; if that gets no answer, return the first one."""
        try:
            async with asyncio.timeout(patience):
                return await _ask_udp(query, self.server)
        except OSError:
            return first


def _with_mixed_case(query: dns.message.Message) -> dns.message.Message:
    """Return the same question in mixed case, with a new id."""
    mixed = dns.message.from_wire(query.to_wire())
    mixed.id = dns.entropy.random_16()
    (question,) = mixed.question
    question.name = dns.name.Name(mix_case(label) for label in question.name.labels)
    return mixed


def _repeats_question(received: dns.message.Message, query: dns.message.Message) -> bool:
    """Whether an answer repeats the question in the same letter case."""
    return [entry.name.labels for entry in received.question] == [
        entry.name.labels for entry in query.question
    ]


def make_query(question: Question, *, edns: bool = True) -> dns.message.Message:
    """Return the question as a message, with EDNS if ``edns``.

    Raises dns.exception.DNSException for an invalid name.
    """
    if not edns:
        return dns.message.make_query(question.name, question.type)
    return dns.message.make_query(
        question.name, question.type, use_edns=0, want_dnssec=True, payload=PAYLOAD
    )


class _UdpProtocol(Datagrams):
    """Waits for the datagram that answers a query; ignores others."""

    def __init__(self, query: dns.message.Message) -> None:
        self.query = query
        self.received: asyncio.Future[dns.message.Message]
        self.received = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:  # noqa: ARG002 - the socket is connected
        if self.received.done() or len(data) < 2 or data[:2] != self.query.id.to_bytes(2):  # noqa: PLR2004 - the id is two bytes
            return
        try:
            message = dns.message.from_wire(data, ignore_trailing=True)
            if self.query.is_response(message):
                self.received.set_result(message)
        except dns.exception.DNSException as error:
            self.received.set_exception(error)

    def error_received(self, exc: Exception) -> None:
        """Fail the query: an ICMP error was received, or sending failed."""
        if not self.received.done():
            self.received.set_exception(exc)


async def _ask_udp(query: dns.message.Message, server: DnsServer) -> dns.message.Message:
    address = server.address
    sock = open_socket(address.host, socket.SOCK_DGRAM, server.binding)
    waiting = _UdpProtocol(query)
    try:
        sock.connect((address.host, address.port))
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: waiting, sock=sock
        )
    except BaseException:
        waiting.close()
        sock.close()
        raise
    try:
        transport.sendto(query.to_wire())
        return await waiting.received
    finally:
        waiting.close()


def read_reply(wire: bytes, query: dns.message.Message) -> dns.message.Message:
    """Parse the answer to ``query``. Raises dns.exception.DNSException if it is not one."""
    message = dns.message.from_wire(wire, ignore_trailing=True)
    if not query.is_response(message):
        raise dns.query.BadResponse
    return message


def system_server(configuration: Path | None = None) -> Address:
    """Return this machine's first name server. Raises UsageError if it has none.

    ``configuration`` is a ``resolv.conf`` to read instead of the machine's own.
    """
    try:
        reader = (
            dns.resolver.Resolver(str(configuration)) if configuration else dns.resolver.Resolver()
        )
        servers = reader.nameservers
    except dns.resolver.NoResolverConfiguration:
        servers = []
    if not servers:
        raise UsageError("this machine has no name server; give the line an option 'resolver'")
    return parse_address(str(servers[0]), "the system's name server", DNS_PORT)


def read_message(
    message: dns.message.Message,
    question: Question,
    server: DnsServer,
    transport: Transport = "udp",
) -> DnsFacts:
    """Return the facts of an answer."""
    records = tuple(
        DnsRecord(
            name=rrset.name.to_text(omit_final_dot=True).lower(),
            type=dns.rdatatype.to_text(rrset.rdtype),
            ttl=rrset.ttl,
            data=record.to_text(),
        )
        for rrset in message.answer
        for record in rrset
    )
    beside = [*message.authority, *message.additional]
    errors = tuple(
        ExtendedError(code=int(option.code), text=option.text or "")
        for option in message.options
        if isinstance(option, dns.edns.EDEOption)
    )
    return DnsFacts(
        name=question.name,
        type=question.type,
        server=str(server),
        transport=transport,
        rcode=dns.rcode.to_text(message.rcode()),
        flags=dns.flags.to_text(message.flags),
        records=records,
        addresses=tuple(record.data for record in records if record.type in ("A", "AAAA")),
        has_soa=any(rrset.rdtype == dns.rdatatype.SOA for rrset in beside),
        extended_errors=errors,
    )


def name_failure(error: Exception) -> Failure:
    """Return the failure for an exception that ended a question."""
    if isinstance(error, (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel)):
        return Failure(name="instrument_error", stage="instrument", detail=f"no name: {error}")
    if isinstance(error, dns.exception.Timeout):
        return Failure(name="generic_timeout_error", stage="resolve")
    if isinstance(error, StatusError):
        return Failure(name="dns_server_misbehaving", stage="resolve", detail=str(error))
    if isinstance(error, (dns.exception.DNSException, httptools.HttpParserError)):
        detail = f"{type(error).__name__}: {error}"[:200]
        return Failure(name="dns_server_misbehaving", stage="resolve", detail=detail)
    return failure_of(error, "resolve")
