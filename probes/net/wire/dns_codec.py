"""A fast DNS codec for common messages (RFC 1035, RFC 6891, RFC 8914).

Unusual messages are left to dnspython, which is also the reference in the tests: ``read_answer``
returns None for them. Of the authority and additional sections only what the facts need is read.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from socket import AF_INET6, inet_ntoa, inet_ntop

import dns.flags
import dns.rcode
import dns.rdatatype
import msgspec

from harness.model.facts import DnsFacts, DnsRecord, ExtendedError
from harness.ports.network import Question
from probes.net.dns_server import Transport, mix_case

PAYLOAD = 1232
HEADER = 12
IS_RESPONSE, IS_TRUNCATED = 0x80, 0x02
A, CNAME, SOA, AAAA, OPT = 1, 5, 6, 28, 41
IN = 1
EDE = 15
POINTER = 0xC0
TO_QUESTION = POINTER << 8 | HEADER
"""Compression pointer to the question's name, used by nearly every answer."""
LONGEST_LABEL, LONGEST_NAME = 63, 253
LARGEST_TTL = 2**31 - 1
MAX_CACHED_QUERIES = 4096
"""Cache size: the control and each line ask for the same name shortly after each other."""

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_POINTED = struct.Struct("!HHHIH")
_PAIR = struct.Struct("!HH")
_PLAIN = re.compile(rb"[A-Za-z0-9_*-]+")
_PLAIN_NAME = re.compile(r"(?:[A-Za-z0-9_*-]{1,63}+\.)*+[A-Za-z0-9_*-]{1,63}+")
# Recursion desired, one question, one additional record: the OPT of EDNS.
_ASKING = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
# Root name, type OPT, payload size, no extended rcode, version 0, DO set, no options.
_EDNS = struct.pack("!BHHBBHH", 0, OPT, PAYLOAD, 0, 0, 0x8000, 0)


class OtherSections(msgspec.Struct, frozen=True):
    """From authority and additional: high bits of the RCODE, presence of SOA, extended errors."""

    rcode_high: int
    has_soa: bool
    errors: tuple[ExtendedError, ...]


class Query(msgspec.Struct, frozen=True):
    """A question in wire form: ``rest`` is all after the id, ``section`` the question section."""

    rest: bytes
    section: bytes


class OddMessageError(Exception):
    """Not a common message: dnspython must parse it."""


@lru_cache(maxsize=MAX_CACHED_QUERIES)
def write_query(name: str, type_: str) -> Query | None:
    """Return the question in wire form, or None for an unusual name."""
    plain = name.rstrip(".")
    if len(plain) > LONGEST_NAME or not _PLAIN_NAME.fullmatch(plain):
        return None
    labels = "".join([chr(len(label)) + label for label in plain.split(".")])
    section = labels.encode("ascii") + _question_end(type_)
    return Query(_ASKING + section + _EDNS, section)


def mix_query(query: Query) -> Query:
    """Return the question with its name in mixed case; its type (65 is also an ``A``) stays."""
    name = query.section[: -_PAIR.size]
    section = mix_case(name) + query.section[len(name) :]
    return Query(_ASKING + section + _EDNS, section)


def repeats(received: bytes, section: bytes) -> bool:
    """Whether a message is a response with the same question section, in the same letter case."""
    return received.startswith(section, HEADER) and received[2] & IS_RESPONSE != 0


def is_truncated(received: bytes, section: bytes) -> bool:
    """Whether the answer to a question, in any letter case, is truncated (TC)."""
    if not received[2:3] or not received[2] & IS_TRUNCATED:
        return False
    return received[HEADER : HEADER + len(section)].lower() == section.lower()


def read_answer(
    received: bytes, query: Query, question: Question, server: str, transport: Transport = "udp"
) -> DnsFacts | None:
    """Return the facts of a common answer that repeats the question; None for an unusual one."""
    try:
        return _read(received, HEADER + len(query.section), question, server, transport)
    except (OddMessageError, struct.error, IndexError, UnicodeDecodeError, ValueError):
        return None


def _read(
    wire: bytes, offset: int, question: Question, server: str, transport: Transport
) -> DnsFacts:
    _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    if questions != 1:
        raise OddMessageError
    records: list[DnsRecord] = []
    addresses: list[str] = []
    for _ in range(answers):
        record, offset = _read_record(wire, offset, question)
        records.append(record)
        if record.type != "CNAME":
            addresses.append(record.data)
    other = _read_other_sections(wire[offset:], authorities + additionals)
    return DnsFacts(
        name=question.name,
        type=question.type,
        server=server,
        transport=transport,
        rcode=_rcode_text(flags & 0xF | other.rcode_high << 4),
        flags=_flags_text(flags),
        records=tuple(records),
        addresses=tuple(addresses),
        has_soa=other.has_soa,
        extended_errors=other.errors,
    )


