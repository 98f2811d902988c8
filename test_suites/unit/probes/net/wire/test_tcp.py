"""One TCP connection: bytes, the kernel's time, and ICMP's reasons."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from probes.net.route import Address
from probes.net.wire.reactor import Reactor, ReactorTask, Steps
from probes.net.wire.tcp import ANCILLARY_BYTES, READABLE, SO_TIMESTAMPNS, Tcp


@pytest.fixture
async def reactor() -> AsyncIterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


async def run(reactor: Reactor, port: int, go: Callable[[Tcp], Steps[None]]) -> None:
    def work(task: ReactorTask) -> Steps[None]:
        tcp = Tcp(task)
        try:
            yield from tcp.connect(Address(host="127.0.0.1", port=port))
            yield from go(tcp)
        finally:
            tcp.close()
            tcp.close()

    await reactor.run(work, 5.0)


async def test_bytes_go_both_ways(reactor: Reactor, serve: Any, say: Any) -> None:
    ready: list[bytes] = []

    def go(tcp: Tcp) -> Steps[None]:
        yield from tcp.write(b"GET / HTTP/1.1\r\n\r\n")
        while received := (yield from tcp.read()):
            ready.append(received)

    await run(reactor, await serve(say(b"answer" * 50_000)), go)

    assert b"".join(ready) == b"answer" * 50_000
    assert reactor.tasks == {}


async def test_what_does_not_fit_at_once_is_sent_piece_by_piece(
    reactor: Reactor, serve: Any
) -> None:
    ready: list[int] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready.append(len(await reader.readexactly(5_000_000)))
        writer.write(b"x")
        await writer.drain()

    def go(tcp: Tcp) -> Steps[None]:
        yield from tcp.write(b"x" * 5_000_000)
        yield from tcp.read()

    await run(reactor, await serve(play), go)

    assert ready == [5_000_000]


@pytest.fixture
def timestamps() -> Iterator[None]:
    """The kernel stamps packets: it begins some time after the first socket asked for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        stamped, sent = 1.0, 0.0
        while stamped > sent:  # a packet without a stamp is given the time at which it is read
            sock.sendto(b"x", sock.getsockname())
            sent = time.time()
            while time.time() < sent + 0.001:
                pass
            [(_level, _kind, data)] = sock.recvmsg(1, ANCILLARY_BYTES)[1]
            seconds, nanoseconds = struct.unpack("@qq", data)
            stamped = seconds + nanoseconds / 1e9
        yield


@pytest.mark.usefixtures("timestamps")
async def test_the_kernel_says_when_bytes_came(reactor: Reactor, serve: Any, say: Any) -> None:
    """A client that is busy for a while does not blame the far end for it."""
    port = await serve(say(b"answer"))
    moments: list[float] = []

    def go(tcp: Tcp) -> Steps[None]:
        yield from tcp.write(b"GET / HTTP/1.1\r\n\r\n")
        while not tcp._task.ready & READABLE:
            yield
        before = time.perf_counter()
        while time.perf_counter() < before + 0.05:
            pass  # the answer is there, and is read later
        yield from tcp.read()
        moments.extend((before, tcp.arrived))

    await run(reactor, port, go)

    assert moments[1] < moments[0] + 0.05


async def test_a_closed_port_raises(reactor: Reactor, closed_port: int) -> None:
    with pytest.raises(OSError, match="ECONNREFUSED") as caught:
        await run(reactor, closed_port, lambda tcp: tcp.write(b""))

    assert caught.value.errno == errno.ECONNREFUSED


async def test_an_end_that_was_told_with_the_last_bytes_is_not_waited_for(
    reactor: Reactor,
) -> None:
    """Edge-triggered, an end is told once: with the bytes before it, if we come late."""
    ready: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work(task: ReactorTask) -> Steps[None]:
            tcp = Tcp(task)
            yield from tcp.connect(Address(host="127.0.0.1", port=listening.getsockname()[1]))
            theirs, _ = listening.accept()
            theirs.sendall(b"answer")
            theirs.close()
            yield
            while received := (yield from tcp.read()):
                ready.append(received)
            tcp.close()

        await reactor.run(work, 5.0)

    assert ready == [b"answer"]


async def test_a_closed_port_of_the_other_family_raises(reactor: Reactor, closed_port: int) -> None:
    def work(task: ReactorTask) -> Steps[None]:
        tcp = Tcp(task)
        try:
            yield from tcp.connect(Address(host="::1", port=closed_port))
        finally:
            tcp.close()

    with pytest.raises(OSError, match="ECONNREFUSED"):
        await reactor.run(work, 5.0)
