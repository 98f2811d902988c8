"""ICMP echo requests whose data the caller chooses (RFC 792, RFC 4443 section 4).

An unprivileged socket is used where the system allows one (``net.ipv4.ping_group_range``, see
``icmp(7)``), else a raw one, which needs the capability CAP_NET_RAW.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from time import perf_counter
from typing import Protocol, runtime_checkable

from harness.model.observation import Failure, Timings
from harness.ports.streams import DatagramSocket, Dialled, DialRequest
from probes.net.exchange_recorder import failure_of
from probes.net.local_binding import UNBOUND, LocalBinding, open_socket
from probes.net.route import Address

ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_REQUEST_6, ECHO_REPLY_6 = 128, 129
HEADER_BYTES = 8
DATAGRAM_BYTES = 65535
ANSWER_BYTES = 1000
"""Bytes of an answer, so that its packet is not fragmented on its way."""


@runtime_checkable
class SendsPings(Protocol):
    """A line that sends ICMP echo requests; its ``carries`` has ``pings``.

    A datagram that is sent is the data of an echo request, one that is received that of a reply.
    The port of the request is not used, but decides with the host whether it may be visited.
    """

    async def pings(self, request: DialRequest) -> Dialled[DatagramSocket]:
        """Open a socket; network trouble is in the result, never raised."""
        ...


_HEADER = struct.Struct("!BBHHH")


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_packet(kind: int, identity: int, sequence: int, data: bytes) -> bytes:
    """Return an echo message of ICMP with its checksum; over IPv6 the system writes that."""
    packet = _HEADER.pack(kind, 0, 0, identity, sequence) + data
    return _HEADER.pack(kind, 0, checksum(packet), identity, sequence) + data


def without_ip_header(packet: bytes) -> bytes:
    """Return what an IPv4 packet carries (RFC 791 section 3.1)."""
    return packet[(packet[0] & 0xF) * 4 :] if packet else b""


class Echoes:
    """Echo requests to one address: a datagram is the data of one. Raises OSError."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._is_ipv6 = opened.family is socket.AF_INET6
        self._is_raw = opened.type & socket.SOCK_RAW == socket.SOCK_RAW
        self._identity = int.from_bytes(os.urandom(2))
        self._sequence = 0

    async def send(self, data: bytes) -> None:
        """Send one echo request."""
        self._sequence = self._sequence % 0xFFFF + 1
        kind = ECHO_REQUEST_6 if self._is_ipv6 else ECHO_REQUEST
        packet = echo_packet(kind, self._identity, self._sequence, data)
        await asyncio.get_running_loop().sock_sendall(self._socket, packet)

    async def receive(self) -> bytes:
        """Wait for the next echo reply to a request of this socket; return its data."""
        loop = asyncio.get_running_loop()
        while True:
            packet = await loop.sock_recv(self._socket, DATAGRAM_BYTES)
            if self._is_raw and not self._is_ipv6:
                packet = without_ip_header(packet)
            if self._is_own(packet):
                return packet[HEADER_BYTES:]

    def _is_own(self, packet: bytes) -> bool:
        """Whether a message is a reply to this socket; the system checks unprivileged ones."""
        if len(packet) < HEADER_BYTES:
            return False
        kind, _, _, identity, _ = _HEADER.unpack_from(packet)
        is_reply = kind == (ECHO_REPLY_6 if self._is_ipv6 else ECHO_REPLY)
        return is_reply and (not self._is_raw or identity == self._identity)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def open_echoes(address: Address, binding: LocalBinding = UNBOUND) -> Dialled[DatagramSocket]:
    """Open a socket for echo requests to an IP address (its port is not used); nothing is sent.

    Where this machine allows none, that is a failure of the instrument.
    """
    started = perf_counter()
    opened: DatagramSocket | None = None
    failure = None
    try:
        sock = _open(address.host, binding)
        try:
            sock.connect((address.host, 0))
        except BaseException:
            sock.close()
            raise
        opened = Echoes(sock)
    except PermissionError:
        detail = (
            "this machine allows no pings: run as root, or permit them to the user's group by "
            "net.ipv4.ping_group_range"
        )
        failure = Failure(name="instrument_error", stage="instrument", detail=detail)
    except OSError as error:
        failure = failure_of(error, "connect")
    took = Timings(total=perf_counter() - started)
    return Dialled(timings=took, opened=opened, failure=failure, peer=address.host)


def _open(address: str, binding: LocalBinding) -> socket.socket:
    protocol = socket.IPPROTO_ICMPV6 if ":" in address else socket.IPPROTO_ICMP
    try:
        return open_socket(address, socket.SOCK_DGRAM, binding, protocol)
    except OSError:
        return open_socket(address, socket.SOCK_RAW, binding, protocol)
