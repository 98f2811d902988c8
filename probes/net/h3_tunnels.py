"""Ends of tunnels in HTTP/3: a stream of WebTransport, and a UDP socket behind a relay."""

from __future__ import annotations

import errno
import ssl
from collections import deque
from dataclasses import dataclass, field

from probes.net.capsules import UDP_CONTEXT, Capsules, datagram_capsule, udp_payload_of
from probes.net.h3_client import H3Client
from probes.net.quic_client import CARRYING_BYTES

LONGEST_PAYLOAD = CARRYING_BYTES - 64
"""Bytes of a datagram inside another one, which also holds headers, a tag and ACK frames."""


@dataclass(slots=True)
class TunnelStream:
    """A bidirectional stream of a WebTransport session, as a byte stream."""

    client: H3Client
    stream: int

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises OSError."""
        await self.client.send_raw(self.stream, data)

    async def read(self) -> bytes:
        """Return the next bytes; nothing if the far end has ended the stream. Raises OSError."""
        return await self.client.read_data(self.stream)

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        """TLS inside a tunnel is not offered. Raises OSError."""
        del trust, host
        raise OSError(errno.EOPNOTSUPP, "no TLS inside WebTransport")

    def close(self) -> None:
        """The connection that carries it is closed by who opened it."""


@dataclass(slots=True)
class TunnelSocket:
    """A UDP socket behind a relay: CONNECT-UDP, or the datagrams of a WebTransport session.

    ``has_context``: payloads follow the context identifier of CONNECT-UDP (RFC 9298 section 5).
    ``by_capsules``: they are sent on the stream (RFC 9297 section 3.5); what comes is read
    there.
    """

    client: H3Client
    stream: int
    has_context: bool = True
    by_capsules: bool = False
    _capsules: Capsules = field(default_factory=Capsules)
    _waiting: deque[bytes] = field(default_factory=deque)

    async def send(self, data: bytes) -> None:
        """Send one datagram. Raises OSError."""
        payload = (UDP_CONTEXT if self.has_context else b"") + data
        if self.by_capsules:
            await self.client.send_data(self.stream, datagram_capsule(payload))
        elif len(payload) > LONGEST_PAYLOAD:
            raise OSError(errno.EMSGSIZE, f"{len(data)} bytes do not fit into one datagram")
        else:
            await self.client.send_datagram(self.stream, payload)

    async def receive(self) -> bytes:
        """Wait for the next datagram. Raises OSError, EOFError if the relay ended the tunnel."""
        while True:
            while not self._waiting:
                await self._fill()
            datagram = self._waiting.popleft()
            payload = udp_payload_of(datagram) if self.has_context else datagram
            if payload is not None:
                return payload

    async def _fill(self) -> None:
        if not self.by_capsules:
            self._waiting.append(await self.client.read_datagram(self.stream))
            return
        data = await self.client.read_data(self.stream)
        if not data:
            raise EOFError("the relay ended the tunnel")
        self._waiting += self._capsules.feed(data)

    def close(self) -> None:
        """The connection that carries it is closed by who opened it."""
