"""Echo replies that carry a page (``probes.range.tunnel_pages``), at one network's end.

It needs a raw socket (CAP_NET_RAW), and a network namespace in which the kernel answers no pings
itself (``net.ipv4.icmp_echo_ignore_all``, see ``icmp(7)``).
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from probes.net.local_binding import LocalBinding, open_socket
from probes.net.pings import (
    ANSWER_BYTES,
    DATAGRAM_BYTES,
    ECHO_REPLY,
    ECHO_REQUEST,
    HEADER_BYTES,
    echo_packet,
    without_ip_header,
)
from probes.range.tunnel_pages import TunnelPages
from probes.range.visitor_limits import Admission, VisitorLimits
from probes.range.zone import ADDRESS

IGNORED = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")


def may_answer_pings() -> bool:
    """Whether this process may answer pings in its network namespace, and the kernel does not."""
    try:
        if IGNORED.read_text(encoding="ascii").strip() != "1":
            return False
        open_socket(ADDRESS, socket.SOCK_RAW, protocol=socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


IP_PKTINFO = 8
"""The control message with the address that a packet is sent from (``ip(7)``)."""


def destination_of(packet: bytes) -> bytes:
    """Return the destination in the header of an IPv4 packet (RFC 791 section 3.1)."""
    return packet[16:20]


def _from_address(address: bytes) -> tuple[int, int, bytes]:
    """Return the control message that sends from an address of this machine, by any device."""
    return socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + address + bytes(4)


@dataclass(slots=True, kw_only=True)
class IcmpEndpoint:
    """Answers the pings that ask for a page, from the address that was asked; a context manager.

    Raises OSError.

    ``netns`` is the network namespace (default: that of this process); see ``LocalBinding``.
    """

    tunnel: TunnelPages
    netns: str = ""
    limits: VisitorLimits | None = None
    _socket: socket.socket | None = field(default=None)

    async def __aenter__(self) -> Self:
        binding = LocalBinding(netns=self.netns)
        self._socket = open_socket(ADDRESS, socket.SOCK_RAW, binding, socket.IPPROTO_ICMP)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._receive, self._socket)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()

    def _receive(self, opened: socket.socket) -> None:
        try:
            packet, client = opened.recvfrom(DATAGRAM_BYTES)
            reply = self.reply(without_ip_header(packet), client[0])
            if reply:
                opened.sendmsg([reply], [_from_address(destination_of(packet))], 0, client)
        except OSError:
            return  # the client asks again

    def reply(self, message: bytes, client: str) -> bytes:
        """Return the reply to an echo request that asks for a page; else nothing."""
        if len(message) <= HEADER_BYTES or message[0] != ECHO_REQUEST:
            return b""
        if self.limits is not None and self.limits.admit(client) is not Admission.SERVED:
            return b""
        data = self.tunnel.answer(message[HEADER_BYTES:], "icmp", "echo", ANSWER_BYTES)
        identity, sequence = int.from_bytes(message[4:6]), int.from_bytes(message[6:8])
        return echo_packet(ECHO_REPLY, identity, sequence, data) if data else b""
