"""Listening sockets of hostile services on loopback, all closed together."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Self

from probes.range.connection import MalformedRequestError
from probes.range.zone import ADDRESS
from test_suites.kit.networks.byte_stream import ByteStream

Handle = Callable[[ByteStream], Awaitable[None]]

GONE = (ssl.SSLError, OSError, MalformedRequestError, ValueError)
"""What a client or an origin that goes away may raise: the connection is over, no more."""


class Listening:
    """Servers, and the tasks of their connections; an asynchronous context manager."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: list[Callable[[], None]] = []
        self.crashes: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for server in self._servers:
            server.close()
        for close in self._closing:
            close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def also_close(self, close: Callable[[], None]) -> None:
        """Close something else together with the servers."""
        self._closing.append(close)

    async def listen(
        self,
        handle: Handle,
        address: str = ADDRESS,
        port: int = 0,
        opened: socket.socket | None = None,
    ) -> int:
        """Listen, at a socket that is bound already if one is given; gives the port.

        Each connection is handled.
        """

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(handle, reader, writer)

        if opened is not None:
            server = await asyncio.start_server(serve, sock=opened, backlog=1024)
        else:
            server = await asyncio.start_server(serve, address, port, backlog=1024)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _serve(
        self, handle: Handle, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await handle(ByteStream(reader, writer))
        except GONE:
            await _forget(writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        except Exception as error:  # noqa: BLE001 - a supplier's own mistake, which the runner reports
            self.crashes.append(f"{type(error).__name__}: {error}")
        finally:
            self._tasks.discard(task)
            writer.close()


async def _forget(writer: asyncio.StreamWriter) -> None:
    """Let go of what a broken connection was sending.

    asyncio keeps what it raised, and that keeps every answer that was on its way: megabytes
    would wait for the collector of cycles.
    """
    writer.transport.abort()
    try:
        await writer.wait_closed()
    except OSError as error:
        error.__traceback__ = None
