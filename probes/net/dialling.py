"""Open byte streams and datagram sockets along a route, for probes of other protocols."""

from __future__ import annotations

import asyncio
import socket
import ssl
from time import perf_counter
from typing import TypeVar

from harness.model.facts import Certificate
from harness.model.observation import Failure, Timings
from harness.ports.streams import ByteStream, DatagramSocket, Dialled
from probes.net.exchange_recorder import ExchangeRecorder, Headers, failure_of
from probes.net.local_binding import UNBOUND, LocalBinding, open_socket
from probes.net.proxy_handshake import proxy_handshake_for
from probes.net.route import Address, Route
from probes.net.tls_facts import read_certificate

DATAGRAM_BYTES = 65535
REFUSAL_BYTES = 65536
"""The most bytes of a proxy's refusal that are read."""


async def dial_stream(
    route: Route,
    endpoint: Address,
    patience: float,
    *,
    secure: bool = False,
    plain: bool = False,
    tunnel_headers: Headers = (),
) -> Dialled[ByteStream]:
    """Connect to ``endpoint`` along a route, through CONNECT or SOCKS5 where it has a proxy.

    With ``secure`` a TLS handshake follows; a ``plain`` stream needs no tunnel at an HTTP proxy.
    ``tunnel_headers`` are sent with CONNECT.
    Network failures are returned with their stage, never raised.
    """
    is_proxied = plain and route.uses_absolute_form("http")
    recorder = ExchangeRecorder(REFUSAL_BYTES)
    stream: Stream | None = None
    try:
        async with asyncio.timeout(patience):
            # "https" makes the proxy open a tunnel, whatever the protocol inside.
            scheme = "http" if is_proxied else "https"
            stream = await open_stream(recorder, route, scheme, endpoint, tunnel_headers)
            if secure:
                with recorder.phase("tls", "tls"):
                    await stream.start_tls(route.trust, endpoint.host)
                recorder.certificate = stream.certificate()
    except Exception as error:  # noqa: BLE001 - recorded as the failure
        recorder.fail(error)
        if stream is not None:
            stream.close()
    exchange = recorder.exchange()
    return Dialled(
        timings=exchange.timings,
        opened=stream if exchange.failure is None else None,
        failure=exchange.failure,
        peer=exchange.peer,
        tunnel_status=exchange.tunnel_status,
        headers=exchange.headers,
        body=exchange.body,
        certificate=exchange.certificate,
        is_proxied=is_proxied,
        authorization=route.proxy.authorization if is_proxied and route.proxy else "",
    )


def not_dialled(failure: Failure, resolve: float | None = None) -> Dialled[ByteStream]:
    """Return the result of a stream that was never opened."""
    return Dialled(timings=Timings(resolve=resolve, total=resolve), failure=failure)


class Datagrams:
    """A connected UDP socket (RFC 768); receives datagrams only from its peer."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def send(self, data: bytes) -> None:
        """Send one datagram. Raises OSError, also for an ICMP error that came before."""
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def receive(self) -> bytes:
        """Wait for the next datagram. Raises OSError. Has no time limit of its own."""
        return await asyncio.get_running_loop().sock_recv(self._sock, DATAGRAM_BYTES)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def open_datagrams(address: Address, binding: LocalBinding = UNBOUND) -> Dialled[DatagramSocket]:
    """Open a UDP socket to an address; nothing is sent."""
    started = perf_counter()
    opened: DatagramSocket | None = None
    failure = None
    try:
        sock = open_socket(address.host, socket.SOCK_DGRAM, binding)
        try:
            sock.connect((address.host, address.port))
        except BaseException:
            sock.close()
            raise
        opened = Datagrams(sock)
    except OSError as error:
        failure = failure_of(error, "connect")
    return Dialled(
        timings=Timings(total=perf_counter() - started),
        opened=opened,
        failure=failure,
        peer=address.host,
    )


READ_BYTES = 65536


ProtocolType = TypeVar("ProtocolType", bound=asyncio.Protocol)


class Stream:
    """A connection for reading and writing, until ``switch_protocol`` gives it to a protocol."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received = _ReceiveBuffer()
        self.is_through_proxy = False

    def direct_socket(self) -> socket.socket | None:
        """Return the socket if it is connected to the far end itself, without TLS; else None."""
        return None if self._transport is not None or self.is_through_proxy else self._sock

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        """Perform a TLS handshake, and use TLS from then on.

        Raises OSError, ssl.SSLError, and EOFError if the peer has closed before.
        """
        self._transport = await self._handshake(self._received, trust, host)

    @property
    def alpn_protocol(self) -> str:
        """The protocol negotiated by ALPN (RFC 7301), or an empty string."""
        engine = self._transport.get_extra_info("ssl_object") if self._transport else None
        return (engine.selected_alpn_protocol() or "") if engine else ""

    def certificate(self) -> Certificate | None:
        """The chain that was shown in a TLS handshake that verified it, or None."""
        engine = self._transport.get_extra_info("ssl_object") if self._transport else None
        return read_certificate(engine, trusted=True) if engine else None

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
        the descriptor is never closed, and later users of its number fail. Raises EOFError where
        the peer has closed before: uvloop would wait for a handshake that never begins.
        """
        if self._transport is None:
            self._transport, _ = await self._loop.create_connection(
                asyncio.Protocol, sock=self._sock
            )
        if self._transport.is_closing():
            raise EOFError("the connection was closed before the TLS handshake")
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


async def open_stream(
    recorder: ExchangeRecorder, route: Route, scheme: str, endpoint: Address, headers: Headers
) -> Stream:
    """Connect, and perform the proxy handshake if the route needs one; raises as ``dial``."""
    proxy = route.proxy
    recorder.peer = route.address.host
    with recorder.phase("connect", "proxy_connect" if proxy else "connect"):
        stream = await connect(route.address, route.binding)
        stream.is_through_proxy = proxy is not None
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