def _read_record(wire: bytes, offset: int, question: Question) -> tuple[DnsRecord, int]:
    """The record at ``offset``, and where it ends."""
    owner, kind, class_, ttl, length = _POINTED.unpack_from(wire, offset)
    if owner == TO_QUESTION:
        name, start = question.name.rstrip("."), offset + _POINTED.size
    else:
        name, offset = _name(wire, offset)
        kind, class_, ttl, length = _RECORD.unpack_from(wire, offset)
        start = offset + _RECORD.size
    end = start + length
    if class_ != IN or end > len(wire):
        raise OddMessageError
    if kind == A and length == 4:  # noqa: PLR2004 - bytes of an IPv4 address
        type_, data = "A", inet_ntoa(wire[start:end])
    elif kind == AAAA:
        type_, data = "AAAA", inet_ntop(AF_INET6, wire[start:end])
    elif kind == CNAME:
        type_, (target, after) = "CNAME", _name(wire, start)
        if after != end:
            raise OddMessageError
        data = target + "."
    else:
        raise OddMessageError
    ttl = ttl if ttl <= LARGEST_TTL else 0
    return DnsRecord(name=name.lower(), type=type_, ttl=ttl, data=data), end


@lru_cache(maxsize=256)
def _read_other_sections(wire: bytes, count: int) -> OtherSections:
    """Read the authority and additional sections, to the end of the message (cached)."""
    offset, rcode_high, has_soa, errors = 0, 0, False, tuple[ExtendedError, ...]()
    for _ in range(count):
        offset = _skip_name(wire, offset)
        kind, class_, ttl, length = _RECORD.unpack_from(wire, offset)
        offset += _RECORD.size
        if kind == OPT:
            rcode_high = ttl >> 24
            errors = _read_options(wire, offset, offset + length)
        elif class_ != IN:
            raise OddMessageError
        elif kind == SOA:
            has_soa = True
        offset += length
    if offset != len(wire):
        raise OddMessageError
    return OtherSections(rcode_high, has_soa, errors)


def _read_options(wire: bytes, offset: int, end: int) -> tuple[ExtendedError, ...]:
    errors = []
    while offset < end:
        code, length = _PAIR.unpack_from(wire, offset)
        offset += _PAIR.size
        if code == EDE:
            value = wire[offset : offset + length]
            text = value[2:].removesuffix(b"\0").decode("utf-8")
            errors.append(ExtendedError(code=int.from_bytes(value[:2], "big"), text=text))
        offset += length
    if offset != end:
        raise OddMessageError
    return tuple(errors)


def _skip_name(wire: bytes, offset: int) -> int:
    """Return the offset after the name at ``offset``."""
    while length := wire[offset]:
        if length >= POINTER:
            return offset + 2
        offset += 1 + length
    return offset + 1


def _name(wire: bytes, offset: int) -> tuple[str, int]:
    """Return the name at ``offset`` without its final dot, and its end (RFC 1035, 4.1.4)."""
    labels: list[bytes] = []
    after, lowest = 0, offset
    while length := wire[offset]:
        if length & POINTER == POINTER:
            after = after or offset + 2
            offset = (length & ~POINTER) << 8 | wire[offset + 1]
            if offset >= lowest:
                raise OddMessageError
            lowest = offset
            continue
        label = wire[offset + 1 : offset + 1 + length]
        if length > LONGEST_LABEL or not _PLAIN.fullmatch(label):
            raise OddMessageError
        labels.append(label)
        offset += 1 + length
    name = b".".join(labels)
    if not labels or len(name) > LONGEST_NAME:
        raise OddMessageError
    return name.decode("ascii"), after or offset + 1


@lru_cache(maxsize=64)
def _question_end(type_: str) -> bytes:
    """Return root label, type and class."""
    return b"\0" + _PAIR.pack(dns.rdatatype.from_text(type_), IN)


@lru_cache(maxsize=256)
def _flags_text(flags: int) -> str:
    return dns.flags.to_text(flags)


@lru_cache(maxsize=64)
def _rcode_text(rcode: int) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode.make(rcode))
