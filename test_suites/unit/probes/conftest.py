"""Far ends for the tests of lanes and lines: each plays one behaviour on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., Awaitable[int]]
HEAD_END = b"\r\n\r\n"


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server that plays a behaviour with each connection; gives its port."""
    servers: list[asyncio.Server] = []
    playing: set[asyncio.Task[None]] = set()

    async def start(play: Play, tls: ssl.SSLContext | None = None) -> int:
        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            playing.add(task)
            try:
                await play(reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                playing.discard(task)
                writer.close()
                writer.transport.abort()

        server = await asyncio.start_server(once, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()
    for task in list(playing):
        task.cancel()
    await asyncio.gather(*playing, return_exceptions=True)


def answering(answer: bytes) -> Play:
    """Read a request head, send these bytes, close."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(HEAD_END)
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return play


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read something, then send RST."""
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what came, then close in order (FIN)."""
    await reader.read(65536)
    writer.close()
    await writer.wait_closed()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


@pytest.fixture
def plays() -> dict[str, Play]:
    """Behaviours by name."""
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
    torn = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"
    return {
        "page": answering(page),
        "torn": answering(torn),
        "nonsense": answering(b"220 mail ready\r\n\r\n"),
        "reset": resetting,
        "close": closing,
        "silent": silent,
    }


@pytest.fixture
def say() -> Callable[[bytes], Play]:
    """A behaviour that answers each request with these bytes."""
    return answering


def tunnelling(far: int, heard: list[bytes]) -> Play:
    """Grant a tunnel to a port, whatever was asked for; notes what was heard."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(65536):
            writer.write(received)
            await writer.drain()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(HEAD_END))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", far)
        onward = asyncio.create_task(pump(reader, far_writer))
        try:
            await pump(far_reader, writer)
        finally:
            onward.cancel()
            far_writer.close()

    return play


@pytest.fixture
def tunnel() -> Callable[[int, list[bytes]], Play]:
    """A proxy's behaviour: grant every tunnel."""
    return tunnelling


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
