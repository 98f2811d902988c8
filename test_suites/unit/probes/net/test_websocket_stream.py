"""Each message of a WebSocket is a part of a byte stream, until the other side closes."""

from __future__ import annotations

import ssl

import pytest

from probes.net.websocket import BINARY, CLOSE, PING, PONG, TEXT, Messages, closing, frame
from probes.net.websocket_stream import WebSocketStream


class Pieces:
    """A stream that gives these pieces, and then has ended; keeps what is written."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.written = b""
        self.is_closed = False

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def write(self, data: bytes) -> None:
        self.written += data

    async def start_tls(self, trust: object, host: str) -> None: ...

    def close(self) -> None:
        self.is_closed = True


async def test_messages_are_read_one_by_one_and_pings_are_answered() -> None:
    far = Pieces(frame(PING, b"p") + frame(BINARY, b""), frame(BINARY, b"two") + closing())
    socket = WebSocketStream(far, 100, frame(TEXT, b"one"))

    assert [await socket.read() for _ in range(4)] == [b"one", b"two", b"", b""]
    assert Messages(100).feed(far.written) == [(PONG, b"p"), (CLOSE, b"\x03\xe8")]


async def test_the_end_of_the_connection_is_the_end_of_the_messages() -> None:
    socket = WebSocketStream(Pieces(frame(BINARY, b"one")[:-1]), 100)

    assert await socket.read() == b""


async def test_what_is_written_is_a_masked_message() -> None:
    far = Pieces()
    socket = WebSocketStream(far, 100)
    await socket.write(b"hello")
    socket.close()

    assert far.written[1] & 0x80
    assert Messages(100).feed(far.written) == [(BINARY, b"hello")]
    assert far.is_closed


async def test_messages_that_are_too_long_are_invalid() -> None:
    with pytest.raises(ValueError, match="too long"):
        await WebSocketStream(Pieces(frame(BINARY, b"x" * 101)), 100).read()


async def test_no_tls_begins_inside() -> None:
    with pytest.raises(OSError, match="not offered"):
        await WebSocketStream(Pieces(), 100).start_tls(ssl.create_default_context(), "x")
