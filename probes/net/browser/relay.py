"""Hands a connection that we have opened to a client that can only open its own.

The client connects to a Unix socket; what it says goes on over the stream, byte for byte. How
the far end left is kept, for a client often loses it.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from probes.net.portable.stream import Stream

READ_BYTES = 65536


class Relay:
    """One connection handed on to one client; a context manager. ``path`` is the socket's.

    ``left`` is how the far end left: an OSError, an EOFError, or None while it is there.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._folder = Path(tempfile.mkdtemp(prefix="accredit-"))
        self.path = self._folder / "s"
        self._listening = socket.socket(socket.AF_UNIX)
        self.left: Exception | None = None

    async def __aenter__(self) -> Self:
        try:
            self._listening.settimeout(0)
            self._listening.bind(str(self.path))
            self._listening.listen(1)
        except BaseException:
            self._close()
            raise
        self._serving = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        self._close()

    def _close(self) -> None:
        self._listening.close()
        self._stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _serve(self) -> None:
        """Carry bytes both ways for the first client that comes; any other is refused."""
        await _readable(self._listening)
        client, _ = self._listening.accept()
        self._listening.close()
        with client:
            client.settimeout(0)
            await asyncio.gather(self._out(client), self._in(client))

    async def _out(self, client: socket.socket) -> None:
        with suppress(OSError):
            while said := await asyncio.get_running_loop().sock_recv(client, READ_BYTES):
                await self._stream.write(said)

    async def _in(self, client: socket.socket) -> None:
        try:
            while came := await self._stream.read():
                await asyncio.get_running_loop().sock_sendall(client, came)
            self.left = EOFError("the connection was closed")
        except OSError as error:
            self.left = error
        finally:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


async def _readable(listening: socket.socket) -> None:
    """Wait for a client without taking it, so that a cancelled wait cannot lose it."""
    loop, come = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, come.set)
    try:
        await come.wait()
    finally:
        loop.remove_reader(listening)
