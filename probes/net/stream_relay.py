"""``Relay``: passes an open byte stream to a local client, such as curl, by a Unix socket."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from harness.ports.streams import ByteStream

READ_BYTES = 65536


class Relay:
    """Relays one open connection to one local client over a Unix socket; a context manager.

    ``path`` is the socket's path. ``close_reason`` is why the peer's connection ended: an OSError,
    an EOFError, or None while it is open.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._folder = Path(tempfile.mkdtemp(prefix="accredit-"))
        self.path = self._folder / "s"
        self._listening = socket.socket(socket.AF_UNIX)
        self.close_reason: Exception | None = None

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
        """Relay bytes in both directions for the first client; refuse any other."""
        await _readable(self._listening)
        client, _ = self._listening.accept()
        self._listening.close()
        with client:
            client.settimeout(0)
            await asyncio.gather(self._forward_out(client), self._forward_in(client))

    async def _forward_out(self, client: socket.socket) -> None:
        with suppress(OSError):
            while data := await asyncio.get_running_loop().sock_recv(client, READ_BYTES):
                await self._stream.write(data)

    async def _forward_in(self, client: socket.socket) -> None:
        try:
            while data := await self._stream.read():
                await asyncio.get_running_loop().sock_sendall(client, data)
            self.close_reason = EOFError("the connection was closed")
        except OSError as error:
            self.close_reason = error
        finally:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


async def _readable(listening: socket.socket) -> None:
    """Wait for a client without accepting it, so that a cancelled wait cannot leak its socket."""
    loop, is_readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, is_readable.set)
    try:
        await is_readable.wait()
    finally:
        loop.remove_reader(listening)
