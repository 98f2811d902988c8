"""Sockets bound to an address and port: for servers, and to find out whether one is free."""

from __future__ import annotations

import socket


def bound_socket(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    """Return a bound socket that does not block. One for IPv6 leaves IPv4 to another.

    Raises OSError.
    """
    is_ipv6 = ":" in address
    opened = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, kind)
    try:
        if kind is socket.SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_ipv6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.settimeout(0)
        opened.bind((address, port))
    except OSError:
        opened.close()
        raise
    return opened
