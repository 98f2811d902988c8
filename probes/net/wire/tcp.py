"""Streams over a TCP socket (``Tcp``) and over TLS (``Tls``), as generators for the reactor.

SO_TIMESTAMPNS (``socket(7)``) gives the time at which the kernel received a byte, however late it
is read. IP_RECVERR (``ip(7)``) gives the ICMP message that ended a connection attempt (RFC 792,
RFC 1812). System calls dominate the cost of an exchange, so none is made for what an event has
already reported.
"""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import time
from functools import lru_cache
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP
from time import perf_counter

from probes.net.local_binding import UNBOUND, LocalBinding, open_socket
from probes.net.route import Address
from probes.net.wire.http1 import READ_BYTES, Stream
from probes.net.wire.reactor import ReactorTask, Steps, read_icmp_error, set_error_queue

SO_TIMESTAMPNS = 35
ANCILLARY_BYTES = 64
SOCKET_ERROR = EPOLLERR | EPOLLHUP
ENDED = SOCKET_ERROR | EPOLLRDHUP
READABLE = EPOLLIN | ENDED
_TIMESPEC = struct.Struct("@qq")
_NANOSECONDS = 1_000_000_000

_Ancillary = list[tuple[int, int, bytes]]


class Tcp:
    """One connection."""

    __slots__ = ("_ancillary", "_binding", "_sock", "_task")

    def __init__(self, task: ReactorTask, binding: LocalBinding = UNBOUND) -> None:
        self._binding = binding
        self._task = task
        self._sock: socket.SocketType | None = None
        self._ancillary: _Ancillary = []

    @property
    def arrived(self) -> float:
        """When the kernel received the last bytes (perf_counter); now, if there is no timestamp."""
        now = perf_counter()
        for level, kind, data in self._ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                waited = time.time_ns() - (seconds * _NANOSECONDS + nanoseconds)
                # Ignore the timestamp if the wall clock was set in between.
                return now - waited / _NANOSECONDS if 0 <= waited < 60 * _NANOSECONDS else now
        return now

    def connect(self, address: Address) -> Steps[None]:
        """Connect. Raises OSError, whose text names the ICMP message if there was one."""
        task, host = self._task, address.host
        self._sock = sock = open_socket(host, socket.SOCK_STREAM, self._binding)
        set_error_queue(sock, host)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        code = sock.connect_ex((host, address.port))
        if code == errno.EINPROGRESS:
            code = 0
        if not code:
            task.watch(sock)
            # Writable means connected, unless an error was reported: then read SO_ERROR.
            while not code and not task.ready & EPOLLOUT:
                yield
                if task.ready & SOCKET_ERROR:
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            icmp_error = read_icmp_error(sock)
            icmp = icmp_error.icmp if icmp_error is not None else ""
            raise OSError(code, icmp or errno.errorcode.get(code, ""))
        # From here on an ICMP error must not end an established connection.
        set_error_queue(sock, host, enabled=False)

    def read(self) -> Steps[bytes]:
        """Return received bytes, or b'' if the peer closed. Raises OSError."""
        sock, task = self._sock, self._task
        assert sock is not None
        while True:
            while not task.ready & READABLE:
                yield
            try:
                received, self._ancillary, _, _ = sock.recvmsg(READ_BYTES, ANCILLARY_BYTES)
            except BlockingIOError:
                task.ready &= ~READABLE
                continue
            if len(received) < READ_BYTES:
                # Everything was read: more data causes a new event; an end was reported before.
                task.ready &= ~EPOLLIN
            return received

    def write(self, data: bytes) -> Steps[None]:
        """Send all of the data. Raises OSError."""
        assert self._sock is not None
        while data:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                yield
                continue
            data = data[sent:]

    def close(self) -> None:
        """Close the socket; idempotent."""
        if self._sock is not None:
            self._task.drop(self._sock)
            self._sock = None


class Tls:
    """A TLS stream over another stream."""

    def __init__(self, below: Stream, context: ssl.SSLContext, host: str) -> None:
        self._below = below
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl_object = context.wrap_bio(self._in, self._out, server_hostname=_server_name(host))

    @property
    def arrived(self) -> float:
        """When the last bytes were received."""
        return self._below.arrived

    def handshake(self) -> Steps[None]:
        """Perform the handshake. Raises ssl.SSLError, OSError, or EOFError if the peer closed.

        The client's last message (RFC 8446 section 2) is sent with the first data, which saves a
        packet.
        """
        while True:
            try:
                self.ssl_object.do_handshake()
            except ssl.SSLWantReadError:
                yield from self._flush()
                received = yield from self._below.read()
                if not received:
                    raise EOFError("the far end closed inside the handshake") from None
                self._in.write(received)
            except ssl.SSLError:
                # Send the alert that tells the peer the reason (RFC 8446 section 6).
                yield from self._flush()
                raise
            else:
                return

    def read(self) -> Steps[bytes]:
        """Return received bytes, or b'' if the peer closed, with or without close_notify."""
        while True:
            try:
                return self.ssl_object.read(READ_BYTES)
            except ssl.SSLWantReadError:
                yield from self._flush()
                received = yield from self._below.read()
                if not received:
                    return b""
                self._in.write(received)
            except ssl.SSLZeroReturnError:
                return b""

    def write(self, data: bytes) -> Steps[None]:
        """Send all of the data."""
        self.ssl_object.write(data)
        yield from self._flush()

    def _flush(self) -> Steps[None]:
        if self._out.pending:
            yield from self._below.write(self._out.read())


@lru_cache(maxsize=4096)
def _server_name(host: str) -> bytes:
    """Return a host for SNI, as cached bytes: ssl would encode a str at each call."""
    return host.encode("idna")
