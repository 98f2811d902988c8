"""NTP packets of client and server with one extension field (RFC 5905, RFC 7822).

The type of the field is one of those for experiments (RFC 9748 section 4).
"""

from __future__ import annotations

import struct

FIELD_TYPE = 0xF0AC
HEADER_BYTES = 48
LEAST_FIELD = 28
"""Octets of the last field of a packet without a MAC (RFC 7822 section 3)."""

CLIENT, SERVER = 3, 4
VERSION = 4
ANSWER_BYTES = 1000
"""Bytes of an answer, so that its packet is not fragmented on its way."""

SINCE_1900 = 2_208_988_800
"""Seconds from the beginning of NTP's time to that of 1970."""

_HEADER = struct.Struct("!BBbbIIIQQQQ")
_FIELD = struct.Struct("!HHH")


def client_packet(data: bytes, transmitted: int) -> bytes:
    """Return a client's packet; ``transmitted`` is its time, or a random number of 64 bits."""
    head = _HEADER.pack(VERSION << 3 | CLIENT, 0, 6, -20, 0, 0, 0, 0, 0, 0, transmitted)
    return head + _field(data)


def server_packet(request: bytes, data: bytes, seconds: float) -> bytes:
    """Return a server's answer to a client's packet, at some seconds since 1970."""
    now = int((seconds + SINCE_1900) * 2**32) & (2**64 - 1)
    origin = int.from_bytes(request[40:HEADER_BYTES])
    started = now - (16 << 32)
    head = _HEADER.pack(
        VERSION << 3 | SERVER, 1, 6, -20, 0, 16, 0x47505300, started, origin, now, now
    )
    return head + _field(data)


def _field(data: bytes) -> bytes:
    value = len(data) + _FIELD.size
    size = max(value + -value % 4, LEAST_FIELD)
    return _FIELD.pack(FIELD_TYPE, size, len(data)) + data + bytes(size - value)


def data_in(packet: bytes, mode: int) -> bytes | None:
    """Return the bytes in the extension field of a packet of some mode; None if it has none."""
    if len(packet) < HEADER_BYTES + _FIELD.size or packet[0] & 7 != mode:
        return None
    kind, size, length = _FIELD.unpack_from(packet, HEADER_BYTES)
    start = HEADER_BYTES + _FIELD.size
    if kind != FIELD_TYPE or size != len(packet) - HEADER_BYTES or start + length > len(packet):
        return None
    return packet[start : start + length]


def answers(packet: bytes, transmitted: int) -> bool:
    """Whether a packet answers the client's packet with that time (RFC 5905 section 8)."""
    return packet[24:32] == transmitted.to_bytes(8)
