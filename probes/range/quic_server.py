"""QUIC listeners of an origin (RFC 9000), on UDP: ``QuicListener``, and the base of its sessions.

With ``VisitorLimits`` (a public origin) a client must prove its address by a Retry packet before
anything is kept of it, and connections are counted and end after their time.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from aioquic.asyncio.protocol import QuicConnectionProtocol, QuicStreamHandler
from aioquic.asyncio.server import QuicServer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import NetworkAddress, QuicConnection
from aioquic.quic.events import ConnectionTerminated, QuicEvent
from aioquic.tls import SessionTicket

from probes.net.quic_client import CARRYING_BYTES, LONGEST_FRAME
from probes.range.bound_socket import bound_socket
from probes.range.server_chain import ChainSource
from probes.range.visitor_limits import VisitorLimits
from probes.range.zone import ADDRESS

logging.getLogger("quic").addHandler(logging.NullHandler())

IDLE_TIMEOUT = 30.0
"""Seconds without a datagram after which a connection is dropped."""

MAX_TICKETS = 1024
"""Session tickets (0-RTT) that are kept; the oldest is dropped."""

PORT_TRIES = 20
"""Attempts to find a port that is free at every address."""


class QuicSession(QuicConnectionProtocol):
    """One connection of a client. Subclasses handle events in ``on_event``."""

    def __init__(
        self,
        quic: QuicConnection,
        stream_handler: QuicStreamHandler | None = None,
        *,
        limits: VisitorLimits | None = None,
    ) -> None:
        super().__init__(quic, stream_handler)
        self._limits = limits
        self._client: str | None = None
        self._is_counted = False
        self._end: asyncio.TimerHandle | None = None
        self.is_open = True

    @property
    def client(self) -> str:
        """The client's IP address."""
        return self._client or ""

    def on_event(self, event: QuicEvent) -> None:
        """Handle an event of the connection."""
        raise NotImplementedError

    def on_lost(self) -> None:
        """The connection is over."""

    def datagram_received(self, data: bytes | str, addr: NetworkAddress) -> None:
        """Count the connection with its first datagram; one beyond the limits is dropped."""
        if self._client is None:
            self._client = str(addr[0])
            if not self._is_admitted():
                self._connection_terminated_handler()
                return
        super().datagram_received(data, addr)

    def _is_admitted(self) -> bool:
        if self._limits is None:
            return True
        if not self._limits.open(self.client):
            return False
        self._is_counted = True
        self._end = self._loop.call_later(self._limits.rules.patience, self.close)
        return True

    def quic_event_received(self, event: QuicEvent) -> None:
        """Pass an event on; free the connection's place with the last one."""
        if isinstance(event, ConnectionTerminated):
            self.is_open = False
            self._release()
            self.on_lost()
        else:
            self.on_event(event)

    def _release(self) -> None:
        if self._end is not None:
            self._end.cancel()
        if self._is_counted and self._limits is not None:
            self._is_counted = False
            self._limits.close(self.client)


MakeSession = Callable[..., QuicSession]
"""Makes a session of a connection and a keyword ``stream_handler``, which it does not use."""


@dataclass(slots=True)
class SessionTickets:
    """Tickets by which clients resume, each of them once (0-RTT, RFC 8446 section 8)."""

    _tickets: OrderedDict[bytes, SessionTicket] = field(default_factory=OrderedDict)

    def add(self, ticket: SessionTicket) -> None:
        """Keep a ticket."""
        self._tickets[ticket.ticket] = ticket
        if len(self._tickets) > MAX_TICKETS:
            self._tickets.popitem(last=False)

    def pop(self, label: bytes) -> SessionTicket | None:
        """Return a ticket and forget it."""
        return self._tickets.pop(label, None)


LONG_HEADER = 0x80
"""The bit by which packets of a handshake are known (RFC 9000 section 17.2)."""


class RenewingServer(QuicServer):
    """A server that shows the certificate of ``chain`` as it is when a connection begins."""

    def __init__(
        self, chain: ChainSource, configuration: QuicConfiguration, **options: Any
    ) -> None:
        super().__init__(configuration=configuration, **options)
        self._chain, self._shown = chain, configuration

    def datagram_received(self, data: bytes | str, addr: NetworkAddress) -> None:
        """Pass a datagram on; one that may begin a connection is answered by the current chain."""
        if isinstance(data, bytes) and data and data[0] & LONG_HEADER:
            chain = self._chain.current()
            self._shown.certificate, self._shown.private_key = chain.leaf, chain.key
            self._shown.certificate_chain = list(chain.others)
        super().datagram_received(data, addr)


def quic_server(
    alpn: str,
    chain: ChainSource,
    make: MakeSession,
    *,
    limits: VisitorLimits | None = None,
    datagram_bytes: int = CARRYING_BYTES,
) -> QuicServer:
    """Return the server of all connections at one socket, or in one tunnel.

    ``datagram_bytes`` is how long its datagrams are at most.
    """
    tickets = SessionTickets()
    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=[alpn],
        idle_timeout=IDLE_TIMEOUT,
        max_datagram_frame_size=LONGEST_FRAME,
        max_datagram_size=datagram_bytes,
        verify_mode=ssl.CERT_NONE,
    )
    return RenewingServer(
        chain,
        configuration,
        create_protocol=make,
        session_ticket_fetcher=tickets.pop,
        session_ticket_handler=tickets.add,
        retry=limits is not None,
    )


@dataclass(slots=True, kw_only=True)
class QuicListener:
    """UDP sockets at ``addresses`` with the same ``port``, each with a server; a context manager.

    A port of 0 is chosen by the system at the first address.
    """

    alpn: str
    chain: ChainSource
    make: MakeSession
    addresses: tuple[str, ...] = (ADDRESS,)
    port: int = 0
    limits: VisitorLimits | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            for sock in self._sockets():
                server = quic_server(self.alpn, self.chain, self.make, limits=self.limits)
                await loop.create_datagram_endpoint(_given(server), sock=sock)
                stack.callback(server.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        await asyncio.sleep(0)  # the transports close in the loop's next iteration

    def _sockets(self) -> list[socket.socket]:
        """Bind a socket at each address. Raises OSError."""
        tries = 1 if self.port else PORT_TRIES
        for attempts_left in reversed(range(tries)):
            opened: list[socket.socket] = []
            port = self.port
            try:
                for address in self.addresses:
                    opened.append(bound_socket(socket.SOCK_DGRAM, address, port))
                    port = opened[-1].getsockname()[1]
            except OSError:
                for each in opened:
                    each.close()
                if not attempts_left:
                    raise
            else:
                self.port = port
                return opened
        raise AssertionError("the last attempt returns or raises")


def _given(server: QuicServer) -> Callable[[], Any]:
    return lambda: server
