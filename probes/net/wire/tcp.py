"""A stream over one TCP socket, with the kernel's own time of arrival and ICMP's reasons.

SO_TIMESTAMPNS (``socket(7)``) says when the kernel received a byte, however late we read it.
IP_RECVERR (``ip(7)``) says which ICMP message stopped a connection (RFC 792, RFC 1812).
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from time import perf_counter

from probes.net.address import Address
from probes.net.source import ANYWHERE, Source, open_socket
from probes.net.wire.icmp import keep_complaints, read_complaint
from probes.net.wire.reactor import Errand, Steps

READ_BYTES = 65536
SO_TIMESTAMPNS = 35
ANCILLARY_BYTES = 256
_TIMESPEC = struct.Struct("@qq")
_NANOSECONDS = 1_000_000_000


class Tcp:
    """One connection. ``arrived`` is when the last bytes came (perf_counter's clock)."""

    def __init__(self, errand: Errand, source: Source = ANYWHERE) -> None:
        self.arrived = 0.0
        self._source = source
        self._errand = errand
        self._sock: socket.socket | None = None

    def connect(self, address: Address) -> Steps[None]:
        """Connect; raises OSError, whose text names the ICMP message if there was one."""
        self._sock = sock = open_socket(address.host, socket.SOCK_STREAM, self._source)
        keep_complaints(sock, address.host)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        code = sock.connect_ex((address.host, address.port))
        if code == errno.EINPROGRESS:
            self._errand.watch(sock)
            yield
            while (code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) == 0:
                if _is_connected(sock):
                    break
                yield
        elif code == 0:
            self._errand.watch(sock)
        if code:
            complaint = read_complaint(sock)
            icmp = complaint.icmp if complaint is not None else ""
            raise OSError(code, icmp or errno.errorcode.get(code, ""))
        # From here on a stray ICMP message must not end a living connection.
        keep_complaints(sock, address.host, kept=False)

    def read(self) -> Steps[bytes]:
        """The next bytes, or nothing when the far end closed; raises OSError."""
        assert self._sock is not None
        while True:
            try:
                received, ancillary, _, _ = self._sock.recvmsg(READ_BYTES, ANCILLARY_BYTES)
            except BlockingIOError:
                yield
                continue
            self.arrived = _arrival(ancillary)
            return received

    def write(self, data: bytes) -> Steps[None]:
        """Send all of it; raises OSError."""
        assert self._sock is not None
        while data:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                yield
                continue
            data = data[sent:]

    def close(self) -> None:
        """Close the socket; closing twice changes nothing."""
        if self._sock is not None:
            self._errand.drop(self._sock)
            self._sock = None


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> float:
    """When the kernel had the bytes, on perf_counter's clock; now, if it does not say."""
    now = perf_counter()
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            waited = time.time_ns() - (seconds * _NANOSECONDS + nanoseconds)
            # The wall clock may have been set in between; then it is no measure.
            return now - waited / _NANOSECONDS if 0 <= waited < 60 * _NANOSECONDS else now
    return now
