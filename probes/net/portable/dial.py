"""Dials: connects a socket, opens a way through a proxy, and shakes hands.

aiohttp would do all three, but folds them together: which stage failed, how long each took,
and what a proxy said when it refused a tunnel are facts that it loses.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from time import perf_counter
from typing import TypeVar

from aiohttp.client_proto import ResponseHandler

from probes.net.exchange_recorder import Headers, Passage
from probes.net.local_binding import Source, open_socket
from probes.net.proxy_handshake import opening_of
from probes.net.route import Address, Route, accepting_any
from probes.net.tls_facts import read_certificate


class Hearing(ResponseHandler):
    """aiohttp's own protocol, which also notes what aiohttp's errors no longer tell."""

    first_byte: float | None = None
    left: BaseException | None = None

    def data_received(self, data: bytes) -> None:
        """Note the moment of the first byte."""
        if self.first_byte is None:
            self.first_byte = perf_counter()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note why the connection ended; ``None`` is an orderly close."""
        self.left = exc
        super().connection_lost(exc)


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


async def dial(
    passage: Passage, route: Route, scheme: str, far: Address, headers: Headers = ()
) -> ResponseHandler:
    """Open the connection that carries one request; ``far`` is the host and port of its URL.

    ``headers`` are those of a CONNECT, if there is one.
    A certificate that does not verify is noted in the passage as its failure; the connection is
    opened all the same, for what is shown behind that certificate may be the page.
    Raises OSError, ssl.SSLError, ValueError or TunnelRefused; the passage knows the stage.
    """
    stream = await reach(passage, route, scheme, far, headers)
    loop = asyncio.get_running_loop()
    try:
        if scheme == "http":
            return await stream.hand_to(Hearing(loop))
        with passage.phase("tls", "tls"):
            hearing = await stream.hand_to(Hearing(loop), route.trust, far.host)
    except ssl.SSLCertVerificationError as error:
        stream.close()
        passage.fail(error)
        return await _dial_unverified(passage, route, far, headers)
    except BaseException:
        stream.close()
        raise
    passage.certificate = read_certificate(_engine(hearing.transport), trusted=True)
    return hearing


async def reach(
    passage: Passage, route: Route, scheme: str, far: Address, headers: Headers
) -> Stream:
    """Connect, and open the way through a proxy if the route has one; raises as ``dial``."""
    proxy = route.proxy
    passage.peer = route.address.host
    with passage.phase("connect", "proxy_connect" if proxy else "connect"):
        stream = await connect(route.address, route.source)
        try:
            if proxy is not None and proxy.trust is not None:
                await stream.seal(proxy.trust, proxy.host)
        except BaseException:
            stream.close()
            raise
    try:
        opening = opening_of(passage, route, scheme, far, headers)
        while opening is not None:
            await stream.write(opening.due())
            if opening.feed(await stream.read()):
                break
    except BaseException:
        stream.close()
        raise
    return stream


async def _dial_unverified(
    passage: Passage, route: Route, far: Address, headers: Headers
) -> ResponseHandler:
    """The same connection once more, with any certificate. The first failure stands."""
    stream = await reach(Passage(passage.limit), route, "https", far, headers)
    try:
        hearing = await stream.hand_to(
            Hearing(asyncio.get_running_loop()), accepting_any(), far.host
        )
    except BaseException:
        stream.close()
        raise
    passage.certificate = read_certificate(_engine(hearing.transport), trusted=False)
    return hearing


def _engine(transport: asyncio.BaseTransport | None) -> ssl.SSLObject:
    assert transport is not None, "the hands were shaken just now"
    engine: ssl.SSLObject = transport.get_extra_info("ssl_object")
    return engine
