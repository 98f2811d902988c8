"""Questions to a name server of one's own choice, over an open socket or stream.

UDP and TCP (RFC 1035 section 4.2), TLS (RFC 7858), HTTPS in wire form (RFC 8484) and in JSON, as
some public servers offer it. Unlike ``probes.net.dns_server`` this is no part of a line: lines
carry it, as they would carry a pupil's.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Literal, NamedTuple, get_args

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import msgspec
from dns.rdtypes.svcbbase import IPv4HintParam, IPv6HintParam, ParamKey, SVCBBase

from harness.ports.streams import ByteStream, DatagramSocket
from probes.net.datagram_question import ask_by_datagrams
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.raw_http1 import read_answer
from probes.net.route import is_literal

PAYLOAD = 1232
MESSAGE_TYPE, JSON_TYPE = "application/dns-message", "application/dns-json"
LARGEST_ANSWER = 65535
LENGTH_BYTES = 2
"""Bytes of the length before a message over TCP (RFC 1035 section 4.2.2)."""

Method = Literal["GET", "POST"]
METHODS: tuple[Method, ...] = get_args(Method)


class Found(NamedTuple):
    """What an answer says: its RCODE, and the addresses in it."""

    rcode: str
    addresses: tuple[str, ...] = ()


class NoAnswerError(Exception):
    """What came over a stream is no answer to the question."""


class NotDnsError(Exception):
    """An HTTP answer that holds no DNS answer; the recorder has it."""


def make_question(
    name: str, type_: str, identity: int, *, checking_disabled: bool = False
) -> dns.message.QueryMessage:
    """Return a question with EDNS (RFC 6891).

    ``checking_disabled`` sets the flags CD and DO (RFC 4035 section 3.2.2). Raises ValueError for
    what is not a name.
    """
    flags = dns.flags.RD | (dns.flags.CD if checking_disabled else 0)
    try:
        query = dns.message.make_query(
            name, type_, use_edns=0, want_dnssec=checking_disabled, payload=PAYLOAD, flags=flags
        )
    except dns.exception.DNSException as error:
        msg = f"{name!r} is no name that a name server can be asked for: {error}"
        raise ValueError(msg) from None
    query.id = identity
    return query


def found_in(message: dns.message.Message) -> Found:
    """Return what a message says; the addresses are also those that HTTPS records give."""
    return Found(dns.rcode.to_text(message.rcode()), tuple(_addresses(message)))


def _addresses(message: dns.message.Message) -> Iterator[str]:
    for rrset in message.answer:
        for record in rrset:
            if record.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                yield record.to_text()
            elif isinstance(record, SVCBBase):
                yield from hints_of(record)


def hints_of(record: SVCBBase) -> Iterator[str]:
    """Yield the addresses in an SVCB or HTTPS record, IPv4 first (RFC 9460 section 7.3)."""
    for key in (ParamKey.IPV4HINT, ParamKey.IPV6HINT):
        hint = record.params.get(key)
        if isinstance(hint, IPv4HintParam | IPv6HintParam):
            yield from hint.addresses


def hints_in(text: str) -> tuple[str, ...]:
    """Return the addresses in an HTTPS record in presentation form; none of what is no record."""
    try:
        record = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.HTTPS, text)
    except (dns.exception.DNSException, ValueError):
        return ()
    return tuple(hints_of(record)) if isinstance(record, SVCBBase) else ()


def reply_reader(query: dns.message.Message) -> Callable[[bytes], dns.message.Message | None]:
    """Return what reads the answer to a question; None for anything that is not an answer to it."""

    def read(wire: bytes) -> dns.message.Message | None:
        try:
            message = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        return message if query.is_response(message) else None

    return read


async def ask_over_udp(socket: DatagramSocket, query: dns.message.Message) -> dns.message.Message:
    """Ask over UDP; what is not an answer to the question is passed over. Raises OSError."""
    return await ask_by_datagrams(socket, query.to_wire(), reply_reader(query))


async def ask_over_stream(stream: ByteStream, query: dns.message.Message) -> dns.message.Message:
    """Ask over TCP or TLS. Raises OSError, EOFError, NoAnswerError."""
    wire = query.to_wire()
    await stream.write(len(wire).to_bytes(LENGTH_BYTES) + wire)
    received = b""
    while len(received) < LENGTH_BYTES or len(received) < LENGTH_BYTES + _length_in(received):
        more = await stream.read()
        if not more:
            raise EOFError("the name server closed the connection without an answer")
        received += more
    message = reply_reader(query)(received[LENGTH_BYTES : LENGTH_BYTES + _length_in(received)])
    if message is None:
        raise NoAnswerError("what came over the connection is no answer to the DNS question")
    return message


def _length_in(received: bytes) -> int:
    return int.from_bytes(received[:LENGTH_BYTES])


def wire_request(query: dns.message.Message, host: str, path: str, method: Method) -> bytes:
    """Return the HTTP request that asks a question in wire form (RFC 8484 section 4.1)."""
    wire = query.to_wire()
    if method == "GET":
        coded = base64.urlsafe_b64encode(wire).rstrip(b"=").decode()
        path += f"{'&' if '?' in path else '?'}dns={coded}"
        return _head("GET", path, host, MESSAGE_TYPE)
    more = f"Content-Type: {MESSAGE_TYPE}\r\nContent-Length: {len(wire)}\r\n"
    return _head("POST", path, host, MESSAGE_TYPE, more) + wire


def json_request(name: str, type_: str, host: str, path: str) -> bytes:
    """Return the HTTP request that asks a question in JSON."""
    joined = "&" if "?" in path else "?"
    return _head("GET", f"{path}{joined}name={name}&type={type_}", host, JSON_TYPE)


def _head(method: Method, path: str, host: str, accepted: str, more: str = "") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accepted}\r\n{more}"
        "Connection: close\r\n\r\n"
    ).encode()


async def ask_over_http(
    stream: ByteStream, request: bytes, recorder: ExchangeRecorder, query: dns.message.Message
) -> Found:
    """Ask in wire form. Raises OSError, EOFError, NotDnsError."""
    await _exchange(stream, request, recorder)
    message = reply_reader(query)(bytes(recorder.body))
    if message is None:
        raise NotDnsError(_described(recorder))
    return found_in(message)


async def ask_in_json(stream: ByteStream, request: bytes, recorder: ExchangeRecorder) -> Found:
    """Ask in JSON. Raises OSError, EOFError, NotDnsError."""
    await _exchange(stream, request, recorder)
    try:
        answer = _JSON.decode(bytes(recorder.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NotDnsError(_described(recorder)) from None
    addresses = tuple(each.data for each in answer.records if is_literal(each.data))
    return Found(dns.rcode.to_text(dns.rcode.Rcode.make(answer.status & 0xFFF)), addresses)


async def _exchange(stream: ByteStream, request: bytes, recorder: ExchangeRecorder) -> None:
    await stream.write(request)
    await read_answer(stream, recorder)
    if recorder.head is None or recorder.head.status != HTTPStatus.OK:
        raise NotDnsError(_described(recorder))


def _described(recorder: ExchangeRecorder) -> str:
    status = recorder.head.status if recorder.head is not None else 0
    kind = recorder.head.header("content-type") if recorder.head is not None else ""
    return f"no DNS answer came over HTTPS, but status {status}, {kind or 'without a type'}"


class _JsonRecord(msgspec.Struct):
    data: str = ""


class _JsonAnswer(msgspec.Struct):
    status: int = msgspec.field(name="Status")
    records: tuple[_JsonRecord, ...] = msgspec.field(name="Answer", default=())


_JSON = msgspec.json.Decoder(_JsonAnswer)
