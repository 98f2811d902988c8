"""DNS queries in a given form: flags, EDNS options and letter case as a client may choose them.

The message is exactly the one that the form describes (``harness.model.query_case``): nothing is
added, and a question in mixed case is not repeated in lower case.
"""

from __future__ import annotations

import os

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
from msgspec.structs import replace

from harness.model.facts import DnsFacts
from harness.model.observation import Failure
from harness.model.query_case import EdnsChoice, FlagChoice, QueryForm
from probes.net.dns_server import DnsServer, mix_case

PAYLOAD = 1232
"""EDNS buffer size that avoids fragmentation (DNS flag day 2020)."""
BLOCK = 128
"""The size in bytes that queries are padded to (RFC 7830, RFC 8467)."""
SUBNET = ("192.0.2.0", 24)
"""A client's subnet (RFC 7871) that belongs to nobody (RFC 5737)."""
COOKIE_BYTES = 8

_FLAGS: dict[FlagChoice, dns.flags.Flag] = {
    "rd": dns.flags.RD,
    "rd-ad": dns.flags.RD | dns.flags.AD,
    "rd-cd": dns.flags.RD | dns.flags.CD,
    "no-rd": dns.flags.Flag(0),
}


def query_in_form(name: str, form: QueryForm) -> dns.message.Message:
    """Return the query for a name. Raises dns.exception.DNSException for an invalid name."""
    query = dns.message.make_query(name.lower(), form.type.upper())
    query.flags = _FLAGS[form.flags]
    if form.letters == "mixed":
        (question,) = query.question
        question.name = dns.name.Name(mix_case(label) for label in question.name.labels)
    if form.edns != "none":
        _add_edns(query, form.edns)
    return query


def _add_edns(query: dns.message.Message, choice: EdnsChoice) -> None:
    options: list[dns.edns.Option] = []
    if choice == "subnet":
        options.append(dns.edns.ECSOption(*SUBNET))
    elif choice == "cookie":
        options.append(dns.edns.CookieOption(os.urandom(COOKIE_BYTES), b""))
    flags = dns.flags.DO if choice == "do" else 0
    query.use_edns(0, ednsflags=flags, payload=PAYLOAD, options=options)
    if choice == "padding":
        used = len(query.to_wire()) + 4  # the code and the length of the option
        padding = dns.edns.GenericOption(dns.edns.OptionType.PADDING, bytes(-used % BLOCK))
        query.use_edns(0, ednsflags=flags, payload=PAYLOAD, options=[padding])


def cannot_carry(server: DnsServer, form: QueryForm) -> Failure | None:
    """Return why a server cannot be asked over the transport of a form; None if it can."""
    if form.transport == "own" or server.transport in ("udp", form.transport):
        return None
    detail = f"{server} is not asked over {form.transport.upper()}"
    return Failure(name="instrument_error", stage="instrument", detail=detail)


def with_keep_time(facts: DnsFacts, message: dns.message.Message) -> DnsFacts:
    """Add for how many seconds the answer may be kept."""
    return replace(facts, kept_for=keep_time(message))


def keep_time(message: dns.message.Message) -> int:
    """Return for how many seconds a client may keep an answer.

    Of a positive answer that is the time to live of the records at the name itself, the longest if
    they differ; of a negative one the smaller of two times in its SOA record, and 0 without it (RFC
    2308 section 5).
    """
    if message.answer:
        asked = message.question[0].name if message.question else None
        own = [rrset.ttl for rrset in message.answer if rrset.name == asked]
        return max(own or [rrset.ttl for rrset in message.answer])
    found = [
        min(rrset.ttl, record.minimum)
        for rrset in message.authority
        if rrset.rdtype == dns.rdatatype.SOA
        for record in rrset
    ]
    return max(found, default=0)
