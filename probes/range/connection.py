"""A connection that reads one request and gives one answer, and the listener that owns it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Self, cast

from probes.range.origin_pages import Page
from probes.range.request import Request, Unreadable, read
from probes.range.server_shutdown import shut
from probes.range.tls import Tls
from probes.range.zone import ADDRESS

_NO_LINGER = struct.pack("ii", 1, 0)


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
            request = read(self._received)
        except Unreadable as reason:
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
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
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
            await shut(self._server, self._connections)

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
