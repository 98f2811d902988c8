"""Server connections of the range: one request, one response, then close (or the next, if kept).

``Connection`` reads a request, over TLS if required; subclasses answer it. ``Listener`` owns a
socket and its connections, and ``close_server`` ends both. With ``VisitorLimits`` (a public origin)
connections are counted and their time is limited. Requests are parsed by h11. Responses are written
by hand, because the range must also send broken ones (resets, wrong lengths, bytes that are not
HTTP), which h11 refuses to produce.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import h11

from probes.net.websocket import requested_key
from probes.range.origin_pages import Page, response_head, sent_body
from probes.range.server_tls import ServerTls, Tls
from probes.range.visitor_limits import (
    Admission,
    Visit,
    VisitorLimits,
    VisitorRules,
    peer_address,
)
from probes.range.zone import normalise

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
CHUNK_OVERHEAD = 8  # times longer than a body its chunks may be
LOOPBACK_RULES = VisitorRules(head_bytes=MAX_HEAD_BYTES, body_bytes=MAX_BODY_BYTES)
"""The sizes of requests on loopback."""

_HOP_BY_HOP = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"te", b"upgrade"}
)


class MalformedRequestError(ValueError):
    """A request that cannot be accepted; ``status`` is the status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A complete request. ``lines`` are its header lines as received, for forwarding.

    ``rest`` is what was received after it, ``version`` that of HTTP.
    """

    method: str
    target: str
    headers: dict[str, str]
    lines: tuple[bytes, ...]
    body: bytes = b""
    rest: bytes = b""
    version: str = "1.1"

    @property
    def websocket_key(self) -> str:
        """The key of a request for a WebSocket (RFC 6455 section 4.1); empty for all others."""
        return requested_key(self.headers)

    @property
    def host(self) -> str:
        """The requested host: of the target if it has one, else of the Host header."""
        if self.method == "CONNECT":
            return normalise(self.target)
        if self.is_absolute:
            return normalise(self.authority)
        return normalise(self.headers.get("host", ""))

    @property
    def is_absolute(self) -> bool:
        """Whether the target is in absolute form, as for a proxy (RFC 9112 section 3.2.2)."""
        return self.target[:7].lower() == "http://"

    @property
    def authority(self) -> str:
        """Host and port of an absolute target, without user information; else empty."""
        if not self.is_absolute:
            return ""
        rest = self.target[7:].partition("/")[0].partition("?")[0]
        return rest.rpartition("@")[2]

    @property
    def port(self) -> int:
        """The port that a proxy is asked to connect to; 0 if it is not a number."""
        authority = self.target if self.method == "CONNECT" else self.authority
        named = authority.rpartition("]")[2] if authority.startswith("[") else authority
        digits = named.rpartition(":")[2] if ":" in named else "80"
        return int(digits) if digits.isascii() and digits.isdigit() else 0

    @property
    def path(self) -> str:
        """The path and query, as sent to the origin."""
        if not self.is_absolute:
            return self.target
        path = self.target[7 + len(self.target[7:].partition("/")[0]) :]
        return path or "/"

    def to_origin_form(self) -> bytes:
        """Return the request in origin form, as a proxy forwards it: the last on its connection.

        Its Host is that of an absolute target (RFC 9112 section 3.2.2).
        """
        forwarded = [
            line for line in self.lines if line.partition(b":")[0].lower() not in _HOP_BY_HOP
        ]
        if self.is_absolute:
            host = b"Host: " + self.authority.encode("latin-1")
            others = (line for line in forwarded if line.partition(b":")[0].lower() != b"host")
            forwarded = [host, *others]
        first = f"{self.method} {self.path} HTTP/1.1".encode("latin-1")
        is_last = b"Connection: close"
        if self.websocket_key:
            is_last = b"Connection: Upgrade\r\nUpgrade: websocket"
        return b"\r\n".join((first, *forwarded, is_last, b"", self.body))


def parse_request(
    received: bytes | bytearray, rules: VisitorRules = LOOPBACK_RULES
) -> Request | None:
    """Parse the request at the start; None while incomplete. Raises MalformedRequestError."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=rules.head_bytes)
    parser.receive_data(bytes(received))
    body = b""
    try:
        head = parser.next_event()
        if not isinstance(head, h11.Request):
            return None
        if len(received) - len(parser.trailing_data[0]) > rules.head_bytes:
            raise MalformedRequestError(431, "the request's header is too long")
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        length = int(headers.get("content-length", "0"))
        while length <= rules.body_bytes and isinstance(event := parser.next_event(), h11.Data):
            body += event.data
            length = max(length, len(body))
        if max(length, len(received) // CHUNK_OVERHEAD) > rules.body_bytes:
            raise MalformedRequestError(413, "the request body is too long")
    except h11.RemoteProtocolError as error:
        raise MalformedRequestError(error.error_status_hint, str(error)) from None
    if not isinstance(event, h11.EndOfMessage):
        return None
    return Request(
        method=head.method.decode(),
        target=head.target.decode(),
        headers=headers,
        lines=_whole_lines(head.headers.raw_items(), len(body)),
        body=body,
        rest=parser.trailing_data[0],
        version=head.http_version.decode(),
    )


def _whole_lines(items: Iterable[tuple[bytes, bytes]], length: int) -> tuple[bytes, ...]:
    """Return the header lines; of a body that came in chunks, with its length instead."""
    pairs = list(items)
    if any(name.lower() == b"transfer-encoding" for name, _ in pairs):
        pairs = [one for one in pairs if one[0].lower() != b"content-length"]
    whole = b"Content-Length", b"%d" % length
    pairs = [whole if one[0].lower() == b"transfer-encoding" else one for one in pairs]
    return tuple(b"%s: %s" % pair for pair in pairs)


TOO_MANY = Page(status=429, body=b"Too many requests\n", headers=(("Retry-After", "2"),))


RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """Reads one request, over TLS if ``context`` is given; subclasses handle it.

    With ``limits`` it is closed if its network may not have another one, or after its time.
    ``client`` is the client's IP address.
    """

    server = "httpd"

    def __init__(
        self, context: ssl.SSLContext | None = None, limits: VisitorLimits | None = None
    ) -> None:
        self._limits = limits
        self._visit: Visit | None = None
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._tls: ServerTls | None = Tls(context) if context else None
        self._has_request = False
        self.client = ""
        self.on_lost: Callable[[Connection], None] = lambda _: None

    @property
    def is_open(self) -> bool:
        """Whether the client is still connected."""
        return self._transport is not None

    @property
    def is_secure(self) -> bool:
        """Whether the connection uses TLS."""
        return self._tls is not None

    @property
    def rules(self) -> VisitorRules:
        """The sizes of requests that are accepted."""
        return self._limits.rules if self._limits else LOOPBACK_RULES

    def on_request(self, request: Request) -> None:
        """Handle the request."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport, or close it if the limits say so."""
        self._transport = cast("asyncio.Transport", transport)
        self.client = peer_address(transport)
        if self._limits is not None:
            self._visit = Visit(self._limits, self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the transport, and tell the listener."""
        del exc
        self._transport = None
        if self._visit is not None:
            self._visit.end()
        self.on_lost(self)

    def data_received(self, data: bytes) -> None:
        """Pass received data on, decrypted if it came over TLS."""
        if self._tls is None:
            self.on_bytes(data)
            return
        try:
            data = self._tls.receive(data)
        except ssl.SSLError:
            self._flush(self._tls)  # the alert
            self.close_socket()
            return
        self._flush(self._tls)
        if data:
            self.on_bytes(data)

    def on_bytes(self, data: bytes) -> None:
        """Collect plaintext until the request is complete."""
        if self._has_request:
            return
        self._received += data
        try:
            request = self.read_request()
        except MalformedRequestError as reason:
            self._has_request = True
            self.answer(Page(status=reason.status, body=f"{reason}\n".encode()))
            return
        if request is not None:
            self._has_request = True
            self._admit(request)

    def read_request(self) -> Request | None:
        """Read the request that has come; None while incomplete. Raises MalformedRequestError."""
        return parse_request(self._received, self.rules)

    def _admit(self, request: Request) -> None:
        """Handle a request, unless the limits allow no more of them."""
        admission = self._visit.next_admission() if self._visit else Admission.SERVED
        if admission is Admission.SERVED:
            self.on_request(request)
        elif admission is Admission.REFUSED:
            self.answer(TOO_MANY)
        else:
            self.abort()

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page, and close unless something more is to come."""
        self.send(response_head(page, self.server) + (b"" if bodiless else sent_body(page)))
        if not page.keeps and page.reply is None:
            self.close()

    def send(self, data: bytes) -> None:
        """Send bytes, if the client is still connected."""
        if self._transport is None:
            return
        if self._tls is None:
            self._transport.write(data)
        else:
            self._tls.send(data)
            self._flush(self._tls)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS from the next byte on, and read another request."""
        self._tls = Tls(context)
        self.read_next()

    def read_next(self, rest: bytes = b"") -> None:
        """Read another request, of which ``rest`` has come already."""
        self._received, self._has_request = bytearray(), False
        if rest:
            self.on_bytes(rest)

    def close(self) -> None:
        """Close in order after all data was sent, with close_notify if over TLS."""
        if self._tls is not None:
            self._tls.close()
            self._flush(self._tls)
        self.close_socket()

    def close_socket(self) -> None:
        """Close the socket after all data was sent (FIN)."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Close with a TCP reset (RFC 9293 section 3.10.5)."""
        if self._transport is not None:
            opened: socket.socket = self._transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._transport.abort()

    def abort(self) -> None:
        """Close immediately, discarding unsent data."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self, tls: ServerTls) -> None:
        due = tls.outgoing()
        if due and self._transport is not None:
            self._transport.write(due)
