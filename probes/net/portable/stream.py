"""A connection under way, before aiohttp has it: a plain socket, or TLS to a proxy.

TLS to the far end may follow on either, so through a TLS proxy there is TLS inside TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TypeVar

from probes.net.address import Address
from probes.net.local_binding import Source, open_socket

READ_BYTES = 65536

Heard = TypeVar("Heard", bound=asyncio.Protocol)


class Stream:
    """Bytes out, bytes in; ``hand_to`` ends its life, for then a protocol has the connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._carrier: asyncio.Transport | None = None
        self._inbox = _Inbox()

    async def seal(self, trust: ssl.SSLContext, host: str) -> None:
        """Shake hands with a proxy. Raises OSError, ssl.SSLError."""
        self._carrier = await self._secure(self._inbox, trust, host)

    @property
    def spoken(self) -> str:
        """What the TLS handshake agreed on (ALPN, RFC 7301), or nothing."""
        engine = self._carrier.get_extra_info("ssl_object") if self._carrier else None
        return (engine.selected_alpn_protocol() or "") if engine else ""

    async def write(self, data: bytes) -> None:
        """Send all of it."""
        if self._carrier is None:
            await self._loop.sock_sendall(self._sock, data)
        else:
            self._carrier.write(data)

    async def read(self) -> bytes:
        """What comes next, or nothing where the other end closed. Raises OSError."""
        if self._carrier is None:
            return await self._loop.sock_recv(self._sock, READ_BYTES)
        return await self._inbox.take()

    async def hand_to(
        self, protocol: Heard, trust: ssl.SSLContext | None = None, host: str = ""
    ) -> Heard:
        """Give the connection to a protocol, over TLS with ``host`` if there is ``trust``."""
        if trust is not None:
            protocol.connection_made(await self._secure(protocol, trust, host))
        elif self._carrier is not None:
            self._carrier.set_protocol(protocol)
            protocol.connection_made(self._carrier)
            self._inbox.hand_over(protocol)
        else:
            await self._loop.create_connection(lambda: protocol, sock=self._sock)
        return protocol

    def close(self) -> None:
        """End the connection at once, if no protocol has it."""
        if self._carrier is not None:
            self._carrier.abort()
        else:
            self._sock.close()

    async def _secure(
        self, protocol: asyncio.Protocol, trust: ssl.SSLContext, host: str
    ) -> asyncio.Transport:
        """TLS by start_tls alone.

        create_connection would do both at once, but cancelled before its first step it loses
        the transport, and the descriptor stays taken for good: everything that is later given
        its number would fail.
        """
        if self._carrier is None:
            self._carrier, _ = await self._loop.create_connection(asyncio.Protocol, sock=self._sock)
        secured = await self._loop.start_tls(self._carrier, protocol, trust, server_hostname=host)
        assert secured is not None, "start_tls gives a transport, or raises"
        return secured


async def connect(address: Address, source: Source) -> Stream:
    """Connect a socket of its own to an IP address. Raises OSError."""
    sock = open_socket(address.host, socket.SOCK_STREAM, source)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    except BaseException:
        sock.close()
        raise
    return Stream(sock)


class _Inbox(asyncio.Protocol):
    """Keeps what came until it is taken; at the end, how the other end left."""

    def __init__(self) -> None:
        self._come: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def hand_over(self, protocol: asyncio.Protocol) -> None:
        """Give away what nobody has taken: some servers speak first."""
        while not self._come.empty():
            came = self._come.get_nowait()
            if came and isinstance(came, bytes):
                protocol.data_received(came)

    async def take(self) -> bytes:
        came = await self._come.get()
        if isinstance(came, Exception):
            raise came
        return came

    def data_received(self, data: bytes) -> None:
        self._come.put_nowait(data)

    def eof_received(self) -> None:
        self._come.put_nowait(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._come.put_nowait(exc or b"")
