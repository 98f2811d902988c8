"""The first flight of a TLS client, the ClientHello: cut into records and into separate writes.

The bytes of the message never change, only the headers of records between them (RFC 8446 section
5.1 allows a message in several records) and how they are written to the stream.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol, get_args, runtime_checkable

from harness.ports.streams import ByteStream
from probes.net.client_hello import HANDSHAKE, RECORD_HEADER, payload_of, server_name_place, vector

Boundary = Literal["sni", "half", "random", "every"]
"""Where to cut: inside the server name, in the middle, at a random place, or after each byte."""

BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)

LONGEST_RECORD = 1 << 14
"""Bytes of a record's payload (RFC 8446 section 5.1)."""

ONE_HOP = 1
"""Hop limit of a segment that the first router drops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightShape:
    """How a first flight is sent.

    ``records`` is the payload of each record in bytes, or where to cut it into two records; 0
    leaves the records as they are. ``cuts`` are where a new write begins: offsets, headers of
    records included (below 0: from the end), or boundaries. Nothing follows the first write for
    ``pause`` seconds. With ``disorder`` the first segment is lost at the first router, so that it
    arrives after the second. The last two need a cut: in the server name where none is named.
    """

    records: int | Boundary = 0
    cuts: tuple[int | Boundary, ...] = ()
    pause: float = 0.0
    disorder: bool = False


@runtime_checkable
class HasSocket(Protocol):
    """A stream that can give its socket."""

    def direct_socket(self) -> socket.socket | None:
        """Return the socket if it is connected to the far end itself, else None."""


def socket_of(stream: ByteStream) -> socket.socket | None:
    """Return the socket to the far end; None for streams through a proxy or inside of TLS."""
    return stream.direct_socket() if isinstance(stream, HasSocket) else None


def written_parts(flight: bytes, shape: FlightShape, draw: random.Random) -> list[bytes]:
    """Return what is written one after the other. Raises ValueError for a flight without TLS."""
    payload = payload_of(flight)
    if shape.records:
        flight = in_records(payload, _ends(payload, shape.records, draw), flight[1:3])
    cuts = shape.cuts or (("sni",) if shape.pause or shape.disorder else ())
    places = sorted({place for cut in cuts for place in _places(flight, payload, cut, draw)})
    return [flight[start:end] for start, end in pairwise((0, *places, len(flight)))]


def in_records(payload: bytes, ends: Iterable[int], version: bytes = b"\3\1") -> bytes:
    """Return records of handshake messages whose payloads end at these offsets and at the end."""
    places = [0, *ends]
    if places[-1] < len(payload):
        places.append(len(payload))
    return b"".join(
        bytes((HANDSHAKE,)) + version + vector(payload[start:end], 2)
        for start, end in pairwise(places)
    )


async def send_flight(
    stream: ByteStream, flight: bytes, shape: FlightShape, draw: random.Random
) -> bytes:
    """Write a first flight; return the bytes as they were sent. Raises OSError, ValueError.

    Without pauses the kernel may still put several writes into a segment, where more than the
    congestion window are waiting.
    """
    parts = written_parts(flight, shape, draw)
    for place, part in enumerate(parts):
        if place == 1 and shape.pause:
            await asyncio.sleep(shape.pause)
        if place == 0 and shape.disorder:
            await _write_for_one_hop(stream, part)
        else:
            await stream.write(part)
        await asyncio.sleep(0)
    return b"".join(parts)


async def _write_for_one_hop(stream: ByteStream, part: bytes) -> None:
    """Write what does not pass the first router; the kernel sends it again with all hops."""
    sock = socket_of(stream)
    if sock is None:
        raise ValueError("segments out of order need a socket to the far end itself")
    level, name = (
        (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
        if sock.family == socket.AF_INET6
        else (socket.IPPROTO_IP, socket.IP_TTL)
    )
    hops = sock.getsockopt(level, name)
    sock.setsockopt(level, name, ONE_HOP)
    try:
        await stream.write(part)
    finally:
        sock.setsockopt(level, name, hops)


def _ends(payload: bytes, records: int | Boundary, draw: random.Random) -> Iterable[int]:
    """Return where the payloads of records end, without the last."""
    if isinstance(records, int):
        size = min(records, LONGEST_RECORD)
        return range(size, len(payload), size)
    return _offsets(len(payload), _named_place(payload, records), records, draw)


def _places(
    flight: bytes, payload: bytes, cut: int | Boundary, draw: random.Random
) -> Iterable[int]:
    """Return the offsets in a flight at which a cut is made."""
    return _offsets(len(flight), _on_wire(flight, _named_place(payload, cut)), cut, draw)


def _offsets(size: int, named: int, boundary: int | Boundary, draw: random.Random) -> Iterable[int]:
    """Return the offsets of a boundary in ``size`` bytes, without both ends."""
    if boundary == "every":
        return range(1, size)
    if boundary == "random":
        return (draw.randrange(1, size),) if size > 1 else ()
    place = named if isinstance(boundary, str) else boundary
    place += size if place < 0 else 0
    return (place,) if 0 < place < size else ()


def _named_place(payload: bytes, boundary: int | Boundary) -> int:
    """Return the middle of the server name, or of everything."""
    name = server_name_place(payload) if boundary == "sni" else None
    start, end = name or (0, len(payload))
    return (start + end) // 2


def _on_wire(flight: bytes, offset: int) -> int:
    """Return the offset in records of one in their payload."""
    place = 0
    while place < len(flight):
        size = int.from_bytes(flight[place + 3 : place + RECORD_HEADER])
        if offset < size:
            break
        offset -= size
        place += RECORD_HEADER + size
    return place + RECORD_HEADER + offset
