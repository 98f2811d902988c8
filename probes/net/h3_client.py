"""``H3Client``: requests and tunnels over one QUIC connection (HTTP/3, RFC 9114).

Tunnels are extended CONNECT (RFC 9220): their streams are byte streams of WebTransport
(draft-ietf-webtrans-http3), their datagrams those of RFC 9297.
"""

from __future__ import annotations

import errno
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from aioquic.h3.connection import H3Connection, Setting
from aioquic.h3.events import (
    DatagramReceived,
    DataReceived,
    H3Event,
    HeadersReceived,
    WebTransportStreamDataReceived,
)
from aioquic.quic.events import QuicEvent, StreamDataReceived, StreamReset

from probes.net.exchange_recorder import ExchangeRecorder, Head, Headers, header_text
from probes.net.quic_client import QuicClient

MOST_DATAGRAMS = 1024
"""Datagrams of one tunnel that wait to be read; more are dropped, as UDP allows."""

CONNECTION_HEADERS = frozenset(
    {"connection", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
)
"""Headers of HTTP/1 that an HTTP/3 request must not have (RFC 9114 section 4.2), and Host."""


@dataclass(slots=True)
class _Received:
    """What came on one stream and was not yet read."""

    events: deque[H3Event] = field(default_factory=deque)
    datagrams: deque[bytes] = field(default_factory=lambda: deque(maxlen=MOST_DATAGRAMS))
    reset: int | None = None


def request_fields(
    method: str, authority: str, path: str, headers: Headers = (), protocol: str = ""
) -> list[tuple[bytes, bytes]]:
    """Return the fields of a request: pseudo-headers first, other names in lower case."""
    pseudo = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)]
    pseudo += [(":protocol", protocol)] if protocol else []
    others = (
        (name.lower(), value) for name, value in headers if name.lower() not in CONNECTION_HEADERS
    )
    return [
        (name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        for name, value in (*pseudo, *others)
    ]


class H3Client:
    """HTTP/3 over a QUIC connection.

    Its methods raise OSError and EOFError if the connection or the stream is over, and ValueError
    for an answer that breaks the protocol.
    """

    def __init__(self, quic: QuicClient) -> None:
        self.quic = quic
        self._h3 = H3Connection(quic.connection, enable_webtransport=True)
        self._streams: defaultdict[int, _Received] = defaultdict(_Received)
        self._sessions: dict[int, int] = {}

    async def begin(
        self, fields: list[tuple[bytes, bytes]], recorder: ExchangeRecorder, deadline: float
    ) -> int:
        """Send a request without a body, and perform the handshake; return its stream.

        What is resumed sends it with the ClientHello. Its answer is ``read_answer``. Raises
        TimeoutError at ``deadline``, a ``perf_counter`` time.
        """
        stream = self.send_request(fields)
        self.take(await self.quic.connect(recorder, deadline))
        recorder.stage = "response"
        return stream

    def send_request(self, fields: list[tuple[bytes, bytes]], *, ends: bool = True) -> int:
        """Send the head of a request as soon as the next datagram is sent; return its stream."""
        stream = self.quic.connection.get_next_available_stream_id()
        self._h3.send_headers(stream, fields, end_stream=ends)
        return stream

    def end_request(self, stream: int, body: bytes) -> None:
        """Send the body of a request of which the head was sent."""
        self._h3.send_data(stream, body, end_stream=True)

    async def read_head(self, stream: int) -> tuple[Head, bool]:
        """Read the head of an answer, and whether it is all; interim ones are skipped."""
        while True:
            event = await self._next(stream)
            if not isinstance(event, HeadersReceived):
                raise ValueError("an HTTP/3 answer without a head")  # noqa: TRY004 - the peer's fault
            head = head_of(event.headers)
            if head.status not in range(100, 200):
                return head, event.stream_ended

    async def read_answer(self, stream: int, recorder: ExchangeRecorder) -> None:
        """Read an answer into a recorder, at most one byte more than its limit."""
        recorder.head, has_ended = await self.read_head(stream)
        if not has_ended:
            await self.read_body(stream, recorder)

    async def read_body(self, stream: int, recorder: ExchangeRecorder) -> None:
        """Read what follows the head of an answer."""
        has_ended = False
        while not has_ended and len(recorder.body) <= recorder.limit:
            event = await self._next(stream)
            if isinstance(event, DataReceived):
                recorder.body += event.data
            has_ended = getattr(event, "stream_ended", False)

    async def open_tunnel(self, fields: list[tuple[bytes, bytes]]) -> tuple[int, Head, bool]:
        """Send an extended CONNECT; return its stream and what ``read_head`` returns of it."""
        while (settings := self._h3.received_settings) is None:
            await self.advance()
        if not settings.get(Setting.ENABLE_CONNECT_PROTOCOL):
            raise ValueError("the far end offers no extended CONNECT (RFC 9220)")
        stream = self.send_request(fields, ends=False)
        return stream, *(await self.read_head(stream))

    def open_stream(self, session: int) -> int:
        """Open a bidirectional stream of a WebTransport session."""
        stream = self._h3.create_webtransport_stream(session)
        self._sessions[stream] = session
        return stream

    async def send_raw(self, stream: int, data: bytes) -> None:
        """Send bytes on a stream of WebTransport, which has no frames."""
        self.quic.connection.send_stream_data(stream, data)
        await self.quic.flush()

    async def send_data(self, stream: int, data: bytes) -> None:
        """Send bytes in a DATA frame, as on the stream of a CONNECT."""
        self._h3.send_data(stream, data, end_stream=False)
        await self.quic.flush()

    async def read_data(self, stream: int) -> bytes:
        """Return the next bytes of a stream; nothing if the far end has ended it."""
        while True:
            event = await self._next(stream)
            if isinstance(event, (DataReceived, WebTransportStreamDataReceived)):
                if event.data or event.stream_ended:
                    return event.data
            elif getattr(event, "stream_ended", False):
                return b""

    async def send_datagram(self, stream: int, data: bytes) -> None:
        """Send a datagram that belongs to the stream of a CONNECT."""
        self._h3.send_datagram(stream, data)
        await self.quic.flush()

    async def read_datagram(self, stream: int) -> bytes:
        """Return the next datagram that belongs to a stream."""
        received = self._streams[stream]
        while not received.datagrams:
            await self.advance()
        return received.datagrams.popleft()

    async def _next(self, stream: int) -> H3Event:
        received = self._streams[stream]
        while not received.events:
            if received.reset is not None:
                raise ConnectionResetError(
                    errno.ECONNRESET, f"quic: stream reset with error {received.reset:#x}"
                )
            await self.advance()
        return received.events.popleft()

    async def advance(self) -> None:
        """Wait until something comes, and sort it by stream."""
        self.take(await self.quic.events())

    def take(self, happened: Iterable[QuicEvent]) -> None:
        """Sort what came by stream; for what came before this object was made."""
        for event in happened:
            if isinstance(event, StreamReset):
                self._streams[event.stream_id].reset = event.error_code
            for each in self._events_of(event):
                if isinstance(each, DatagramReceived):
                    self._streams[each.stream_id].datagrams.append(each.data)
                elif isinstance(
                    each, (HeadersReceived, DataReceived, WebTransportStreamDataReceived)
                ):
                    self._streams[each.stream_id].events.append(each)

    def _events_of(self, event: QuicEvent) -> list[H3Event]:
        """Return what an event is in HTTP/3.

        aioquic does not know that the answers on a stream of ``open_stream`` have no frames.
        """
        if isinstance(event, StreamDataReceived) and event.stream_id in self._sessions:
            return [
                WebTransportStreamDataReceived(
                    data=event.data,
                    stream_id=event.stream_id,
                    stream_ended=event.end_stream,
                    session_id=self._sessions[event.stream_id],
                )
            ]
        return self._h3.handle_event(event)


def head_of(fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """Return status and headers of an answer; aioquic has checked that there is a status."""
    pairs = [(header_text(name), header_text(value)) for name, value in fields]
    status = int(dict(pairs)[":status"])
    headers = tuple((name, value) for name, value in pairs if not name.startswith(":"))
    return Head(status=status, headers=headers)
