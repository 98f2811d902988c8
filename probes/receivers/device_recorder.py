"""Record how a device asks for a page: its ClientHello, its HTTP/2 settings, and its headers.

``RecorderServer`` listens at one port, with TLS and without it: the first byte of a connection
tells which. It answers every request with a short page. ``recording_of`` joins what came into a
recording. Cookies and what else belongs to one visit are never kept.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import msgspec

from probes.net.client_hello import HANDSHAKE, hello_body, read_hello
from probes.net.device_recording import (
    OF_ONE_VISIT,
    DeviceRecording,
    Pairs,
    RecordedHello,
    RecordedHttp2,
)
from probes.net.tls_facts import is_complete
from probes.range.server_tls import Tls

MOST_BYTES = 1 << 18
"""The most bytes that are read of a connection."""
MOST_CONNECTIONS = 64
"""The most connections at one time."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_END = b"\r\n\r\n"
ALPN = ["h2", "http/1.1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request of a device; ``hello`` is None without TLS, ``http2`` without HTTP/2."""

    path: str
    headers: Pairs
    hello: RecordedHello | None = None
    http2: RecordedHttp2 | None = None


Keep = Callable[[SeenRequest], None]
"""Takes a request that was read."""


class RecorderServer:
    """Listens while its context lasts; ``port`` is the one that it listens at.

    ``context`` has the certificate. ``page`` makes the page from the port, as HTML; every request
    is answered with it. Raises OSError if the address cannot be used.
    """

    def __init__(
        self,
        address: str,
        port: int,
        context: ssl.SSLContext,
        keep: Keep,
        page: Callable[[int], str],
    ) -> None:
        self._address, self.port = address, port
        self._context, self._keep, self._page = context, keep, page
        self._open: set[_RecordedConnection] = set()
        context.set_alpn_protocols(ALPN)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._address, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for one in tuple(self._open):
            one.end()
        await self._server.wait_closed()

    def _connection(self) -> _RecordedConnection:
        page = self._page(self.port).encode()
        return _RecordedConnection(self._context, self._keep, page, self._open)


class _RecordedConnection(asyncio.Protocol):
    """One connection of a device. What is not understood ends it."""

    def __init__(
        self,
        context: ssl.SSLContext,
        keep: Keep,
        page: bytes,
        all_open: set[_RecordedConnection],
    ) -> None:
        self._context, self._keep, self._page, self._all_open = context, keep, page, all_open
        self._transport: asyncio.Transport | None = None
        self._first = bytearray()
        self._is_plain = False
        self._plain = bytearray()
        self._read = 0
        self._tls: Tls | None = None
        self._hello: RecordedHello | None = None
        self._http2: _Http2Reader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; end the connection if there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._all_open.add(self)
        if len(self._all_open) > MOST_CONNECTIONS:
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        del exc
        self._transport = None
        self._all_open.discard(self)

    def end(self) -> None:
        """Close the connection without waiting."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Process what came; end the connection at what is not understood, or too much."""
        self._read += len(data)
        if self._read > MOST_BYTES:
            self.end()
            return
        try:
            self._on_plain(self._decrypted(data))
            self._flush()
        except (ValueError, ssl.SSLError, h2.exceptions.ProtocolError):
            self.end()

    def _decrypted(self, data: bytes) -> bytes:
        """Return what came without TLS; nothing while a ClientHello is incomplete."""
        if self._tls is not None:
            return self._tls.receive(data)
        if self._is_plain:
            return data
        self._first += data
        self._is_plain = self._first[0] != HANDSHAKE
        if self._is_plain:
            return bytes(self._first)
        if not is_complete(bytes(self._first)):
            return b""
        self._hello = RecordedHello.of(read_hello(hello_body(bytes(self._first))))
        self._tls = Tls(self._context)
        return self._tls.receive(bytes(self._first))

    def _on_plain(self, data: bytes) -> None:
        if self._http2 is not None:
            self._send(self._http2.receive(data, self._keep))
            return
        self._plain += data
        start = bytes(self._plain[: len(PREFACE)])
        if self._tls is not None and start and PREFACE.startswith(start):
            if start == PREFACE:
                assert self._hello is not None, "TLS began with it"
                self._http2 = _Http2Reader(self._hello, self._page)
                self._send(self._http2.receive(bytes(self._plain), self._keep))
        elif HEAD_END in self._plain:
            self._answer_http1(bytes(self._plain))

    def _answer_http1(self, received: bytes) -> None:
        first, *lines = received.partition(HEAD_END)[0].decode("latin-1").split("\r\n")
        path = first.split(" ")[1] if first.count(" ") == 2 else ""  # noqa: PLR2004 - a request line
        pairs = (line.partition(":") for line in lines if ":" in line)
        headers = _kept((name, value.strip()) for name, _, value in pairs)
        self._keep(SeenRequest(path=path, headers=headers, hello=self._hello))
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
            f"Content-Length: {len(self._page)}\r\nConnection: close\r\n\r\n"
        )
        self._send(head.encode() + self._page)
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _send(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.send(data)
        elif self._transport is not None:
            self._transport.write(data)

    def _flush(self) -> None:
        if self._tls is not None and self._transport is not None:
            self._transport.write(self._tls.outgoing())


class _Http2Reader:
    """The server's side of one HTTP/2 connection, which notes how the client begins it."""

    def __init__(self, hello: RecordedHello, page: bytes) -> None:
        self._hello, self._page = hello, page
        self._seen = RecordedHttp2()
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=False, header_encoding="latin-1", validate_inbound_headers=False,
                normalize_inbound_headers=False,
            )
        )  # fmt: skip
        self._h2.initiate_connection()

    def receive(self, data: bytes, keep: Keep) -> bytes:
        """Process received bytes; return those to send. Raises h2's ProtocolError."""
        for event in self._h2.receive_data(data):
            match event:
                case h2.events.RemoteSettingsChanged() if not self._seen.settings:
                    pairs = (
                        (int(name), each.new_value) for name, each in event.changed_settings.items()
                    )
                    self._seen = msgspec.structs.replace(self._seen, settings=tuple(pairs))
                case h2.events.WindowUpdated(stream_id=0) if not self._seen.window:
                    self._seen = msgspec.structs.replace(self._seen, window=event.delta)
                case h2.events.RequestReceived():
                    self._on_request(event, keep)
        return self._h2.data_to_send()

    def _on_request(self, event: h2.events.RequestReceived, keep: Keep) -> None:
        fields = [(str(name), str(value)) for name, value in event.headers or ()]
        order = "".join(name[1] for name, _ in fields if name.startswith(":"))
        priority = event.priority_updated
        http2 = msgspec.structs.replace(
            self._seen,
            fields=order,
            weight=(priority.weight or 0) if priority is not None else 0,
            is_exclusive=bool(priority.exclusive) if priority is not None else False,
        )
        headers = _kept(pair for pair in fields if not pair[0].startswith(":"))
        path = dict(fields).get(":path", "")
        keep(SeenRequest(path=path, headers=headers, hello=self._hello, http2=http2))
        stream = event.stream_id
        assert stream is not None, "a request has a stream"
        head = [(":status", "200"), ("content-type", "text/html; charset=utf-8")]
        self._h2.send_headers(stream, head)
        self._h2.send_data(stream, self._page, end_stream=True)


def _kept(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Return the headers of a device; none with control characters, which no browser sends."""
    return tuple(
        (name, value)
        for name, value in pairs
        if name.lower() not in OF_ONE_VISIT and f"{name}{value}".isprintable()
    )


def recording_of(name: str, day: str, seen: Sequence[SeenRequest]) -> DeviceRecording | None:
    """Join the requests for pages of one device; None if none came over TLS.

    The last of each kind counts: the first may be that of a browser which does not trust the
    certificate yet.
    """
    pages = [one for one in seen if one.path == "/"]
    secure = next((one for one in reversed(pages) if one.hello is not None), None)
    plain = next((one for one in reversed(pages) if one.hello is None), None)
    if secure is None or secure.hello is None:
        return None
    return DeviceRecording(
        name=name,
        recorded=day,
        hello=secure.hello,
        http2=secure.http2,
        headers=secure.headers,
        plain_headers=plain.headers if plain is not None else (),
    )
