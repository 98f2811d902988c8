"""The origin over HTTP/3 (RFC 9114): the same pages as over HTTPS, and relays to its own hosts.

Each request is passed to a ``Connection`` of the origin as HTTP/1. The relays are WebTransport
(draft-ietf-webtrans-http3), whose streams carry HTTP/1 and whose datagrams carry QUIC, and
CONNECT-UDP (RFC 9298), which carries QUIC. They lead nowhere but to the origin itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import h11
from aioquic.asyncio.protocol import QuicStreamHandler
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import (
    DatagramReceived,
    DataReceived,
    H3Event,
    HeadersReceived,
    WebTransportStreamDataReceived,
)
from aioquic.quic.configuration import SMALLEST_MAX_DATAGRAM_SIZE
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ProtocolNegotiated, QuicEvent, StreamReset

from probes.net.exchange_recorder import header_text, write_head
from probes.range.carried_stream import CarriedStream
from probes.range.connection import LOOPBACK_RULES
from probes.range.h3_relays import DatagramTunnel, TunnelRequest, tunnel_of
from probes.range.origin import OriginServer
from probes.range.quic_server import QuicListener, QuicSession, quic_server
from probes.range.server_chain import ChainSource
from probes.range.visitor_limits import Admission

ALPN = H3_ALPN[0]
CONNECTION_HEADERS = frozenset({b"connection", b"keep-alive", b"transfer-encoding"})
"""Headers of HTTP/1 that an HTTP/3 answer must not have (RFC 9114 section 4.2)."""

OWN_HEADERS = CONNECTION_HEADERS | {b"content-length", b"host"}
"""Headers of a request that are written anew for HTTP/1."""

Fields = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class _Waiting:
    """A request of which the body has not come whole."""

    fields: Fields
    body: bytearray = field(default_factory=bytearray)


class H3Session(QuicSession):
    """A client's HTTP/3 connection. ``depth`` counts the tunnels that it came through."""

    def __init__(
        self,
        quic: QuicConnection,
        stream_handler: QuicStreamHandler | None = None,
        *,
        origin: OriginServer,
        chain: ChainSource,
        depth: int = 0,
    ) -> None:
        super().__init__(quic, stream_handler, limits=origin.limits)
        self._origin = origin
        self._chain = chain
        self._depth = depth
        self._h3: H3Connection | None = None
        self._requests: dict[int, _Waiting] = {}
        self._tunnels: dict[int, DatagramTunnel] = {}
        self._streams: dict[int, CarriedStream] = {}

    def on_event(self, event: QuicEvent) -> None:
        """Sort what came by its kind."""
        if isinstance(event, ProtocolNegotiated):
            self._h3 = H3Connection(self._quic, enable_webtransport=True)
        if self._h3 is None:
            return
        for each in self._h3.handle_event(event):
            self._on_h3_event(each)
        if isinstance(event, StreamReset):
            self._forget(event.stream_id)

    def on_lost(self) -> None:
        """Close what the connection carried."""
        for stream in (*self._streams, *self._tunnels):
            self._forget(stream)

    def _forget(self, stream: int) -> None:
        self._requests.pop(stream, None)
        if stream in self._streams:
            self._streams.pop(stream).abort()
        if stream in self._tunnels:
            self._tunnels.pop(stream).close()

    def _on_h3_event(self, event: H3Event) -> None:
        if isinstance(event, WebTransportStreamDataReceived):
            self._carry(event)
        elif isinstance(event, DatagramReceived):
            if event.stream_id in self._tunnels:
                self._tunnels[event.stream_id].receive_datagram(event.data)
        elif isinstance(event, HeadersReceived):
            self._on_head(event)
        elif isinstance(event, DataReceived):
            self._on_data(event)

    def _on_head(self, event: HeadersReceived) -> None:
        stream = event.stream_id
        named = dict(event.headers)
        if named.get(b":method") == b"CONNECT":
            self._connect(stream, named)
            return
        waiting = self._requests.setdefault(stream, _Waiting(event.headers))
        if event.stream_ended:
            self._serve(stream, waiting)

    def _on_data(self, event: DataReceived) -> None:
        stream = event.stream_id
        if stream in self._tunnels:
            self._tunnels[stream].receive_data(event.data)
            if event.stream_ended:
                self._forget(stream)
        elif stream in self._requests:
            waiting = self._requests[stream]
            waiting.body += event.data
            # One byte more than the origin accepts, so that it refuses the body itself.
            del waiting.body[self._longest_body + 1 :]
            if event.stream_ended:
                self._serve(stream, waiting)

    @property
    def _longest_body(self) -> int:
        limits = self._origin.limits
        return (limits.rules if limits else LOOPBACK_RULES).body_bytes

    def _serve(self, stream: int, waiting: _Waiting) -> None:
        """Pass a whole request to the origin, and its answer to the client."""
        self._requests.pop(stream, None)
        answer = bytearray()
        carried = CarriedStream(
            self._origin.connection("h3"),
            answer.extend,
            partial(self._answer, stream, waiting.fields, answer),
            self.client,
        )
        if not carried.is_closing():
            self._streams[stream] = carried
        try:
            carried.receive(_as_http1(waiting.fields, len(waiting.body)) + waiting.body)
        except ValueError:
            carried.abort()

    def _answer(self, stream: int, asked: Fields, answer: bytearray, aborted: bool) -> None:
        """Send an answer of the origin, or reset the stream where it gave none."""
        self._streams.pop(stream, None)
        if not self.is_open:
            return
        if not answer or self._h3 is None or aborted:
            self._quic.reset_stream(stream, ErrorCode.H3_REQUEST_REJECTED)
        else:
            is_bodiless = dict(asked)[b":method"] == b"HEAD"
            fields, body = _as_http3(bytes(answer), is_bodiless=is_bodiless)
            self._h3.send_headers(stream, fields, end_stream=not body)
            if body:
                self._h3.send_data(stream, body, end_stream=True)
        self.transmit()

    def _connect(self, stream: int, named: dict[bytes, bytes]) -> None:
        """Open a tunnel, or refuse it; one beyond the limits has its stream reset."""
        assert self._h3 is not None, "there was a request on it"
        if self._limits is not None and self._limits.admit(self.client) is not Admission.SERVED:
            self._quic.reset_stream(stream, ErrorCode.H3_REQUEST_REJECTED)
            self.transmit()
            return
        request = TunnelRequest(
            protocol=header_text(named.get(b":protocol", b"")),
            authority=header_text(named.get(b":authority", b"")),
            path=header_text(named.get(b":path", b"")),
            depth=self._depth,
        )
        status, make = tunnel_of(request, self._origin)
        self._origin.log.record("h3", request.host, method="CONNECT", path=request.path)
        fields = [(b":status", str(status).encode()), (b"capsule-protocol", b"?1")]
        self._h3.send_headers(stream, fields if make else fields[:1], end_stream=make is None)
        if make is not None:
            inner = quic_server(
                ALPN, self._chain, self._inner, datagram_bytes=SMALLEST_MAX_DATAGRAM_SIZE
            )
            self._tunnels[stream] = make(
                inner,
                self.client,
                partial(self._send_datagram, stream),
                partial(self._send, stream),
            )
        self.transmit()

    def _inner(
        self, quic: QuicConnection, stream_handler: QuicStreamHandler | None = None
    ) -> H3Session:
        return H3Session(
            quic,
            stream_handler,
            origin=self._origin,
            chain=self._chain,
            depth=self._depth + 1,
        )

    def _send_datagram(self, stream: int, data: bytes) -> None:
        if self._h3 is not None:
            self._h3.send_datagram(stream, data)
            self.transmit()

    def _send(self, stream: int, data: bytes) -> None:
        if self._h3 is not None and stream in self._tunnels:
            self._h3.send_data(stream, data, end_stream=False)
            self.transmit()

    def _carry(self, event: WebTransportStreamDataReceived) -> None:
        """Pass bytes of a WebTransport stream to the origin, as from a client of port 80."""
        stream, session = event.stream_id, self._tunnels.get(event.session_id)
        if session is None or not session.has_streams or stream & 2:
            return
        if stream not in self._streams:
            # It stays here when it has closed, so that what comes later is dropped.
            self._streams[stream] = CarriedStream(
                self._origin.connection("http"),
                partial(self._send_raw, stream, ends=False),
                partial(self._end_raw, stream),
                self.client,
            )
        self._streams[stream].receive(event.data)

    def _send_raw(self, stream: int, data: bytes, *, ends: bool) -> None:
        self._quic.send_stream_data(stream, data, end_stream=ends)
        self.transmit()

    def _end_raw(self, stream: int, aborted: bool) -> None:
        if not self.is_open:
            return
        if aborted:
            self._quic.reset_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)
            self.transmit()
        else:
            self._send_raw(stream, b"", ends=True)


