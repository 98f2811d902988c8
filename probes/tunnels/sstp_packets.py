"""Packets of SSTP (MS-SSTP), and of PPP inside them (RFC 1661, RFC 1334, RFC 1332), without I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

URI = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"
"""The path of every SSTP server (MS-SSTP section 3.2.4.1)."""

METHOD = "SSTP_DUPLEX_POST"
UNLIMITED = 18_446_744_073_709_551_615
"""The length of the body that both sides announce."""

VERSION, CONTROL_BIT, LENGTH_MASK = 0x10, 0x01, 0x0FFF
HEADER_BYTES = 4

CONNECT_REQUEST, CONNECT_ACK, CONNECTED = 1, 2, 4
ENCAPSULATED_PROTOCOL, CRYPTO_BINDING, CRYPTO_BINDING_REQUEST = 1, 3, 4
PPP = b"\0\1"

LCP, PAP, IPCP, IPV4 = 0xC021, 0xC023, 0x8021, 0x0021
CONFIGURE_REQUEST, CONFIGURE_ACK, CONFIGURE_NAK, CONFIGURE_REJECT = 1, 2, 3, 4
AUTHENTICATE_REQUEST, AUTHENTICATE_ACK, AUTHENTICATE_NAK = 1, 2, 3
MRU, AUTHENTICATION, MAGIC_NUMBER, IP_ADDRESS = 1, 3, 5, 3
ADDRESS_AND_CONTROL = b"\xff\x03"

PROTOCOL_BYTES = 2
OPTION_HEAD = 2
"""Bytes of an option's kind and length."""


class Packet(NamedTuple):
    """A packet of SSTP: control, or a frame of PPP."""

    is_control: bool
    data: bytes


@dataclass(slots=True)
class PacketReader:
    """Cuts a stream into packets."""

    _received: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Yield the packets that are complete. Raises ValueError for what is no packet."""
        self._received += data
        while len(self._received) >= HEADER_BYTES:
            version, flags, length = struct.unpack_from("!BBH", self._received)
            length &= LENGTH_MASK
            if version != VERSION or length < HEADER_BYTES:
                raise ValueError("what came is no packet of SSTP")
            if len(self._received) < length:
                return
            packet = Packet(bool(flags & CONTROL_BIT), bytes(self._received[HEADER_BYTES:length]))
            del self._received[:length]
            yield packet


def write_packet(packet: Packet) -> bytes:
    """Return a packet with its header (MS-SSTP section 2.2.1)."""
    head = struct.pack("!BBH", VERSION, int(packet.is_control), HEADER_BYTES + len(packet.data))
    return head + packet.data


def write_control(kind: int, attributes: Mapping[int, bytes]) -> bytes:
    """Return a control packet (section 2.2.2)."""
    body = struct.pack("!HH", kind, len(attributes))
    for name, value in attributes.items():
        body += struct.pack("!BBH", 0, name, HEADER_BYTES + len(value)) + value
    return write_packet(Packet(is_control=True, data=body))


def kind_of(control: bytes) -> int:
    """Return the kind of a control packet. Raises ValueError for one without."""
    if len(control) < HEADER_BYTES:
        raise ValueError("a control packet of SSTP is too short")
    return int.from_bytes(control[:2])


class Negotiation(NamedTuple):
    """A packet of LCP, PAP or IPCP: its code, identifier and data."""

    code: int
    identifier: int
    data: bytes


def write_frame(protocol: int, data: bytes) -> bytes:
    """Return a packet of SSTP with a frame of PPP (RFC 1662 section 3.1)."""
    frame = ADDRESS_AND_CONTROL + protocol.to_bytes(2) + data
    return write_packet(Packet(is_control=False, data=frame))


def read_frame(frame: bytes) -> tuple[int, bytes]:
    """Return the protocol and data of a frame. Raises ValueError for what is none."""
    frame = frame.removeprefix(ADDRESS_AND_CONTROL)
    if len(frame) < PROTOCOL_BYTES:
        raise ValueError("a frame of PPP is too short")
    return int.from_bytes(frame[:PROTOCOL_BYTES]), frame[PROTOCOL_BYTES:]


def write_negotiation(protocol: int, packet: Negotiation) -> bytes:
    """Return a packet of SSTP with a packet of LCP, PAP or IPCP (RFC 1661 section 5)."""
    head = struct.pack("!BBH", packet.code, packet.identifier, HEADER_BYTES + len(packet.data))
    return write_frame(protocol, head + packet.data)


def read_negotiation(data: bytes) -> Negotiation:
    """Read a packet of LCP, PAP or IPCP. Raises ValueError for what is none."""
    if len(data) < HEADER_BYTES:
        raise ValueError("a packet of PPP is too short")
    code, identifier, length = struct.unpack_from("!BBH", data)
    if not HEADER_BYTES <= length <= len(data):
        raise ValueError("a packet of PPP has a wrong length")
    return Negotiation(code, identifier, data[HEADER_BYTES:length])


def write_options(options: Mapping[int, bytes]) -> bytes:
    """Return options (RFC 1661 section 6)."""
    return b"".join(
        bytes((kind, OPTION_HEAD + len(value))) + value for kind, value in options.items()
    )


def read_options(data: bytes) -> dict[int, bytes]:
    """Read options. Raises ValueError for what is none."""
    options: dict[int, bytes] = {}
    while data:
        if len(data) < OPTION_HEAD or not OPTION_HEAD <= data[1] <= len(data):
            raise ValueError("an option of PPP has a wrong length")
        options[data[0]], data = data[OPTION_HEAD : data[1]], data[data[1] :]
    return options
