"""DNS messages by hand: the common ones, quickly (RFC 1035, RFC 6891, RFC 8914).

Whatever is out of the ordinary is left to dnspython, which is also the oracle of the tests:
``read_answer`` says None for it. Of the records beside the answer it reads no more than the
facts need.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from dataclasses import dataclass, field
from functools import lru_cache

import dns.flags
import dns.rcode
import dns.rdatatype

from harness.model.observation import DnsFacts, DnsRecord, ExtendedError
from harness.ports.asking import Question

PAYLOAD = 1232
IS_RESPONSE, IS_CUT = 0x80, 0x02
A, CNAME, SOA, AAAA, OPT = 1, 5, 6, 28, 41
IN = 1
EDE = 15
POINTER = 0xC0
LONGEST_LABEL, LONGEST_NAME = 63, 255
LARGEST_TTL = 2**31 - 1

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_PAIR = struct.Struct("!HH")
_PLAIN = re.compile(rb"[A-Za-z0-9_*-]+")
# Root name, type OPT, payload size, no extended rcode, version 0, DO set, no options.
_EDNS = struct.pack("!BHHBBHH", 0, OPT, PAYLOAD, 0, 0, 0x8000, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question in wire form; ``wire[12:end]`` is the question section."""

    wire: bytes
    end: int


class OddMessageError(Exception):
    """Not one of the common messages: dnspython is to read it."""


def write_query(question: Question) -> Query | None:
    """The question in wire form with a random id, or None if the name is not a plain one."""
    name = _name_wire(question.name)
    if name is None:
        return None
    asked = name + _PAIR.pack(_type(question.type), IN)
    head = os.urandom(2) + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
    return Query(wire=head + asked + _EDNS, end=len(head) + len(asked))


def answers(received: bytes, query: Query) -> bool:
    """Whether a datagram answers the query: its id, and its question if it has one."""
    if len(received) < _HEADER.size or received[:2] != query.wire[:2]:
        return False
    if not received[2] & IS_RESPONSE:
        return False
    if received[4:6] == b"\x00\x00":
        return True
    asked = query.wire[_HEADER.size : query.end].lower()
    return received[_HEADER.size : query.end].lower() == asked


def is_cut(received: bytes) -> bool:
    """Whether the server says that not all of the answer fitted (TC)."""
    return bool(received[2] & IS_CUT)


def read_answer(received: bytes, query: Query, question: Question, server: str) -> DnsFacts | None:
    """The facts of a common answer, or None if dnspython should look at it."""
    try:
        return _Reader(received).facts(query.end, question, server)
    except (OddMessageError, struct.error, IndexError, UnicodeDecodeError, ValueError):
        return None


@dataclass(slots=True)
class _Reader:
    wire: bytes
    records: list[DnsRecord] = field(default_factory=list)
    errors: list[ExtendedError] = field(default_factory=list)
    extended: int = 0
    has_soa: bool = False

    def facts(self, start: int, question: Question, server: str) -> DnsFacts:
        _, flags, questions, *counts = _HEADER.unpack_from(self.wire)
        if questions != 1:
            raise OddMessageError
        place = start
        for section, count in enumerate(counts):
            for _ in range(count):
                place = self._read_record(place, is_answer=section == 0)
        if place != len(self.wire):
            raise OddMessageError
        return DnsFacts(
            name=question.name,
            type=question.type,
            server=server,
            transport="udp",
            rcode=_rcode_text(flags & 0xF | self.extended << 4),
            flags=_flags_text(flags),
            records=tuple(self.records),
            addresses=tuple(each.data for each in self.records if each.type != "CNAME"),
            has_soa=self.has_soa,
            extended_errors=tuple(self.errors),
        )

    def _read_record(self, place: int, *, is_answer: bool) -> int:
        owner, place = self._name(place)
        kind, class_, ttl, length = _RECORD.unpack_from(self.wire, place)
        start = place + _RECORD.size
        end = start + length
        if end > len(self.wire):
            raise OddMessageError
        if kind == OPT and not is_answer:
            self.extended = ttl >> 24
            self._read_options(start, end)
        elif class_ != IN:
            raise OddMessageError
        elif is_answer:
            self._keep(owner, kind, ttl, start, end)
        elif kind == SOA:
            self.has_soa = True
        return int(end)

    def _keep(self, owner: str, kind: int, ttl: int, start: int, end: int) -> None:
        if kind == A and end - start == 4:  # noqa: PLR2004 - bytes of an IPv4 address
            named, data = "A", socket.inet_ntoa(self.wire[start:end])
        elif kind == AAAA:
            named, data = "AAAA", socket.inet_ntop(socket.AF_INET6, self.wire[start:end])
        elif kind == CNAME:
            named, (target, after) = "CNAME", self._name(start)
            if after != end:
                raise OddMessageError
            data = target + "."
        else:
            raise OddMessageError
        ttl = 0 if ttl > LARGEST_TTL else ttl
        self.records.append(DnsRecord(name=owner.lower(), type=named, ttl=ttl, data=data))

    def _read_options(self, place: int, end: int) -> None:
        while place < end:
            code, length = _PAIR.unpack_from(self.wire, place)
            place += _PAIR.size
            if code == EDE:
                value = self.wire[place : place + length]
                text = value[2:].removesuffix(b"\0").decode("utf-8")
                self.errors.append(ExtendedError(code=int.from_bytes(value[:2], "big"), text=text))
            place += length
        if place != end:
            raise OddMessageError

    def _name(self, place: int) -> tuple[str, int]:
        """The name at ``place`` without its last dot, and where it ends (RFC 1035, 4.1.4)."""
        labels: list[bytes] = []
        after, lowest = 0, place
        while length := self.wire[place]:
            if length & POINTER == POINTER:
                after = after or place + 2
                place = (length & ~POINTER) << 8 | self.wire[place + 1]
                if place >= lowest:
                    raise OddMessageError
                lowest = place
                continue
            label = self.wire[place + 1 : place + 1 + length]
            if length > LONGEST_LABEL or not _PLAIN.fullmatch(label):
                raise OddMessageError
            labels.append(label)
            place += 1 + length
        name = b".".join(labels)
        if not labels or len(name) > LONGEST_NAME - 2:
            # The root as an owner is for OPT only, whose record is read without it.
            return self._root(place, after)
        return name.decode("ascii"), after or place + 1

    def _root(self, place: int, after: int) -> tuple[str, int]:
        if after or self.wire[place + 1 : place + 3] != OPT.to_bytes(2, "big"):
            raise OddMessageError
        return "", place + 1


def _name_wire(name: str) -> bytes | None:
    labels = name.rstrip(".").encode("ascii", "replace").split(b".")
    if not all(_PLAIN.fullmatch(label) and len(label) <= LONGEST_LABEL for label in labels):
        return None
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    return wire if len(wire) <= LONGEST_NAME else None


@lru_cache(maxsize=64)
def _type(name: str) -> int:
    return int(dns.rdatatype.from_text(name))


@lru_cache(maxsize=256)
def _flags_text(flags: int) -> str:
    return dns.flags.to_text(flags)


@lru_cache(maxsize=64)
def _rcode_text(rcode: int) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode.make(rcode))
