"""``BrowserRelay``: an HTTP proxy on loopback that opens a browser's connections over lines.

Each visit of a page has credentials of its own (``VisitConnections``), so that the relay knows over
which line it goes, and no other program of the machine can use it. A request without them, such as
one that the browser makes for its own purposes, is answered with status 407 and goes nowhere. Names
are resolved, addresses checked and proxies asked by the line. TLS is the browser's own.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Self

from harness.model.observation import Failure, Stage
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.net.browser_requests import BrowserRequest, read_request
from probes.net.exchange_recorder import END_OF_HEAD, HEAD_BYTES, failure_of
from probes.net.route import Address

ADDRESS = "127.0.0.1"
REALM = "browser"
MOST_BYTES = 64 * 1024 * 1024
"""Bytes that one visit may receive; a connection that brings more is cut."""
READ_BYTES = 65536
MIN_PATIENCE = 0.001
PROXY_AUTHENTICATION_REQUIRED, BAD_GATEWAY = 407, 502

_CUT = struct.pack("ii", 1, 0)
"""SO_LINGER for a connection that ends with a reset (``socket(7)``)."""
_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
_NO_TLS = Failure(
    name="ssl_failed_handshake",
    stage="tls",
    detail="wrong version: plain text came instead of TLS",
)

Dial = Callable[[DialRequest], Awaitable[Dialled[ByteStream]]]


@dataclass(slots=True, kw_only=True)
class VisitConnections:
    """The connections of one visit. ``deadline`` is a ``perf_counter`` time.

    ``addresses`` are the IP addresses to use for hosts, ``may_lead`` is that of ``DialRequest``.
    ``results`` are what became of dialling, the last of each far end; ``broken`` says how an open
    connection ended, if it was cut. ``silent`` are far ends that sent nothing.
    """

    dial: Dial
    deadline: float
    may_lead: bool = False
    addresses: dict[str, str] = field(default_factory=dict)
    results: dict[Address, Dialled[ByteStream]] = field(default_factory=dict)
    broken: dict[Address, Failure] = field(default_factory=dict)
    silent: set[Address] = field(default_factory=set)
    username: str = field(default_factory=lambda: secrets.token_hex(16))
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    received: int = 0

    async def open(self, request: BrowserRequest) -> Dialled[ByteStream]:
        """Open the connection that a request needs."""
        endpoint = request.endpoint
        dialled = await self.dial(
            DialRequest(
                host=endpoint.host,
                port=endpoint.port,
                timeout=max(self.deadline - perf_counter(), MIN_PATIENCE),
                address=self.addresses.get(endpoint.host, ""),
                may_lead=self.may_lead,
                plain=not request.is_tunnel,
                tunnel_headers=request.tunnel_headers if request.is_tunnel else (),
            )
        )
        self.results[endpoint] = dialled
        self.broken.pop(endpoint, None)
        self.silent.add(endpoint)
        return dialled

    def failure_at(self, endpoint: Address) -> Failure | None:
        """Return why no connection was opened to a far end, or how one ended that was cut."""
        dialled = self.results.get(endpoint)
        failure = dialled.failure if dialled is not None else None
        return failure or self.broken.get(endpoint)

    def count(self, endpoint: Address, data: bytes, *, is_tunnel: bool) -> None:
        """Count received bytes. Raises ConnectionAbortedError if there are too many."""
        if endpoint in self.silent:
            self.silent.discard(endpoint)
            if is_tunnel and data.startswith(b"HTTP/"):
                self.broken[endpoint] = _NO_TLS
        self.received += len(data)
        if self.received > MOST_BYTES:
            raise ConnectionAbortedError


class BrowserRelay:
    """The relay, while its asynchronous context lasts; ``port`` is where it listens."""

    port: int

    def __init__(self) -> None:
        self._visits: dict[str, VisitConnections] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, ADDRESS, 0, limit=HEAD_BYTES)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    @property
    def url(self) -> str:
        """The URL by which a browser uses it as its proxy."""
        return f"http://{ADDRESS}:{self.port}"

    def admit(self, visit: VisitConnections) -> None:
        """Carry the connections of a visit."""
        self._visits[visit.username] = visit

    def dismiss(self, visit: VisitConnections) -> None:
        """Carry no further connections of a visit; its open ones end with its page."""
        self._visits.pop(visit.username, None)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            found = await self._admitted(reader, writer)
            if found is not None:
                await _carry(*found, reader, writer)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # the browser has ended it, or sent no request
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _admitted(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[VisitConnections, BrowserRequest] | None:
        """Read a request with the credentials of a visit, or ask for them and return None."""
        request = read_request(await reader.readuntil(END_OF_HEAD))
        username, password = request.credentials
        visit = self._visits.get(username)
        if visit is not None and secrets.compare_digest(visit.password, password):
            return visit, request
        writer.write(_SIGN_IN)
        await writer.drain()
        return None


_SIGN_IN = (
    f"HTTP/1.1 {PROXY_AUTHENTICATION_REQUIRED} Proxy Authentication Required\r\n"
    f'Proxy-Authenticate: Basic realm="{REALM}"\r\n'
    "Content-Length: 0\r\nProxy-Connection: close\r\n\r\n"
).encode()
"""It closes the connection: on one that was used before, a browser sends a failed request twice."""


async def _carry(
    visit: VisitConnections,
    request: BrowserRequest,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Open the connection that a request needs, and carry bytes both ways until one side ends."""
    dialled = await visit.open(request)
    stream = dialled.opened
    if stream is None:
        if request.is_tunnel:
            writer.write(_refusal(dialled))
            await writer.drain()
        return
    if request.is_tunnel:
        writer.write(_OPEN)
        sending = _send_all(reader, stream)
    else:
        sending = _send_requests(request, dialled, reader, stream)
    receiving = _receive_all(visit, request, stream, writer)
    tasks = {asyncio.create_task(sending), asyncio.create_task(receiving)}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
        stream.close()


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _refusal(dialled: Dialled[ByteStream]) -> bytes:
    """Return the answer to a CONNECT that failed: that of the line's proxy, if it refused.

    The browser shows its own error page for it. It must not take a proxy's status 407 for ours.
    """
    status = dialled.tunnel_status or BAD_GATEWAY
    if status < 300 or status == PROXY_AUTHENTICATION_REQUIRED:  # noqa: PLR2004 - no refusal
        status = BAD_GATEWAY
    head = f"HTTP/1.1 {status} Refused\r\nContent-Length: {len(dialled.body)}\r\n\r\n"
    return head.encode() + dialled.body


