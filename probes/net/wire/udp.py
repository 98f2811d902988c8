"""One datagram out, and what comes back, over a connected UDP socket of its own.

A new socket for each question means a new source port (RFC 5452), and that an ICMP message
for it is ours alone.
"""

from __future__ import annotations

import errno
import socket

from probes.net.address import Address
from probes.net.source import ANYWHERE, Source, open_socket
from probes.net.wire.reactor import Errand, Steps

READ_BYTES = 65536


class Udp:
    """A connected UDP socket."""

    def __init__(self, errand: Errand, source: Source = ANYWHERE) -> None:
        self._errand = errand
        self._source = source
        self._sock: socket.socket | None = None

    def send(self, address: Address, data: bytes) -> None:
        """Send one datagram to ``address``; raises OSError."""
        self._sock = open_socket(address.host, socket.SOCK_DGRAM, self._source)
        self._sock.connect((address.host, address.port))
        self._errand.watch(self._sock)
        try:
            self._sock.send(data)
        except BlockingIOError:
            # No room for one datagram: the trouble is in this machine's buffers.
            raise OSError(errno.ENOBUFS, "") from None

    def read(self) -> Steps[bytes]:
        """The next datagram; raises OSError, for example when the port is closed."""
        assert self._sock is not None
        while True:
            try:
                return self._sock.recv(READ_BYTES)
            except BlockingIOError:
                yield

    def close(self) -> None:
        """Close the socket; closing twice changes nothing."""
        if self._sock is not None:
            self._errand.drop(self._sock)
            self._sock = None
