"""Capsules (RFC 9297 section 3) and the payload of HTTP datagrams of CONNECT-UDP (RFC 9298)."""

from __future__ import annotations

from aioquic.buffer import encode_uint_var

DATAGRAM_CAPSULE = 0x00
UDP_CONTEXT = b"\0"
"""The context identifier of UDP payloads (RFC 9298 section 4)."""

LONGEST_CAPSULE = 65535 + 8
"""Bytes of the longest capsule that is read; a UDP payload has fewer."""


def datagram_capsule(payload: bytes) -> bytes:
    """Return an HTTP datagram as a capsule (RFC 9297 section 3.5)."""
    return encode_uint_var(DATAGRAM_CAPSULE) + encode_uint_var(len(payload)) + payload


class Capsules:
    """Finds capsules in the bytes of a stream."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the HTTP datagrams that are complete now; other capsules are skipped.

        Raises ValueError for a capsule that is too long.
        """
        self._received += data
        found: list[bytes] = []
        while True:
            try:
                kind, length, start = _head_of(self._received)
            except IndexError:
                return found
            if length > LONGEST_CAPSULE:
                msg = f"a capsule of {length} bytes"
                raise ValueError(msg)
            if len(self._received) < start + length:
                return found
            payload = self._received[start : start + length]
            self._received = self._received[start + length :]
            if kind == DATAGRAM_CAPSULE:
                found.append(payload)


def _head_of(data: bytes) -> tuple[int, int, int]:
    """Return type and length of a capsule, and where its value begins. Raises IndexError."""
    kind, start = _number_at(data, 0)
    length, start = _number_at(data, start)
    return kind, length, start


def _number_at(data: bytes, start: int) -> tuple[int, int]:
    """Return the integer of variable length at a place (RFC 9000 section 16), and its end."""
    end = start + (1 << (data[start] >> 6))
    if len(data) < end:
        raise IndexError(end)
    bits = (end - start) * 8 - 2
    return int.from_bytes(data[start:end]) & ((1 << bits) - 1), end


def udp_payload_of(datagram: bytes) -> bytes | None:
    """Return the UDP payload in an HTTP datagram; None for another context."""
    return datagram[1:] if datagram[:1] == UDP_CONTEXT else None
