"""Far ends for the tests of lanes and lines: each plays one behaviour on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from probes.net.route import Address
from test_suites.kit.processes.product import free_port

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


@pytest.fixture
async def far_end(serve: Serve) -> tuple[int, list[str]]:
    """A server that answers 204: its port, and the addresses that its clients left from."""
    left: list[str] = []
    answer = answering(b"HTTP/1.1 204 No\r\n\r\n")

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left.append(writer.get_extra_info("peername")[0])
        await answer(reader, writer)

    return await serve(play), left


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


def socksing(far: int, heard: list[bytes], reply: int = 0) -> Play:
    """A SOCKS5 proxy that leads to a port (RFC 1928); notes credentials and the name."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(65536):
            writer.write(received)
            await writer.drain()

    async def text(reader: asyncio.StreamReader) -> bytes:
        return await reader.readexactly((await reader.readexactly(1))[0])

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        method = max(await text(reader))
        writer.write(bytes((5, method)))
        if method:
            await reader.readexactly(1)
            heard.extend([await text(reader), await text(reader)])
            writer.write(b"\x01\x00")
        await reader.readexactly(4)
        heard.append(await text(reader))
        await reader.readexactly(2)
        writer.write(bytes((5, reply, 0, 1)) + bytes(6))
        if reply:
            await writer.drain()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", far)
        onward = asyncio.create_task(pump(reader, far_writer))
        try:
            await pump(far_reader, writer)
        finally:
            onward.cancel()
            far_writer.close()

    return play


@pytest.fixture
def socks() -> Callable[..., Play]:
    """A SOCKS5 proxy's behaviour: lead to a port, or give a reply."""
    return socksing


class AddressBook(asyncio.DatagramProtocol):
    """A name server that knows one address of each type; ``asked`` is by whom, for what type."""

    def __init__(self, records: dict[str, str]) -> None:
        self.records = records
        self.asked: list[tuple[str, str]] = []
        self.address: Address

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        host, port = transport.get_extra_info("sockname")[:2]
        self.address = Address(host=host, port=port)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        type_ = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((addr[0], type_))
        reply = dns.message.make_response(query, recursion_available=True)
        if type_ in self.records:
            found = dns.rrset.from_text(
                query.question[0].name, 60, "IN", type_, self.records[type_]
            )
            reply.answer.append(found)
        self.transport.sendto(reply.to_wire(), addr)


@pytest.fixture
async def name_server() -> AsyncIterator[Callable[..., Awaitable[AddressBook]]]:
    """Start a name server on loopback that knows the records it is given."""
    open_ones: list[asyncio.BaseTransport] = []

    async def start(records: dict[str, str]) -> AddressBook:
        transport, book = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: AddressBook(records), local_addr=("127.0.0.1", 0)
        )
        open_ones.append(transport)
        return book

    yield start
    for transport in open_ones:
        transport.close()
    await asyncio.sleep(0)


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    return free_port()
