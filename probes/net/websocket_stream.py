"""The messages of an accepted WebSocket as a byte stream (RFC 6455)."""

from __future__ import annotations

import ssl

from harness.ports.streams import ByteStream
from probes.net.websocket import BINARY, CLOSE, PING, PONG, TEXT, Messages, closing, frame


class WebSocketStream:
    """The client's side: each write is a message, each read gives one of at most ``limit`` bytes.

    ``unread`` was received before. Raises ValueError for invalid frames.
    """

    def __init__(self, stream: ByteStream, limit: int, unread: bytes = b"") -> None:
        self._stream = stream
        self._messages = Messages(limit)
        self._complete = self._messages.feed(unread)
        self._has_ended = False

    async def write(self, data: bytes) -> None:
        """Send a binary message. Raises OSError."""
        await self._stream.write(frame(BINARY, data, masked=True))

    async def read(self) -> bytes:
        """Return the next message; nothing at the end. Raises OSError, ValueError."""
        while not self._has_ended:
            while self._complete:
                opcode, payload = self._complete.pop(0)
                if opcode in (TEXT, BINARY) and payload:
                    return payload
                if opcode == PING:
                    await self._stream.write(frame(PONG, payload, masked=True))
                if opcode == CLOSE:
                    self._has_ended = True
                    await self._stream.write(closing(masked=True))
                    return b""
            data = await self._stream.read()
            self._has_ended = not data
            self._complete += self._messages.feed(data)
        return b""

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        """Raise OSError: TLS inside a WebSocket is not offered."""
        del trust, host
        raise OSError("TLS inside a WebSocket is not offered")

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
