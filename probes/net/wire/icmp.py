"""What a socket's error queue holds: which ICMP message came, and which datagram it was about.

IP_RECVERR (``ip(7)``) keeps each message (RFC 792, RFC 4443) with the start of the datagram
that it quotes, so that an error on a shared socket belongs to one question.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

IP_RECVERR, IPV6_RECVERR = 11, 25
MSG_ERRQUEUE = 0x2000
SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 = 2, 3
ANCILLARY_BYTES = 256
QUOTED_BYTES = 512
_EXTENDED_ERROR = struct.Struct("=IBBBB")
_OPTIONS = frozenset({(socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """An error number, ``icmp 3/13`` where a message said so, and the start of what it quotes."""

    code: int
    icmp: str = ""
    quoted: bytes = b""


def keep_complaints(sock: socket.socket, host: str, *, kept: bool = True) -> None:
    """Let the kernel keep ICMP messages for a socket towards ``host``, or no more."""
    six = ":" in host
    level, option = (socket.IPPROTO_IPV6, IPV6_RECVERR) if six else (socket.IPPROTO_IP, IP_RECVERR)
    sock.setsockopt(level, option, int(kept))


def read_complaint(sock: socket.socket) -> Complaint | None:
    """The oldest message in the queue, or None when there is none."""
    try:
        quoted, ancillary, _, _ = sock.recvmsg(QUOTED_BYTES, ANCILLARY_BYTES, MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, told in ancillary:
        if (level, kind) in _OPTIONS:
            code, origin, type_, number, _ = _EXTENDED_ERROR.unpack_from(told)
            named = {SO_EE_ORIGIN_ICMP: "icmp", SO_EE_ORIGIN_ICMP6: "icmp6"}.get(origin)
            icmp = f"{named} {type_}/{number}" if named else ""
            return Complaint(code=code, icmp=icmp, quoted=quoted)
    return Complaint(code=0, quoted=quoted)
