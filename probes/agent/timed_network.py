"""Connections of httpcore that end at a deadline, however slowly bytes arrive.

The timeouts of httpcore are for each read; a server that sends a byte now and then would hold a
request for days.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable

import httpcore

from probes.agent.uplink_error import HandshakeError, UnreachedError

CONNECT_SECONDS = 10.0
"""Seconds to connect to one address, so that a dead one (IPv6) leaves time for the next."""

SLICE = 64 * 1024
"""Bytes that are written before the deadline is looked at again."""


class TimedNetwork(httpcore.NetworkBackend):
    """Opens connections that share one deadline, which is set before each request."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._inner = httpcore.SyncBackend()
        self._monotonic = monotonic
        self._deadline = 0.0

    def allow(self, seconds: float) -> None:
        """Let everything until the next call take so many seconds."""
        self._deadline = self._monotonic() + seconds

    def remaining(self) -> float:
        """Seconds until the deadline. Raises httpcore.ReadTimeout after it."""
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect. Raises UnreachedError, whose ``why`` is the system's error."""
        del timeout
        patience = min(CONNECT_SECONDS, self.remaining())
        try:
            stream = self._inner.connect_tcp(host, port, patience, local_address, socket_options)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise UnreachedError(error.__cause__ or error) from None
        except UnicodeError as error:  # a label of a name is too long or empty
            raise UnreachedError(error) from None
        return TimedStream(stream, self)


class TimedStream(httpcore.NetworkStream):
    """A connection of a TimedNetwork."""

    def __init__(self, inner: httpcore.NetworkStream, network: TimedNetwork) -> None:
        self._inner = inner
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        del timeout
        return self._inner.read(max_bytes, self._network.remaining())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        del timeout
        for start in range(0, len(buffer), SLICE):
            self._inner.write(buffer[start : start + SLICE], self._network.remaining())

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Begin TLS; what is returned takes the place of this one. Raises HandshakeError."""
        del timeout
        try:
            left = self._network.remaining()
        except httpcore.TimeoutException:
            self._inner.close()
            raise
        try:
            secured = self._inner.start_tls(ssl_context, server_hostname, left)
        except httpcore.ConnectError as error:
            raise HandshakeError(error.__cause__ or error) from None
        return TimedStream(secured, self._network)

    def get_extra_info(self, info: str) -> object:
        """What httpcore knows of the connection: the object of TLS, for one."""
        return self._inner.get_extra_info(info)
