"""``PushedStream``: a byte stream over a server's ``Connection``, for code that reads."""

from __future__ import annotations

import asyncio

from probes.range.connection import Connection


class PushedStream:
    """What a connection receives, to be read; what is written is sent by the connection.

    ``feed`` takes received bytes, and nothing (b"") once the client has closed.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._received: asyncio.Queue[bytes] = asyncio.Queue()

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._received.put_nowait(data)

    async def read(self) -> bytes:
        """Return received bytes, or b'' if the client has closed."""
        return await self._received.get()

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        self._connection.send(data)

    async def start_tls(self, trust: object, host: str) -> None:
        """Not offered: a server's connection has its own TLS."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection after all data was sent."""
        if self._connection.is_open:
            self._connection.close()
