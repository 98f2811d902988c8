"""Exchanges on a byte stream of their own: by a WebSocket, second on a kept connection, or others.

``FirstOverStream`` sends the first request of a visit like this; redirects from there are fetched
as usual. Responses are parsed by h11.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from urllib.parse import urlsplit

import h11
from msgspec.structs import replace

from harness.ports.network import Exchange, Line, Request
from harness.ports.streams import ByteStream, Dialled, DialRequest, DialsStreams, Opened
from probes.net.direct_line import MIN_PATIENCE, invalid_request
from probes.net.exchange_recorder import (
    HEAD_BYTES,
    ExchangeRecorder,
    Head,
    Headers,
    header_text,
    write_head,
)
from probes.net.url_target import UrlTarget, parse_url_target
from probes.net.websocket import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    SWITCHING,
    TEXT,
    VERSION,
    Messages,
    accept_of,
    closing,
    frame,
    new_key,
)

SHARE = 0.5
"""The part of a request's time after which a kept connection is given up for a new one."""

FirstRequest = Callable[[Line, Request], Awaitable[Exchange]]
"""Sends a request over a line, in a way of its own."""


class FirstOverStream:
    """Sends the first request as ``send`` does, and all others as the line does."""

    def __init__(self, line: Line, send: FirstRequest) -> None:
        self._line = line
        self._send: FirstRequest | None = send

    async def fetch(self, request: Request) -> Exchange:
        """Send a request; network trouble is in the Exchange, never raised."""
        send, self._send = self._send, None
        return await (send(self._line, request) if send else self._line.fetch(request))


def by_websocket(message: bytes = b"") -> FirstRequest:
    """Return how a WebSocket is opened, and ``message`` sent as text, if there is any.

    The body of the Exchange is the first message that comes back. Another answer than an accepted
    WebSocket, such as a block page, is recorded like any.
    """

    async def send(line: Line, request: Request) -> Exchange:
        key = new_key()
        asked = replace(request, headers=_websocket_headers(request, key))

        async def talk(opened: ByteStream, recorder: ExchangeRecorder) -> None:
            stream = HttpStream(opened)
            await stream.write(stream.request(asked))
            await stream.read_answer(recorder)
            if recorder.head is None or recorder.head.status != SWITCHING:
                return
            if recorder.head.header("sec-websocket-accept") != accept_of(key):
                raise ValueError("the WebSocket was accepted with a wrong key")
            if message:
                await stream.write(frame(TEXT, message, masked=True))
            recorder.body += await stream.read_message(recorder.limit)

        return await _over_stream(line, asked, talk)

    return send


def by_kept_connection(first: str, *, pipelined: bool = False) -> FirstRequest:
    """Return how a request is sent second on a connection, after one for the path ``first``.

    ``pipelined``: both are sent at once (RFC 9112 section 9.3.2). Where no second answer comes, the
    request is sent on a new connection, as clients do.
    """

    async def send(line: Line, request: Request) -> Exchange:
        async def talk(opened: ByteStream, recorder: ExchangeRecorder) -> None:
            stream, before = HttpStream(opened), parse_url_target(request.url)
            clean = f"{before.scheme}://{before.authority}{first}"
            await stream.write(stream.request(replace(request, url=clean)))
            second = _head_of(request)
            if pipelined:
                await stream.write(second)
            await stream.read_answer(ExchangeRecorder(recorder.limit))
            stream.next_request(request)
            if not pipelined:
                await stream.write(second)
            await stream.read_answer(recorder)

        started = perf_counter()
        within = replace(request, timeout=request.timeout * SHARE)
        exchange = await _over_stream(line, within, talk)
        if exchange.status is not None:
            return replace(exchange, kept=True)
        if not isinstance(line, DialsStreams):
            return exchange
        remaining = max(request.timeout - (perf_counter() - started), MIN_PATIENCE)
        return await line.fetch(replace(request, timeout=remaining))

    return send


