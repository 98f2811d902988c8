"""A connection that reads one request and gives one answer, and the listener that owns it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, Self, cast

import h11

from probes.range.authority import Tls
from probes.range.origin_pages import Page
from probes.range.zone import ADDRESS, normalise

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024

_HOP_BY_HOP = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"te", b"upgrade"}
)


class MalformedRequestError(ValueError):
    """A request that is not HTTP/1.1; ``status`` is what to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A whole request. ``lines`` are its header lines as they came, for a proxy to pass on."""

    method: str
    target: str
    headers: dict[str, str]
    lines: tuple[bytes, ...]
    body: bytes = b""

    @property
    def host(self) -> str:
        """The host that is asked for: of the target if it names one, else of the Host line."""
        if self.method == "CONNECT":
            return normalise(self.target)
        if self.is_absolute:
            return normalise(self.authority)
        return normalise(self.headers.get("host", ""))

    @property
    def is_absolute(self) -> bool:
        """Whether the target is a whole URL, as a proxy is asked (RFC 9112 section 3.2.2)."""
        return self.target[:7].lower() == "http://"

    @property
    def authority(self) -> str:
        """Host and port of an absolute target, without a user's name."""
        rest = self.target[7:].partition("/")[0].partition("?")[0]
        return rest.rpartition("@")[2]

    @property
    def port(self) -> int:
        """The port that a proxy is asked to reach; 0 if it is no number."""
        authority = self.target if self.method == "CONNECT" else self.authority
        digits = authority.rpartition(":")[2] if ":" in authority else "80"
        return int(digits) if digits.isascii() and digits.isdigit() else 0

    @property
    def path(self) -> str:
        """The path and query, as the origin sees them."""
        if not self.is_absolute:
            return self.target
        path = self.target[7 + len(self.target[7:].partition("/")[0]) :]
        return path or "/"

    def to_origin_form(self) -> bytes:
        """The request as a proxy sends it to the origin, for one answer only."""
        kept = [line for line in self.lines if line.partition(b":")[0].lower() not in _HOP_BY_HOP]
        first = f"{self.method} {self.path} HTTP/1.1".encode("latin-1")
        return b"\r\n".join((first, *kept, b"Connection: close", b"", self.body))


def parse_request(received: bytes | bytearray) -> Request | None:
    """Parse the request at the start of ``received``; None while it is incomplete.

    Raises MalformedRequestError with the status to answer.
    """
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    parser.receive_data(bytes(received))
    body = b""
    try:
        head = parser.next_event()
        if not isinstance(head, h11.Request):
            return None
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        _check_length(headers)
        while isinstance(event := parser.next_event(), h11.Data):
            body += event.data
    except h11.RemoteProtocolError as error:
        raise MalformedRequestError(error.error_status_hint, str(error)) from None
    if not isinstance(event, h11.EndOfMessage):
        return None
    return Request(
        method=head.method.decode(),
        target=head.target.decode(),
        headers=headers,
        lines=tuple(b"%s: %s" % pair for pair in head.headers.raw_items()),
        body=body,
    )


def _check_length(headers: dict[str, str]) -> None:
    """Refuse chunked bodies, which a proxy here could not forward, and very long ones."""
    if "transfer-encoding" in headers:
        raise MalformedRequestError(411, "the request has no Content-Length")
    if int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
        raise MalformedRequestError(413, "the request body is too long")


class Abortable(Protocol):
    """A connection that takes itself out of its server's collection when it is lost."""

    def abort(self) -> None:
        """End at once; nothing happens before it has begun."""


async def close_server(server: asyncio.Server, guests: Collection[Abortable]) -> None:
    """Close ``server`` and end all its ``guests``; returns when none is left."""
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    await asyncio.sleep(0)
    while guests:
        for guest in tuple(guests):
            guest.abort()
        await asyncio.sleep(0)
    server.close()


RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """Reads one request, over TLS if asked; what to do with it is for subclasses to say."""

    server = "httpd"

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._tls = Tls(context) if context else None
        self._is_asked = False
        self.on_lost: Callable[[Connection], None] = lambda _: None

    @property
    def is_open(self) -> bool:
        """Whether the client is still there."""
        return self._transport is not None

    @property
    def is_secure(self) -> bool:
        """Whether the client speaks TLS with us."""
        return self._tls is not None

    def on_request(self, request: Request) -> None:
        """Act on the one request of this connection."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the client."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        del exc
        self._transport = None
        self.on_lost(self)

    def data_received(self, data: bytes) -> None:
        """Collect the request, deciphering it first where it came over TLS."""
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
        """Take bytes in the clear until they make a request."""
        if self._is_asked:
            return
        self._received += data
        try:
            request = parse_request(self._received)
        except MalformedRequestError as reason:
            self._is_asked = True
            self.answer(Page(status=reason.status, body=f"{reason}\n".encode()))
            return
        if request is not None:
            self._is_asked = True
            self.on_request(request)

    def answer(self, page: Page, *, bodiless: bool = False) -> None:
        """Send a page, and close."""
        self.send(_head(page, self.server) + (b"" if bodiless else page.body))
        self.close()

    def send(self, data: bytes) -> None:
        """Send bytes, if the client is still there."""
        if self._transport is None:
            return
        if self._tls is None:
            self._transport.write(data)
        else:
            self._tls.send(data)
            self._flush(self._tls)

    def close(self) -> None:
        """End the connection in good order, after what was sent."""
        if self._tls is not None:
            self._tls.close()
            self._flush(self._tls)
        self.close_socket()

    def close_socket(self) -> None:
        """End the connection after what was sent: the client reads an end of file."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """End the connection with a TCP reset (RFC 9293 section 3.10.5)."""
        if self._transport is not None:
            opened: socket.socket = self._transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._transport.abort()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self, tls: Tls) -> None:
        due = tls.outgoing()
        if due and self._transport is not None:
            self._transport.write(due)


class Listener:
    """A listening socket on loopback, and all its connections; a context manager.

    Without ``port`` the system gives one; ``port`` says which one it is.
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
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page.body)}",
        "Cache-Control: no-store",
        *(f"{name}: {value}" for name, value in page.headers),
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
