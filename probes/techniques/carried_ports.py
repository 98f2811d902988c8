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
from probes.net.dialling import DATAGRAM_BYTES, Stream
from probes.net.private_network import PrivateNetwork
from probes.techniques.far_end import FarEnd, open_far_end, request_for
from probes.techniques.run import NotCarriedError, NotDialledError, TechniqueRun
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
        """Carry a port. Raises PrivateNetworkError, NotDialledError, NotCarriedError."""
        if over == "tcp":
            if not isinstance(self.run.line, DialsStreams):
                raise NotCarriedError(f"line {self.run.line.name!r} opens no byte streams")
            listening = await self.network.listen(port)
            self.run.closers.callback(listening.close)
            self._begin(self._accept(listening, to))
            return
        outside = await open_far_end(self.run, to)
        inside = _Inside(await self.network.datagrams(port))
        self.run.closers.callback(inside.close)
        self._begin(self._pass_out(inside, outside))
        self._begin(self._pass_in(inside, outside))

    async def close(self) -> None:
        """Carry nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.failed.cancel()

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)

    async def _accept(self, listening: socket.socket, to: FarEnd) -> None:
        while True:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            accepted.setblocking(False)
            self._begin(self._carry_stream(Stream(accepted), to))

    async def _carry_stream(self, inside: Stream, to: FarEnd) -> None:
        line = self.run.line
        assert isinstance(line, DialsStreams), "checked before the port is opened"
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
            await inside.send(data)


class _Inside:
    """A UDP port inside the network; what comes back goes to whoever sent last."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._client: object = None

    async def receive(self) -> bytes:
        received: tuple[bytes, object] = await asyncio.get_running_loop().sock_recvfrom(
            self._sock, DATAGRAM_BYTES
        )
        data, self._client = received
        return data

    async def send(self, data: bytes) -> None:
        """Send to the client; a program that has ended does not get it."""
        if self._client is not None:
            with suppress(OSError):
                await asyncio.get_running_loop().sock_sendto(self._sock, data, self._client)

    def close(self) -> None:
        self._sock.close()


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