def _as_http1(fields: Fields, length: int) -> bytes:
    """Return the head of a request as HTTP/1. Raises ValueError for one that has no such form."""
    named = {header_text(name): value.decode("latin-1") for name, value in fields}
    headers = [
        (header_text(name), value.decode("latin-1"))
        for name, value in fields
        if not name.startswith(b":") and name not in OWN_HEADERS
    ]
    headers += [("Content-Length", str(length))] if length else []
    host = named.get(":authority", "") or named.get("host", "")
    head = [("Host", host), *headers, ("Connection", "close")]
    return write_head(named[":method"], named.get(":path", "/"), head)


def _as_http3(answer: bytes, *, is_bodiless: bool) -> tuple[Fields, bytes]:
    """Return an answer in HTTP/1 form as fields and body."""
    parser = h11.Connection(h11.CLIENT)
    method = b"HEAD" if is_bodiless else b"GET"
    parser.send(h11.Request(method=method, target=b"/", headers=[(b"Host", b"origin")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(answer)
    parser.receive_data(b"")
    fields: Fields = []
    body = bytearray()
    try:
        while not isinstance(event := parser.next_event(), (h11.EndOfMessage, h11.PAUSED)):
            if isinstance(event, h11.Response):
                fields = [(b":status", b"%d" % event.status_code)]
                fields += [each for each in event.headers if each[0] not in CONNECTION_HEADERS]
            elif isinstance(event, h11.Data):
                body += event.data
    except h11.RemoteProtocolError:
        pass  # the origin shows a wrong length on purpose: what came is sent
    if not body:
        # aioquic's own client takes the length of an answer to HEAD for a fault.
        fields = [each for each in fields if each[0] != b"content-length"]
    return fields or [(b":status", b"502")], bytes(body)


def h3_listener(origin: OriginServer, chain: ChainSource, port: int) -> QuicListener:
    """Return a listener for HTTP/3 at the addresses of the origin's web server."""
    make: Callable[..., QuicSession] = partial(H3Session, origin=origin, chain=chain)
    return QuicListener(
        alpn=ALPN,
        chain=chain,
        make=make,
        addresses=origin.addresses,
        port=port,
        limits=origin.limits,
    )
