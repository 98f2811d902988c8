"""``QuicClient``: the client's side of a QUIC connection over a line's UDP socket (RFC 9000, 9001).

aioquic has the protocol; here are its datagrams and timers, without a task of its own: who waits
for something drives the connection (``events``). So one connection may be carried by another, as in
CONNECT-UDP. Network trouble is raised as exceptions of the usual names (``failure_of``).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import ssl
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection, QuicConnectionState
from aioquic.quic.packet import QuicErrorCode, QuicProtocolVersion, QuicStreamFrame
from aioquic.quic.stream import QuicStreamSender
from aioquic.tls import AlertDescription, Epoch, SessionTicket
from cryptography.hazmat.primitives.serialization import Encoding

from harness.model.facts import Certificate
from harness.ports.streams import DatagramSocket
from harness.untrusted.visible_text import visible
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.quic_trust import certificate_of

# aioquic tells of every protocol error; without a handler logging would print it.
logging.getLogger("quic").addHandler(logging.NullHandler())
logging.getLogger("http3").addHandler(logging.NullHandler())

VERSION_1 = int(QuicProtocolVersion.VERSION_1)
VERSION_2 = int(QuicProtocolVersion.VERSION_2)

RESERVED_VERSION = 0x1A2A3A4A
"""A version that no server has, to make it name its own (RFC 9000 section 15)."""

CARRYING_BYTES = 1350
"""Bytes of a datagram of a connection that carries datagrams of another one, of 1200 bytes."""

LONGEST_FRAME = 65535
"""Bytes of a DATAGRAM frame that is accepted (RFC 9221 section 3)."""

PEER = ("peer", 0)
"""The far end's address as aioquic is told; the socket has but one."""

IDLE_TIMEOUT = 300.0
"""Seconds after which aioquic gives up: longer than any attempt, whose own deadline decides."""

CRYPTO_ERRORS = range(0x100, 0x200)
"""Error codes of the transport that carry a TLS alert (RFC 9001 section 4.8)."""

H3_NO_ERROR = 0x100
MIN_PATIENCE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicHello:
    """What a client says at first.

    Without ``server_name`` the ClientHello names no host. The first of ``versions`` is tried
    first. ``is_split``: the ClientHello is sent in two datagrams, parted inside the host's name;
    the larger ``is_large`` one needs two anyhow. ``carries_datagrams``: the connection is to carry
    QUIC datagrams of another one. ``ticket`` is that of an earlier connection (0-RTT).
    """

    server_name: str
    alpn: str = "h3"
    versions: tuple[int, ...] = (VERSION_1,)
    is_split: bool = False
    is_large: bool = False
    carries_datagrams: bool = False
    ticket: SessionTicket | None = None

    def configuration(self) -> QuicConfiguration:
        """Return it as aioquic wants it; the certificate is verified by ``certificate_of``."""
        return QuicConfiguration(
            alpn_protocols=[self.alpn],
            idle_timeout=IDLE_TIMEOUT,
            max_datagram_frame_size=LONGEST_FRAME,
            max_datagram_size=CARRYING_BYTES if self.carries_datagrams else 1200,
            quantum_readiness_test=self.is_large,
            server_name=self.server_name or None,
            session_ticket=self.ticket,
            supported_versions=list(self.versions),
            verify_mode=ssl.CERT_NONE,
        )


