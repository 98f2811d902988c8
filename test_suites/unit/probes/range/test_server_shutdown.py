"""Whoever stands half accepted at a server's door neither hangs it nor is lost."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket

import pytest

from probes.range.connection import Connection
from probes.range.listener import Listener
from probes.range.name_server import NameServer, Reply


def knock(port: int) -> list[socket.socket]:
    """Clients whom the kernel lets in before the event loop knows of them."""
    return [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(20)]


@pytest.mark.parametrize("ticks", range(5))
@pytest.mark.parametrize("kind", ["listener", "name server"])
async def test_a_server_ends_however_far_it_has_come_with_accepting(kind: str, ticks: int) -> None:
    server = (
        Listener(Connection) if kind == "listener" else NameServer(lambda _: Reply(message=None))
    )
    async with asyncio.timeout(10):
        async with server:
            clients = knock(server.port)
            for _ in range(ticks):
                await asyncio.sleep(0)

    for client in clients:
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    gc.collect()  # a socket that was lost would warn here, and the warning fail this test
