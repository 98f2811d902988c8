"""Proxies that filter next to nothing and are easily overloaded: what is no block may not be one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from harness.ports.network import Origin

LOOPBACK: Final = "127.0.0.1"
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    b"<html><head><title>Access blocked</title></head><body><h1>Access blocked</h1>"
    b"<p>This page was blocked by the internet filter of your school.</p></body></html>"
)
SENTINEL = "copper-meadow.accredit.test"
CHUNK = 65536

Answer = Callable[["SlowProxy", str, bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class SlowProxy:
    """A proxy for plain HTTP to the canary origin. ``answer`` is what it does with a request.

    ``slots``: how many requests it serves at once, ``takes``: seconds that each takes.
    """

    origin: Origin
    answer: Answer
    slots: int = 1
    takes: float = 0.03
    url: str = ""
    asked: dict[str, int] = field(default_factory=dict)
    free: asyncio.Semaphore = field(init=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request and answer it."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            host = head.split(b" ", 2)[1].split(b"/")[2].split(b":")[0].decode()
            self.asked[host] = self.asked.get(host, 0) + 1
            await self.answer(self, host, head, writer)
        except (OSError, asyncio.IncompleteReadError, IndexError):
            pass
        finally:
            writer.close()

    async def forward(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        """Give the client what the origin says."""
        far, near = await asyncio.open_connection(LOOPBACK, self.origin.ports[80])
        try:
            method, url, rest = head.split(b" ", 2)
            path = b"/" + url.split(b"/", 3)[3]
            fields = rest.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
            near.write(b" ".join((method, path, fields)))
            while data := await far.read(CHUNK):
                writer.write(data)
                await writer.drain()
        finally:
            near.close()


async def one_at_a_time(
    proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter
) -> None:
    """Serve ``slots`` requests at once; the others wait for their turn."""
    async with proxy.free:
        await asyncio.sleep(proxy.takes)
        await blocking_the_sentinel(proxy, host, head, writer)


async def resetting_when_busy(
    proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter
) -> None:
    """Serve ``slots`` requests at once; reset the others."""
    if proxy.free.locked():
        writer.transport.abort()
        return
    await one_at_a_time(proxy, host, head, writer)


async def silent_when_busy(
    proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter
) -> None:
    """Serve ``slots`` requests at once; forget the others."""
    if proxy.free.locked():
        await asyncio.sleep(3600)
        return
    await one_at_a_time(proxy, host, head, writer)


async def unavailable_when_busy(
    proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter
) -> None:
    """Serve ``slots`` requests at once; show the others the block page's title with a 503."""
    if proxy.free.locked():
        writer.write(DENIED.replace(b"403 Forbidden", b"503 Service Unavailable"))
        await writer.drain()
        return
    await one_at_a_time(proxy, host, head, writer)


async def blocking_the_sentinel(
    proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter
) -> None:
    """Deny the must-block sentinel, and let all else through."""
    if host == SENTINEL:
        writer.write(DENIED)
        await writer.drain()
    else:
        await proxy.forward(head, writer)


@contextmanager
def serving(proxy: SlowProxy) -> Iterator[SlowProxy]:
    """The proxy on a thread and a loop of its own."""
    ready, over = threading.Event(), threading.Event()

    async def live() -> None:
        proxy.free = asyncio.Semaphore(proxy.slots)
        async with _listening(proxy):
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(live(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        over.set()
        thread.join()


@asynccontextmanager
async def _listening(proxy: SlowProxy) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await proxy.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(accept, LOOPBACK, 0, backlog=1000)
    proxy.url = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    try:
        yield
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tuple(tasks), return_exceptions=True)
