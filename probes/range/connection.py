"""Server connections of the range: one request, one response, then close.

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
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, Self, cast

import h11

from probes.range.authority import Tls
from probes.range.origin_pages import Page
from probes.range.visitor_limits import Admission, VisitorLimits, VisitorRules
from probes.range.zone import ADDRESS, normalise

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
    """A complete request. ``lines`` are its header lines as received, for forwarding."""

    method: str
    target: str
    headers: dict[str, str]
    lines: tuple[bytes, ...]
    body: bytes = b""

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
        digits = authority.rpartition(":")[2] if ":" in authority else "80"
        return int(digits) if digits.isascii() and digits.isdigit() else 0

    @property
    def path(self) -> str:
        """The path and query, as sent to the origin."""
        if not self.is_absolute:
            return self.target
        path = self.target[7 + len(self.target[7:].partition("/")[0]) :]
        return path or "/"

    def to_origin_form(self) -> bytes:
        """Return the request in origin form, as a proxy forwards it, with ``Connection: close``."""
        forwarded = [
            line for line in self.lines if line.partition(b":")[0].lower() not in _HOP_BY_HOP
        ]
        first = f"{self.method} {self.path} HTTP/1.1".encode("latin-1")
        return b"\r\n".join((first, *forwarded, b"Connection: close", b"", self.body))


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
    )


def _whole_lines(items: Iterable[tuple[bytes, bytes]], length: int) -> tuple[bytes, ...]:
    """Return the header lines; of a body that came in chunks, with its length instead."""
    whole = b"Content-Length", b"%d" % length
    pairs = (whole if one[0].lower() == b"transfer-encoding" else one for one in items)
    return tuple(b"%s: %s" % pair for pair in pairs)


class Abortable(Protocol):
    """A connection that removes itself from its server's collection when it is lost."""

    def abort(self) -> None:
        """Close immediately; no effect before the connection is made."""


async def close_server(server: asyncio.Server, connections: Collection[Abortable]) -> None:
    """Close ``server`` and abort all its ``connections``; returns when none is left."""
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    await asyncio.sleep(0)
    while connections:
        for connection in tuple(connections):
            connection.abort()
        await asyncio.sleep(0)
    server.close()


TOO_MANY = Page(status=429, body=b"Too many requests\n", headers=(("Retry-After", "2"),))


class Visit:
    """One TCP connection under limits: counted, and ended when its time is over.

    ``admission`` says what becomes of its request. A connection beyond the limits is aborted before
    anything is read from it, so that a flood costs no TLS handshakes.
    """

    def __init__(self, limits: VisitorLimits, transport: asyncio.Transport) -> None:
        self._limits = limits
        self.address = peer_address(transport)
        self._is_open = limits.open(self.address)
        self.admission = limits.admit(self.address) if self._is_open else Admission.DROPPED
        self._unused: Admission | None = self.admission
        self._timer: asyncio.TimerHandle | None = None
        if self.admission is Admission.DROPPED:
            transport.abort()
        else:
            self.restart(transport)

    def next_admission(self) -> Admission:
        """Return what becomes of the next question; the first was counted with the connection."""
        admission = self._unused or self._limits.admit(self.address)
        self._unused = None
        return admission

    def restart(self, transport: asyncio.Transport) -> None:
        """Give the connection its full time again."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limits.rules.patience, transport.abort)

    def end(self) -> None:
        """Count the end of the connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._is_open:
            self._is_open = False
            self._limits.close(self.address)


def peer_address(transport: asyncio.BaseTransport) -> str:
    """Return the IP address at the other end; empty if it is gone already."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """Reads one request, over TLS if ``context`` is given; subclasses handle it.

    With ``limits`` it is closed if its network may not have another one, or after its time.
    """

    server = "httpd"

    def __init__(
        self, context: ssl.SSLContext | None = None, limits: VisitorLimits | None = None
    ) -> None:
        self._limits = limits
        self._visit: Visit | None = None
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._tls = Tls(context) if context else None
        self._has_request = False
        self.on_lost: Callable[[Connection], None] = lambda _: None

    @property
    def is_open(self) -> bool:
        """Whether the client is still connected."""
        return self._transport is not None

    @property
    def is_secure(self) -> bool:
        """Whether the connection uses TLS."""
        return self._tls is not None

    def on_request(self, request: Request) -> None:
        """Handle the request."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport, or close it if the limits say so."""
        self._transport = cast("asyncio.Transport", transport)
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
            request = parse_request(
                self._received, self._limits.rules if self._limits else LOOPBACK_RULES
            )
        except MalformedRequestError as reason:
            self._has_request = True
            self.answer(Page(status=reason.status, body=f"{reason}\n".encode()))
            return
        if request is not None:
            self._has_request = True
            if self._visit is not None and self._visit.admission is Admission.REFUSED:
                self.answer(TOO_MANY)
            else:
                self.on_request(request)

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page and close."""
        self.send(_head(page, self.server) + (b"" if bodiless else _sent_body(page)))
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
        self._tls, self._received, self._has_request = Tls(context), bytearray(), False

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

    def _flush(self, tls: Tls) -> None:
        due = tls.outgoing()
        if due and self._transport is not None:
            self._transport.write(due)


class Listener:
    """A listening socket and its connections; a context manager.

    With ``port`` 0 the system chooses one; the attribute ``port`` then has it.
    """

    def __init__(
        self, connect: Callable[[], Connection], address: str = ADDRESS, port: int = 0
    ) -> None:
        self._connect = connect
        self._address = address
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._accept, self._address, self.port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server is not None:
            await close_server(self._server, self._connections)

    def _accept(self) -> Connection:
        connection = self._connect()
        connection.on_lost = self._connections.discard
        self._connections.add(connection)
        return connection


def _head(page: Page, server: str) -> bytes:
    lines = [
        f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}",
        f"Server: {server}",
        *([f"Content-Type: {page.content_type}"] if page.content_type else []),
        "Transfer-Encoding: chunked" if page.chunk else f"Content-Length: {len(page.body)}",
        *([] if "Cache-Control" in dict(page.headers) else ["Cache-Control: no-store"]),
        *(f"{name}: {value}" for name, value in page.headers),
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _sent_body(page: Page) -> bytes:
    """Return the body as it is sent: in chunks, if the page has any (RFC 9112 section 7.1)."""
    if not page.chunk:
        return page.body
    starts = range(0, len(page.body), page.chunk)
    pieces = (page.body[start : start + page.chunk] for start in starts)
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
