"""The server's side of an HTTP/2 connection, without I/O: streams to requests, pages to streams.

Frames are those of the library h2, which checks the protocol; fields are not checked, so that
requests which are not valid are answered as well (RFC 9113). Where ``:authority`` and ``host``
differ, ``:authority`` decides (section 8.3.1). A connection may also begin as HTTP/1.1
(``upgrade_settings``, RFC 7540 section 3.2).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import SettingsFrame

from probes.net.raw_http2 import Fields
from probes.range.connection import TOO_MANY, Request
from probes.range.origin_pages import Page
from probes.range.visitor_limits import Admission, VisitorRules

STREAMS_AT_ONCE = 32
"""Streams that may be open at once (SETTINGS_MAX_CONCURRENT_STREAMS)."""

STREAMS_IN_ALL = 1000
"""Requests of one connection; it is ended after them."""

FRAMES_PER_STREAM = 64 * 1024
"""Bytes beside requests that a client may send for each of its streams, and to begin with."""

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

CONNECTION_HEADERS = frozenset(
    {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"}
)
"""Headers of an HTTP/1.1 connection, which mean nothing in HTTP/2 (section 8.2.2)."""

NOT_A_REQUEST = Page(status=400, body=b"The request names no method, or no path.\n")
TOO_LONG = Page(status=413, body=b"the request body is too long\n")


def upgrade_settings(headers: Mapping[str, str]) -> bytes | None:
    """Return the settings in a request for an upgrade to HTTP/2, in Base64; None for all others.

    Names of headers are in lower case. A request whose settings are not valid is answered by
    HTTP/1.1 (RFC 7540 section 3.2.1).
    """
    wants = {part.strip().lower() for part in headers.get("connection", "").split(",")}
    offered = {part.strip().lower() for part in headers.get("upgrade", "").split(",")}
    if "h2c" not in offered or not {"upgrade", "http2-settings"} <= wants:
        return None
    encoded = headers.get("http2-settings", "").strip().encode("latin-1")
    encoded += b"=" * (-len(encoded) % 4)
    try:
        SettingsFrame(0).parse_body(memoryview(base64.b64decode(encoded, b"-_", validate=True)))
    except (binascii.Error, HyperframeError):
        return None
    return encoded


class Answers(Protocol):
    """Where the answer to one request goes: a connection, or a stream of it."""

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page; nothing happens if the client is gone."""

    def abort(self) -> None:
        """Close the whole connection immediately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Http2Carrier:
    """What a session needs of its connection.

    ``admit`` counts a request. ``handle`` answers one, also later. ``close`` follows all data.
    """

    rules: VisitorRules
    server: str
    send: Callable[[bytes], None]
    close: Callable[[], None]
    abort: Callable[[], None]
    admit: Callable[[], Admission]
    handle: Callable[[Request, Answers], None]


@dataclass(slots=True)
class _Incoming:
    """A request that is not complete."""

    fields: Fields
    body: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Outgoing:
    """A body that is not sent completely; ``most`` is the longest DATA frame for it."""

    data: memoryview
    most: int


class Http2Session:
    """One connection. Requests are given to ``carrier.handle``, each with its stream."""

    def __init__(self, carrier: Http2Carrier) -> None:
        self._carrier = carrier
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=False,
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
            )
        )
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS_AT_ONCE,
                SettingCodes.MAX_HEADER_LIST_SIZE: carrier.rules.head_bytes,
            },
        )
        self._h2.decoder.max_header_list_size = carrier.rules.head_bytes
        self._incoming: dict[int, _Incoming] = {}
        self._outgoing: dict[int, _Outgoing] = {}
        self._open: set[int] = set()
        self._streams = 0
        self._received = 0
        self._has_ended = False

    def begin(self) -> None:
        """Send the settings, before the client's preface is processed."""
        self._h2.initiate_connection()
        self._flush()

    def upgrade(self, settings: bytes) -> bool:
        """Switch a connection that began as HTTP/1.1, if its settings are in range.

        The request that asked for it is stream 1; it is answered by ``handle_first``.
        """
        try:
            self._h2.initiate_upgrade_connection(settings)
        except (h2.exceptions.ProtocolError, HyperframeError):
            return False
        self._carrier.send(SWITCHED)
        self._flush()
        return True

    def handle_first(self, request: Request) -> None:
        """Handle the request that asked for an upgrade."""
        self._streams += 1
        self._open.add(1)
        self._carrier.handle(request, Http2Stream(self, 1))
        self.receive(request.rest)

    def receive(self, data: bytes) -> None:
        """Process received bytes; what is not HTTP/2 ends the connection."""
        if self._has_ended:
            return
        self._received += len(data)
        rules = self._carrier.rules
        each = rules.head_bytes + rules.body_bytes + FRAMES_PER_STREAM
        if self._received > each * (self._streams + 1):
            self._end(ErrorCodes.ENHANCE_YOUR_CALM)
            return
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()  # h2 has written the reason
            self._close()
            return
        for event in events:
            if not self._has_ended:
                self._process(event)
        self._send_bodies()

    def respond(self, stream: int, page: Page, *, bodiless: bool) -> None:
        """Send a page on a stream, as far as the client's windows allow now."""
        if stream not in self._open or self._has_ended:
            return
        ends = bodiless or not page.body
        try:
            if page.hints:
                self._h2.send_headers(stream, _interim_head(page))
            self._h2.send_headers(stream, _head_of(page, self._carrier.server), end_stream=ends)
        except h2.exceptions.ProtocolError:  # the client has reset it, or ended the connection
            ends = True
        if ends:
            self._forget(stream)
        else:
            most = page.chunk or self._h2.max_outbound_frame_size
            self._outgoing[stream] = _Outgoing(memoryview(page.body), most)
        self._send_bodies()

    def abort(self) -> None:
        """Close the whole connection immediately."""
        self._has_ended = True
        self._carrier.abort()

    def _process(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived():
                self._begin_request(event)
            case h2.events.DataReceived():
                self._add_data(event)
            case h2.events.StreamEnded():
                self._finish_request(event.stream_id)
            case h2.events.StreamReset():
                self._forget(event.stream_id)
            case h2.events.ConnectionTerminated():
                self._close()

    def _begin_request(self, event: h2.events.RequestReceived) -> None:
        """Count a request as soon as its head came, whether its end ever comes or not."""
        stream = event.stream_id
        if self._streams >= STREAMS_IN_ALL:
            self._h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
            return
        self._streams += 1
        self._open.add(stream)
        match self._carrier.admit():
            case Admission.DROPPED:
                self.abort()
            case Admission.REFUSED:
                self.respond(stream, TOO_MANY, bodiless=False)
            case _:
                self._incoming[stream] = _Incoming([(name, value) for name, value in event.headers])

    def _add_data(self, event: h2.events.DataReceived) -> None:
        stream = event.stream_id
        self._h2.acknowledge_received_data(event.flow_controlled_length, stream)
        request = self._incoming.get(stream)
        if request is None:
            return
        request.body += event.data
        if len(request.body) > self._carrier.rules.body_bytes:
            del self._incoming[stream]
            self.respond(stream, TOO_LONG, bodiless=False)

    def _finish_request(self, stream: int) -> None:
        incoming = self._incoming.pop(stream, None)
        if incoming is None:
            return
        request = request_of(incoming.fields, bytes(incoming.body))
        if request is None:
            self.respond(stream, NOT_A_REQUEST, bodiless=False)
        else:
            self._carrier.handle(request, Http2Stream(self, stream))

    def _forget(self, stream: int) -> None:
        self._incoming.pop(stream, None)
        self._outgoing.pop(stream, None)
        self._open.discard(stream)

    def _send_bodies(self) -> None:
        """Send what the windows allow; end the connection after its last request."""
        if self._has_ended:
            return
        for stream, body in tuple(self._outgoing.items()):
            try:
                is_sent = self._send_body(stream, body)
            except h2.exceptions.ProtocolError:  # as in ``respond``
                is_sent = True
            if is_sent:
                self._forget(stream)
        if self._streams >= STREAMS_IN_ALL and not self._open:
            self._end(ErrorCodes.NO_ERROR)
        else:
            self._flush()

    def _send_body(self, stream: int, body: _Outgoing) -> bool:
        """Send what the windows allow of one body; whether that was all of it."""
        while body.data and (window := self._h2.local_flow_control_window(stream)) > 0:
            size = min(window, body.most, self._h2.max_outbound_frame_size)
            part, body.data = body.data[:size], body.data[size:]
            self._h2.send_data(stream, part.tobytes(), end_stream=not body.data)
        return not body.data

    def _end(self, code: ErrorCodes) -> None:
        """End the connection with GOAWAY (section 6.8)."""
        self._h2.close_connection(code)
        self._flush()
        self._close()

    def _close(self) -> None:
        self._has_ended = True
        self._carrier.close()

    def _flush(self) -> None:
        if due := self._h2.data_to_send():
            self._carrier.send(due)


@dataclass(frozen=True, slots=True)
class Http2Stream:
    """One stream, to which a request is answered."""

    session: Http2Session
    number: int

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page; nothing happens if the stream or the connection has ended."""
        self.session.respond(self.number, page, bodiless=bodiless)

    def abort(self) -> None:
        """Close the whole connection immediately."""
        self.session.abort()


def request_of(fields: Fields, body: bytes) -> Request | None:
    """Return the request that fields and a body make; None without a method or a path.

    Cookies in several fields are joined (RFC 9113 section 8.2.3). Of other fields with one name
    the last counts, as in HTTP/1.1.
    """
    headers: dict[str, str] = {}
    pseudo: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name.startswith(":"):
            pseudo[name] = value
        elif name == "cookie" and name in headers:
            headers[name] += f"; {value}"
        elif name not in CONNECTION_HEADERS:
            headers[name] = value
    method, path = pseudo.get(":method", ""), pseudo.get(":path", "")
    if not method or method == "CONNECT" or not path.startswith("/"):
        return None
    if pseudo.get(":authority"):
        headers["host"] = pseudo[":authority"]
    return Request(
        method=method,
        target=path,
        headers=headers,
        lines=tuple(f"{name}: {value}".encode("latin-1") for name, value in headers.items()),
        body=body,
    )


def _interim_head(page: Page) -> list[tuple[str, str]]:
    """Return the fields of the interim response 103 before a page (RFC 8297)."""
    hints = [(name.lower(), value) for name, value in page.hints]
    return [(":status", str(HTTPStatus.EARLY_HINTS.value)), *hints]


def _head_of(page: Page, server: str) -> list[tuple[str, str]]:
    """Return the fields of a response's head: those of HTTP/1.1 that mean something here."""
    fields = [(":status", str(page.status)), ("server", server)]
    if page.content_type:
        fields.append(("content-type", page.content_type))
    if not page.chunk:
        fields.append(("content-length", str(len(page.body))))
    own = [(name.lower(), value) for name, value in page.headers]
    if "cache-control" not in dict(own):
        fields.append(("cache-control", "no-store"))
    return fields + [each for each in own if each[0] not in CONNECTION_HEADERS]
