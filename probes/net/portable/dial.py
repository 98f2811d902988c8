"""Open the connection of one request: TCP connect, proxy handshake, TLS handshake.

aiohttp could do all three, but does not report which stage failed, how long each took, or the
response of a proxy that refused a tunnel. Holds ``dial`` and ``open_stream``, the ``Stream`` they
use, and ``ArrivalTimes``, aiohttp's protocol with the time of the first byte.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from time import perf_counter
from typing import TypeVar

from aiohttp.client_proto import ResponseHandler

from probes.net.exchange_recorder import ExchangeRecorder, Headers
from probes.net.local_binding import LocalBinding, open_socket
from probes.net.proxy_handshake import proxy_handshake_for
from probes.net.route import Address, Route, unverified_tls_context
from probes.net.tls_facts import read_certificate


class ArrivalTimes(ResponseHandler):
    """aiohttp's protocol, which also records the first byte's time and how the connection ended."""

    first_byte: float | None = None
    close_reason: BaseException | None = None

    def data_received(self, data: bytes) -> None:
        """Record the time of the first byte."""
        if self.first_byte is None:
            self.first_byte = perf_counter()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Record why the connection ended; None means an orderly close."""
        self.close_reason = exc
        super().connection_lost(exc)


READ_BYTES = 65536

ProtocolType = TypeVar("ProtocolType", bound=asyncio.Protocol)


class Stream:
    """A connection for reading and writing, until ``switch_protocol`` gives it to a protocol."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received = _ReceiveBuffer()

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        """Perform a TLS handshake, and use TLS from then on. Raises OSError, ssl.SSLError."""
        self._transport = await self._handshake(self._received, trust, host)

    @property
    def alpn_protocol(self) -> str:
        """The protocol negotiated by ALPN (RFC 7301), or an empty string."""
        engine = self._transport.get_extra_info("ssl_object") if self._transport else None
        return (engine.selected_alpn_protocol() or "") if engine else ""

    async def write(self, data: bytes) -> None:
        """Send all of the data."""
        if self._transport is None:
            await self._loop.sock_sendall(self._sock, data)
        else:
            self._transport.write(data)

    async def read(self) -> bytes:
        """Return received bytes, or b'' if the peer closed. Raises OSError."""
        if self._transport is None:
            return await self._loop.sock_recv(self._sock, READ_BYTES)
        return await self._received.take()

    async def switch_protocol(
        self, protocol: ProtocolType, trust: ssl.SSLContext | None = None, host: str = ""
    ) -> ProtocolType:
        """Give the connection to a protocol, over TLS with ``host`` if ``trust`` is given."""
        if trust is not None:
            protocol.connection_made(await self._handshake(protocol, trust, host))
        elif self._transport is not None:
            self._transport.set_protocol(protocol)
            protocol.connection_made(self._transport)
            self._received.drain_to(protocol)
        else:
            await self._loop.create_connection(lambda: protocol, sock=self._sock)
        return protocol

    def close(self) -> None:
        """Close the connection immediately, unless a protocol has it."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._sock.close()

    async def _handshake(
        self, protocol: asyncio.Protocol, trust: ssl.SSLContext, host: str
    ) -> asyncio.Transport:
        """Perform the TLS handshake by ``start_tls``.

        ``create_connection`` with TLS leaks the transport if it is cancelled before its first step:
        the descriptor is never closed, and later users of its number fail.
        """
        if self._transport is None:
            self._transport, _ = await self._loop.create_connection(
                asyncio.Protocol, sock=self._sock
            )
        secured = await self._loop.start_tls(self._transport, protocol, trust, server_hostname=host)
        assert secured is not None, "start_tls returns a transport or raises"
        return secured


async def connect(address: Address, binding: LocalBinding) -> Stream:
    """Connect a new socket to an IP address. Raises OSError."""
    sock = open_socket(address.host, socket.SOCK_STREAM, binding)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    except BaseException:
        sock.close()
        raise
    return Stream(sock)


class _ReceiveBuffer(asyncio.Protocol):
    """Queues received bytes, then how the connection ended."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def drain_to(self, protocol: asyncio.Protocol) -> None:
        """Pass unread bytes to a protocol: some servers send first."""
        while not self._chunks.empty():
            received = self._chunks.get_nowait()
            if received and isinstance(received, bytes):
                protocol.data_received(received)

    async def take(self) -> bytes:
        received = await self._chunks.get()
        if isinstance(received, Exception):
            raise received
        return received

    def data_received(self, data: bytes) -> None:
        self._chunks.put_nowait(data)

    def eof_received(self) -> None:
        self._chunks.put_nowait(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._chunks.put_nowait(exc or b"")


async def dial(
    recorder: ExchangeRecorder, route: Route, scheme: str, endpoint: Address, headers: Headers = ()
) -> ResponseHandler:
    """Open the connection of one request; ``endpoint`` is the host and port of its URL.

    ``headers`` are those of a CONNECT, if there is one. If the certificate does not verify, the
    failure is recorded and a second connection is opened without verification, as there may be a
    block page behind it. Raises OSError, ssl.SSLError, ValueError or TunnelRefusedError; the
    recorder has the stage.
    """
    stream = await open_stream(recorder, route, scheme, endpoint, headers)
    loop = asyncio.get_running_loop()
    try:
        if scheme == "http":
            return await stream.switch_protocol(ArrivalTimes(loop))
        with recorder.phase("tls", "tls"):
            handler = await stream.switch_protocol(ArrivalTimes(loop), route.trust, endpoint.host)
    except ssl.SSLCertVerificationError as error:
        stream.close()
        recorder.fail(error)
        return await _dial_unverified(recorder, route, endpoint, headers)
    except BaseException:
        stream.close()
        raise
    recorder.certificate = read_certificate(_ssl_object(handler.transport), trusted=True)
    return handler


async def open_stream(
    recorder: ExchangeRecorder, route: Route, scheme: str, endpoint: Address, headers: Headers
) -> Stream:
    """Connect, and perform the proxy handshake if the route needs one; raises as ``dial``."""
    proxy = route.proxy
    recorder.peer = route.address.host
    with recorder.phase("connect", "proxy_connect" if proxy else "connect"):
        stream = await connect(route.address, route.binding)
        try:
            if proxy is not None and proxy.trust is not None:
                await stream.start_tls(proxy.trust, proxy.host)
        except BaseException:
            stream.close()
            raise
    try:
        handshake = proxy_handshake_for(recorder, route, scheme, endpoint, headers)
        while handshake is not None:
            await stream.write(handshake.data_to_send())
            if handshake.receive_data(await stream.read()):
                break
    except BaseException:
        stream.close()
        raise
    return stream


async def _dial_unverified(
    recorder: ExchangeRecorder, route: Route, endpoint: Address, headers: Headers
) -> ResponseHandler:
    """Open the connection again without verification. The first failure is kept."""
    stream = await open_stream(ExchangeRecorder(recorder.limit), route, "https", endpoint, headers)
    try:
        handler = await stream.switch_protocol(
            ArrivalTimes(asyncio.get_running_loop()), unverified_tls_context(), endpoint.host
        )
    except BaseException:
        stream.close()
        raise
    recorder.certificate = read_certificate(_ssl_object(handler.transport), trusted=False)
    return handler


def _ssl_object(transport: asyncio.BaseTransport | None) -> ssl.SSLObject:
    assert transport is not None, "the TLS handshake is complete"
    engine: ssl.SSLObject = transport.get_extra_info("ssl_object")
    return engine