class QuicClient:
    """A QUIC connection over a UDP socket. ``trust`` is a file of authorities beside the system's.

    ``is_early``: the far end accepted what was sent with the ClientHello (0-RTT). Its methods raise
    OSError and EOFError if the connection is over. The socket stays open.
    """

    def __init__(self, socket: DatagramSocket, hello: QuicHello, trust: str = "") -> None:
        self._socket = socket
        self._hello = hello
        self._trust = trust
        self._loop = asyncio.get_running_loop()
        self._is_connected = False
        self.is_early = False
        self._has_ended = False
        self.tickets: list[SessionTicket] = []
        self.connection = QuicConnection(
            configuration=hello.configuration(), session_ticket_handler=self.tickets.append
        )
        self._pieces: _Pieces | None = None

    async def start(self) -> Self:
        """Send the ClientHello, and what may be sent with it."""
        self.connection.connect(PEER, now=self._loop.time())
        await self.flush()
        return self

    async def connect(self, recorder: ExchangeRecorder, deadline: float) -> list[events.QuicEvent]:
        """Perform the handshake until ``deadline``, a ``perf_counter`` time; record the chain.

        Returns the events that came with its end. Raises TimeoutError, OSError, EOFError.
        """
        happened: list[events.QuicEvent] = []
        with recorder.phase("connect", "connect"):
            async with asyncio.timeout(max(deadline - perf_counter(), MIN_PATIENCE)):
                if self.connection.get_peer_address() is None:
                    await self.start()
                while not self._is_connected:
                    happened += await self.events()
        recorder.certificate = self.certificate()
        return happened

    def certificate(self) -> Certificate | None:
        """Return the chain that was shown; ``trusted`` says whether it is valid for the name."""
        tls = self.connection.tls
        leaf = tls._peer_certificate  # noqa: SLF001 - aioquic has no public way to it
        if leaf is None:
            return None
        chain = [leaf, *tls._peer_certificate_chain]  # noqa: SLF001 - the same
        ders = [each.public_bytes(Encoding.DER) for each in chain]
        return certificate_of(ders, self._hello.server_name, self._trust)

    @property
    def version(self) -> int:
        """The QUIC version that is spoken."""
        return self.connection._version or 0  # noqa: SLF001 - aioquic has no public way to it

    async def events(self) -> list[events.QuicEvent]:
        """Wait until something happens, and return it. Raises TimeoutError, OSError, EOFError."""
        while True:
            await self.flush()
            happened: list[events.QuicEvent] = []
            while (event := self.connection.next_event()) is not None:
                if isinstance(event, events.HandshakeCompleted):
                    self._is_connected, self.is_early = True, event.early_data_accepted
                if not isinstance(event, events.ConnectionTerminated):
                    happened.append(event)
            if happened:
                return happened
            self._raise_if_closed()
            await self._receive()

    async def flush(self) -> None:
        """Send what is due. Raises OSError."""
        while datagrams := self._due():
            for data, _ in datagrams:
                await self._socket.send(data)

    async def close(self) -> None:
        """Tell the far end that the connection is over; network trouble does not matter then."""
        if self._has_ended or self.connection.get_peer_address() is None:
            return
        self._has_ended = True
        self.connection.close(error_code=H3_NO_ERROR if self._hello.alpn == "h3" else 0)
        try:
            await self.flush()
        except OSError:
            return

    def _due(self) -> list[tuple[bytes, object]]:
        if self._hello.is_split:
            # A connection begins anew after a Retry packet, with another ClientHello.
            sender = self.connection._crypto_streams[Epoch.INITIAL].sender  # noqa: SLF001 - see _Pieces
            if self._pieces is None or self._pieces.sender is not sender:
                self._pieces = _Pieces(sender, self._hello.server_name)
            self._pieces.may_send = True
        return self.connection.datagrams_to_send(now=self._loop.time())

    async def _receive(self) -> None:
        """Wait for a datagram or the next timer. Raises OSError."""
        timer = self.connection.get_timer()
        limit = asyncio.timeout_at(timer)
        try:
            async with limit:
                data = await self._socket.receive()
        except TimeoutError:
            if not limit.expired():
                raise
            self.connection.handle_timer(now=max(timer or 0.0, self._loop.time()))
        else:
            self.connection.receive_datagram(data, PEER, now=self._loop.time())

    def _raise_if_closed(self) -> None:
        """Raise the error by which the connection was closed, if it was."""
        # The public event comes only after three more round trips.
        event = self.connection._close_event  # noqa: SLF001 - for this reason
        if event is None:
            return
        self._has_ended = True
        state = self.connection._state  # noqa: SLF001 - it tells who closed the connection
        raise error_of(event, by_peer=state is QuicConnectionState.DRAINING)


class _Pieces:
    """Parts the ClientHello inside the host's name, with ``may_send`` for the next piece.

    aioquic has no public way to part CRYPTO frames, so this uses private parts of its streams.
    """

    def __init__(self, sender: QuicStreamSender, name: str) -> None:
        self.sender = sender
        self.may_send = False
        hello = bytes(sender._buffer)  # noqa: SLF001 - see above
        place = hello.find(name.encode()) if name else -1
        self._cut = place + len(name) // 2 if place > 0 else len(hello) // 2
        self._whole = sender.get_frame
        sender.get_frame = self._frame  # type: ignore[method-assign]

    def _frame(self, max_size: int, max_offset: int | None = None) -> QuicStreamFrame | None:
        """Return the next CRYPTO frame: one in each datagram, and none across the cut."""
        if not self.may_send:
            return None
        self.may_send = False
        pending = self.sender._pending  # noqa: SLF001 - see above
        start = pending[0].start if len(pending) else self._cut
        most = min(max_size, self._cut - start) if start < self._cut else max_size
        return self._whole(most, max_offset)


def error_of(event: events.ConnectionTerminated, *, by_peer: bool) -> Exception:
    """Return the exception for the end of a connection (RFC 9000 section 20)."""
    code, is_transport = event.error_code, event.frame_type is not None
    reason = visible(event.reason_phrase)[:100]
    if is_transport and code in CRYPTO_ERRORS:
        return _tls_error(_alert_name(code - CRYPTO_ERRORS.start), by_peer=by_peer)
    if by_peer:
        return _error_of_peer(code, reason, is_transport=is_transport)
    if reason == "Idle timeout":
        return TimeoutError("nothing came")
    if is_transport:
        return _tls_error(reason or f"error {code:#x}", by_peer=False)
    return ValueError(f"HTTP/3 error {code:#x}: {reason}")


def _error_of_peer(code: int, reason: str, *, is_transport: bool) -> Exception:
    if is_transport and code == QuicErrorCode.CONNECTION_REFUSED:
        return ConnectionRefusedError(errno.ECONNREFUSED, f"quic: refused: {reason}")
    if code == 0 or (not is_transport and code == H3_NO_ERROR):
        return EOFError("the far end closed the QUIC connection")
    kind = "transport" if is_transport else "application"
    return ConnectionAbortedError(errno.ECONNABORTED, f"quic: {kind} error {code:#x}: {reason}")


def _alert_name(number: int) -> str:
    try:
        return AlertDescription(number).name.upper()
    except ValueError:
        return str(number)


def _tls_error(reason: str, *, by_peer: bool) -> ssl.SSLError:
    """Return an error as OpenSSL would raise it, by which ``failure_of`` names it."""
    error = ssl.SSLError(1, reason)
    error.reason = f"TLSV13_ALERT_{reason}" if by_peer else f"QUIC: {reason}"
    return error
