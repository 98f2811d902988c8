"""Ports of a private network whose bytes an attempt's line carries to a tunnel's far end.

A client program talks to its own loopback device, so it needs no access to the line: it works over
every line that carries TCP, proxies among them, or UDP.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

from harness.ports.streams import ByteStream, DatagramSocket, DialsStreams
from probes.net.dialling import Stream
from probes.net.local_binding import Datagrams
from probes.net.private_network import PrivateNetwork
from probes.techniques.far_end import FarEnd, open_far_end, request_for
from probes.techniques.run import NotDialledError, TechniqueRun
from probes.tunnels.ends import Over, pass_on


@dataclass(slots=True, kw_only=True)
class CarriedPorts:
    """The ports, while they are carried; ``close`` ends that.

    ``failed`` gets the first thing that went wrong on the line: its connection ended, or was not
    opened. A client that tries again cannot do better in the same attempt.
    """

    run: TechniqueRun
    network: PrivateNetwork
    failed: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, port: int, over: Over, to: FarEnd) -> None:
        """Carry a port. Raises PrivateNetworkError, NotDialledError, NotCarriedError (no UDP)."""
        if over == "tcp":
            listening = await self.network.listen(port)
            self.run.closers.callback(listening.close)
            self._begin(self._accept(listening, to))
            return
        outside = await open_far_end(self.run, to)
        inside = _Inside()
        self.run.closers.callback(inside.close)
        await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: inside, sock=await self.network.datagrams(port)
        )
        self._begin(self._pass_out(inside, outside))
        self._begin(self._pass_in(inside, outside))

    async def close(self) -> None:
        """Carry nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self.failed.cancel():
            self.failed.exception()  # else it would be reported as forgotten

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)

    async def _accept(self, listening: socket.socket, to: FarEnd) -> None:
        while True:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            accepted.settimeout(0)
            self._begin(self._carry_stream(Stream(accepted), to))

    async def _carry_stream(self, inside: Stream, to: FarEnd) -> None:
        line = self.run.line
        assert isinstance(line, DialsStreams), "checked before the tunnel is tried"
        try:
            dialled = await line.dial(request_for(self.run, to))
            self.run.follow(dialled)
            if dialled.opened is None:
                self._fail(NotDialledError(dialled))
                return
            watched = _Watched(dialled.opened, self._fail)
            with suppress(OSError):
                await pass_on(inside, watched)
        finally:
            inside.close()

    async def _pass_out(self, inside: _Inside, outside: DatagramSocket) -> None:
        try:
            while True:
                await outside.send(await inside.receive())
        except OSError as error:
            self._fail(error)

    async def _pass_in(self, inside: _Inside, outside: DatagramSocket) -> None:
        while True:
            try:
                data = await outside.receive()
            except OSError as error:
                self._fail(error)
                return
            inside.send(data)


class _Inside(Datagrams):
    """A UDP port inside the network; what comes back goes to whoever sent last."""

    def __init__(self) -> None:
        self._received: asyncio.Queue[bytes] = asyncio.Queue()
        self._client: tuple[str, int] | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._client = addr
        self._received.put_nowait(data)

    async def receive(self) -> bytes:
        return await self._received.get()

    def send(self, data: bytes) -> None:
        if self._client is not None and self.transport is not None:
            self.transport.sendto(data, self._client)


class _Watched:
    """A stream of the line that tells how it ended."""

    def __init__(self, stream: ByteStream, fail: Callable[[Exception], None]) -> None:
        self._stream, self._fail = stream, fail

    async def read(self) -> bytes:
        try:
            data = await self._stream.read()
        except OSError as error:
            self._fail(error)
            raise
        if not data:
            self._fail(EOFError("the far end closed the connection"))
        return data

    async def write(self, data: bytes) -> None:
        try:
            await self._stream.write(data)
        except OSError as error:
            self._fail(error)
            raise

    async def start_tls(self, trust: object, host: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._stream.close()
