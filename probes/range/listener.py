"""Listening sockets of the range, with their connections."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import Protocol, Self

from probes.range.bound_socket import bound_socket
from probes.range.connection import Connection
from probes.range.zone import ADDRESS, RANGE_ADDRESSES


class Abortable(Protocol):
    """A connection that removes itself from its server's collection when it is lost."""

    def abort(self) -> None:
        """Close immediately; no effect before the connection is made."""


async def close_server(server: asyncio.Server, connections: Collection[Abortable]) -> None:
    """Close ``server`` and abort all its ``connections``; returns when none is left."""
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    await asyncio.sleep(0)
    while connections:
        for connection in tuple(connections):
            connection.abort()
        await asyncio.sleep(0)
    server.close()


def _free_port(address: str) -> int:
    """A port that is free at this address and at every other address of a range.

    A range listens at several addresses by one port number. The port is below those that outgoing
    connections take (32768 on Linux), since one of them would prevent that. 0, by which the system
    chooses, if none is found.
    """
    addresses = {address, *(RANGE_ADDRESSES if address in RANGE_ADDRESSES else ())}
    for _ in range(200):
        port = _numbers.randrange(12000, 30000)
        with ExitStack() as stack:
            try:
                for each in addresses:
                    stack.enter_context(bound_socket(socket.SOCK_STREAM, each, port))
            except OSError:
                continue
            return port
    return 0


_numbers = random.SystemRandom()


class Listener:
    """A listening socket and its connections; a context manager.

    With ``port`` 0 a free one is chosen; the attribute ``port`` then has it. ``host``
    is the address.
    """

    def __init__(
        self, connect: Callable[[], Connection], address: str = ADDRESS, port: int = 0
    ) -> None:
        self._connect = connect
        self.host = address
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        port = self.port or _free_port(self.host)
        self._server = await loop.create_server(self._accept, self.host, port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server is not None:
            await close_server(self._server, self._connections)

    def _accept(self) -> Connection:
        connection = self._connect()
        connection.on_lost = self._connections.discard
        self._connections.add(connection)
        return connection