class HttpStream:
    """A client's side of HTTP/1.1 over a byte stream, and of a WebSocket that is opened there."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
        self._has_ended = False

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises OSError."""
        await self._stream.write(data)

    def request(self, request: Request) -> bytes:
        """Return the bytes of a request without a body, whose answer is read next."""
        target = parse_url_target(request.url)
        headers = [("Host", target.authority), *request.headers]
        self._parser.send(h11.Request(method="GET", target=target.path, headers=headers))
        self._parser.send(h11.EndOfMessage())
        return _head_of(request)

    def next_request(self, request: Request) -> None:
        """Expect the answer to another request. Raises EOFError if the connection is not kept."""
        try:
            self._parser.start_next_cycle()
        except h11.LocalProtocolError:
            raise EOFError("the connection was not kept open") from None
        self.request(request)

    async def read_answer(self, recorder: ExchangeRecorder) -> None:
        """Read an answer into a recorder. Raises OSError, EOFError, or ValueError if invalid."""
        while True:
            event = await self._next_event()
            match event:
                case h11.Response() | h11.InformationalResponse(status_code=101):
                    named = ((header_text(name), header_text(text)) for name, text in event.headers)
                    recorder.head = Head(status=event.status_code, headers=tuple(named))
                case h11.Data():
                    recorder.body += event.data
            ends = isinstance(event, h11.EndOfMessage) or event is h11.PAUSED
            if ends or len(recorder.body) > recorder.limit:
                return

    async def read_message(self, limit: int) -> bytes:
        """Return the first message of a WebSocket, and close it.

        Raises OSError, EOFError if it was closed without one, ValueError for invalid frames.
        """
        messages = Messages(limit)
        data, _ = self._parser.trailing_data
        while True:
            for opcode, payload in messages.feed(data):
                if opcode in (TEXT, BINARY):
                    await self._stream.write(closing(masked=True))
                    return payload
                if opcode == CLOSE:
                    raise EOFError(f"the WebSocket was closed: {_reason_of(payload)}")
                if opcode == PING:
                    await self._stream.write(frame(PONG, payload, masked=True))
            data = await self._stream.read()
            if not data:
                raise EOFError("the WebSocket ended without a message")

    async def _next_event(self) -> object:
        """Return the next event of h11; PAUSED where a WebSocket begins."""
        while (event := self._parsed()) is h11.NEED_DATA:
            data = await self._stream.read()
            self._has_ended = not data
            self._parser.receive_data(data)
        return event

    def _parsed(self) -> object:
        try:
            return self._parser.next_event()
        except h11.RemoteProtocolError as error:
            if self._has_ended:
                raise EOFError(str(error)) from None
            raise ValueError(str(error)) from None


Talk = Callable[[ByteStream, ExchangeRecorder], Awaitable[None]]
"""What is said on an open stream; the answer is recorded."""


async def exchange_over(line: DialsStreams, asked: DialRequest, talk: Talk, limit: int) -> Exchange:
    """Open a stream and talk; the result is an exchange like any, of at most ``limit`` bytes.

    Network trouble, and what ``talk`` raises, is in the Exchange.
    """
    started = perf_counter()
    dialled = await line.dial(asked)
    stream = dialled.opened
    if stream is None:
        return refused_exchange(dialled)
    recorder = ExchangeRecorder(limit)
    recorder.stage = "response"
    remaining = max(asked.timeout - (perf_counter() - started), MIN_PATIENCE)
    try:
        async with asyncio.timeout(remaining):
            await talk(stream, recorder)
    except Exception as error:  # noqa: BLE001 - recorded as the failure
        recorder.fail(error)
    finally:
        stream.close()
    return replace(
        recorder.exchange(),
        timings=replace(dialled.timings, total=perf_counter() - started),
        peer=dialled.peer,
        tunnel_status=dialled.tunnel_status,
        certificate=dialled.certificate,
    )


async def _over_stream(line: Line, request: Request, talk: Talk) -> Exchange:
    """Open a stream to the host of a request, and talk."""
    try:
        target = parse_url_target(request.url)
    except ValueError as error:
        return invalid_request(str(error))
    if not isinstance(line, DialsStreams):
        detail = f"line {line.name!r} opens no byte streams, which this item needs"
        return invalid_request(detail)
    return await exchange_over(line, _dial_request(request, target), talk, request.body_bytes)


def _dial_request(request: Request, target: UrlTarget) -> DialRequest:
    secure = target.scheme == "https"
    return replace(dial_request(request, target), secure=secure)


def dial_request(request: Request, target: UrlTarget) -> DialRequest:
    """Return how the far end of a request is dialled."""
    return DialRequest(
        host=target.endpoint.host,
        port=target.endpoint.port,
        timeout=request.timeout,
        address=request.address,
        may_lead=request.may_lead,
    )


def refused_exchange(dialled: Dialled[Opened]) -> Exchange:
    """Return the exchange of what was not opened: the failure, and a proxy's refusal."""
    return Exchange(
        timings=dialled.timings,
        failure=dialled.failure,
        peer=dialled.peer,
        tunnel_status=dialled.tunnel_status,
        headers=dialled.headers,
        body=dialled.body,
        certificate=dialled.certificate,
    )


def _head_of(request: Request) -> bytes:
    target = parse_url_target(request.url)
    return write_head("GET", target.path, [("Host", target.authority), *request.headers])


_OF_PAGES = ("connection", "accept", "priority", "upgrade-insecure-requests", "sec-")
"""Starts of the names of headers that browsers send for a page and not for a WebSocket."""


def _websocket_headers(request: Request, key: str) -> Headers:
    """Return the headers that open a WebSocket from a page of its own host (section 4.1)."""
    parts = urlsplit(request.url)
    kept = (
        (name, value)
        for name, value in request.headers
        if name.lower() in ("accept-encoding", "accept-language")
        or not name.lower().startswith(_OF_PAGES)
    )
    return (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Origin", f"{parts.scheme}://{parts.netloc}"),
        ("Sec-WebSocket-Version", VERSION),
        ("Sec-WebSocket-Key", key),
        *kept,
    )


def _reason_of(payload: bytes) -> str:
    """The code and the reason of a closing frame (section 5.5.1)."""
    return f"{int.from_bytes(payload[:2]) or 'no code'} {payload[2:].decode('utf-8', 'replace')}"
