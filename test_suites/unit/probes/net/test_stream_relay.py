"""A relay hands one connection on, byte for byte, and keeps how the far end left."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from probes.net.dialling import Stream
from probes.net.stream_relay import Relay


@asynccontextmanager
async def relayed() -> AsyncIterator[tuple[Relay, socket.socket]]:
    """A relay, and the far end of the connection that it hands on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    near.settimeout(0)
    far.settimeout(0)
    async with Relay(Stream(near)) as relay:
        yield relay, far
    far.close()


async def test_bytes_go_both_ways() -> None:
    loop = asyncio.get_running_loop()
    async with relayed() as (relay, far):
        reader, writer = await asyncio.open_unix_connection(relay.path)
        writer.write(b"a question")
        assert await loop.sock_recv(far, 100) == b"a question"
        await loop.sock_sendall(far, b"an answer")
        assert await reader.readexactly(9) == b"an answer"
        assert relay.close_reason is None
        writer.close()


async def test_that_the_far_end_closed_is_kept() -> None:
    async with relayed() as (relay, far):
        reader, writer = await asyncio.open_unix_connection(relay.path)
        far.close()
        assert await reader.read() == b""
        assert isinstance(relay.close_reason, EOFError)
        writer.close()


async def test_that_the_far_end_reset_is_kept() -> None:
    async with relayed() as (relay, far):
        reader, writer = await asyncio.open_unix_connection(relay.path)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        assert await reader.read() == b""
        assert isinstance(relay.close_reason, ConnectionResetError)
        writer.close()


async def test_the_socket_goes_with_the_relay() -> None:
    async with relayed() as (relay, far):
        path = relay.path
        assert path.exists()
    assert not path.parent.exists()
    assert far.fileno() == -1


@pytest.mark.parametrize("steps", range(6))
async def test_a_client_that_comes_as_the_relay_closes_is_turned_away(steps: int) -> None:
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: unhandled.append(what))
    with socket.socket(socket.AF_UNIX) as late:
        async with relayed() as (relay, _):
            late.connect(str(relay.path))
            for _ in range(steps):
                await asyncio.sleep(0)
        for _ in range(6):
            await asyncio.sleep(0)
    assert unhandled == []