async def _send_all(reader: asyncio.StreamReader, stream: ByteStream) -> None:
    while data := await reader.read(READ_BYTES):
        await stream.write(data)


async def _send_requests(
    request: BrowserRequest,
    dialled: Dialled[ByteStream],
    reader: asyncio.StreamReader,
    stream: ByteStream,
) -> None:
    """Send a request, and further ones for the same far end. Raises ValueError for another."""
    endpoint = request.endpoint
    while True:
        if request.endpoint != endpoint or request.is_tunnel or request.body < 0:
            raise ValueError("not on this connection")
        head = request.written(is_proxied=dialled.is_proxied, authorization=dialled.authorization)
        await stream.write(head)
        left = request.body
        while left:
            data = await reader.read(min(left, READ_BYTES))
            if not data:
                return
            await stream.write(data)
            left -= len(data)
        request = read_request(await reader.readuntil(END_OF_HEAD))


async def _receive_all(
    visit: VisitConnections,
    request: BrowserRequest,
    stream: ByteStream,
    writer: asyncio.StreamWriter,
) -> None:
    """Pass on what comes. A connection that was cut is cut towards the browser as well."""
    endpoint = request.endpoint
    try:
        while data := await stream.read():
            visit.count(endpoint, data, is_tunnel=request.is_tunnel)
            writer.write(data)
            await writer.drain()
    except OSError as error:
        visit.broken[endpoint] = failure_of(error, _stage(visit, request))
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
        writer.transport.abort()
        return
    if endpoint in visit.silent:
        detail = "the far end closed without an answer"
        visit.broken[endpoint] = Failure(
            name="eof_error", stage=_stage(visit, request), detail=detail
        )


def _stage(visit: VisitConnections, request: BrowserRequest) -> Stage:
    """Return where a connection ended: in its handshake, if nothing ever came on a tunnel."""
    is_handshake = request.is_tunnel and request.endpoint in visit.silent
    return "tls" if is_handshake else "response"
