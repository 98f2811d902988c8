"""Two streams that are joined in memory."""

from __future__ import annotations

import asyncio
import ssl


class MemoryStream:
    """A stream whose bytes the other one reads."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.other: MemoryStream | None = None
        self.is_closed = False

    async def write(self, data: bytes) -> None:
        assert self.other is not None
        self.other.received.put_nowait(data)

    async def read(self) -> bytes:
        return await self.received.get()

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True
        if self.other is not None:
            self.other.received.put_nowait(b"")


def joined() -> tuple[MemoryStream, MemoryStream]:
    """Return both ends."""
    first, second = MemoryStream(), MemoryStream()
    first.other, second.other = second, first
    return first, second
