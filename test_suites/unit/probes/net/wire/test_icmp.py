"""The kernel's error queue: real messages of loopback, and those that only routers send."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import pytest

from probes.net.wire.reactor import IP_RECVERR, IcmpError, read_icmp_error, set_error_queue


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_message_quotes_the_datagram_that_it_is_about(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as briefly:
        briefly.bind((host, 0))
        port = briefly.getsockname()[1]
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        set_error_queue(sock, host)
        sock.connect((host, port))
        sock.settimeout(0)
        sock.send(b"first")
        complaint = read_icmp_error(sock)

        told = "icmp6 1/4" if ":" in host else "icmp 3/3"
        assert complaint == IcmpError(code=errno.ECONNREFUSED, icmp=told, quoted=b"first")
        assert read_icmp_error(sock) is None


def test_messages_are_kept_no_more() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        set_error_queue(sock, "127.0.0.1")
        set_error_queue(sock, "127.0.0.1", enabled=False)

        assert sock.getsockopt(socket.IPPROTO_IP, IP_RECVERR) == 0


def told(origin: int, kind: int, code: int) -> Any:
    """A socket whose queue holds one message."""

    class Queue:
        def recvmsg(self, *_: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, None]:
            error = struct.pack("=IBBBBII", errno.EHOSTUNREACH, origin, kind, code, 0, 0, 0)
            return b"", [(socket.SOL_SOCKET, 1, b""), (0, IP_RECVERR, error)], 0, None

    return Queue()


def test_a_routers_reason_is_read() -> None:
    assert read_icmp_error(told(2, 3, 13)) == IcmpError(code=errno.EHOSTUNREACH, icmp="icmp 3/13")


def test_what_no_router_said_names_no_message() -> None:
    assert read_icmp_error(told(1, 0, 0)) == IcmpError(code=errno.EHOSTUNREACH)
