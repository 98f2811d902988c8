"""Hands a connection that we have opened to a client that can only open its own.

The client connects to a Unix socket; what it says goes on over the stream, byte for byte. How
the far end left is kept, for a client often loses it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from probes.net.portable.stream import Stream

READ_BYTES = 65536


class Relay:
    """One connection handed on; a context manager. ``path`` is the socket's.

    ``left`` is how the far end left: an OSError, an EOFError, or None while it is there.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._folder = Path(tempfile.mkdtemp(prefix="accredit-"))
        self.path = self._folder / "s"
        self.left: Exception | None = None
        self._both: asyncio.Future[tuple[None, None]] | None = None

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_unix_server(self._carry, self.path)
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        if self._both is not None:
            self._both.cancel()
            await asyncio.gather(self._both, return_exceptions=True)
        self._close()

    def _close(self) -> None:
        self._stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        both = self._both = asyncio.gather(self._out(reader), self._in(writer))
        with suppress(asyncio.CancelledError, OSError):
            await both

    async def _out(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while said := await reader.read(READ_BYTES):
                await self._stream.write(said)

    async def _in(self, writer: asyncio.StreamWriter) -> None:
        try:
            while came := await self._stream.read():
                writer.write(came)
                await writer.drain()
            self.left = EOFError("the connection was closed")
        except OSError as error:
            self.left = error
        finally:
            writer.close()
