"""Servers that are stopped keep their ports, and refuse who connects meanwhile."""

from __future__ import annotations

import asyncio
import socket

import pytest

from probes.range.bound_socket import bound_socket
from probes.range.connection import Connection
from probes.range.filter_services import FilterServices
from probes.range.listener import Listener
from probes.range.zone import ADDRESS


async def connected(port: int) -> None:
    _, writer = await asyncio.open_connection(ADDRESS, port)
    writer.close()


async def test_nobody_else_is_given_the_port_of_a_server_that_is_stopped() -> None:
    async with FilterServices() as services:
        server = await services.enter_async_context(Listener(Connection))
        await connected(server.port)
        await services.stop()
        with pytest.raises(ConnectionRefusedError):
            await connected(server.port)
        other = socket.socket()
        with other, pytest.raises(OSError, match="in use"):
            other.bind((ADDRESS, server.port))  # as the system does for who connects
        await services.start()
        await connected(server.port)
        port = server.port

    bound_socket(socket.SOCK_STREAM, ADDRESS, port).close()


async def test_what_is_never_started_again_is_released_at_the_end() -> None:
    async with FilterServices() as services:
        server = await services.enter_async_context(Listener(Connection))
        await services.stop()

    with socket.socket() as other:
        other.bind((ADDRESS, server.port))
