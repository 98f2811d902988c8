"""A network of pupils of a test's own, out of which nothing leads but the doors that a test opens.

It is a network namespace with loopback alone. A ``Door`` is a port of it that leads to a port of
127.0.0.1 in the network of the test, where the range is. What knocks anywhere else is refused by
the kernel. A door may have leaks: what a connection begins with decides where it leads.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, Self, cast

from probes.net.local_binding import LocalBinding, open_socket, run_in_namespace
from probes.range.icmp_endpoint import IGNORED, IcmpEndpoint
from probes.range.tunnel_pages import TunnelPages
from probes.range.zone import ADDRESS, ADDRESS_6
from test_suites.kit.networks.byte_stream import ByteStream
from test_suites.kit.networks.listening import Listening
from test_suites.kit.networks.own_network import own_network

Over = Literal["tcp", "udp"]
NOWHERE = 0
"""The port of a leak that ends the connection."""


LOOPBACK_UP = "ip link set lo up"
LARGEST = 65535
"""Bytes of a datagram."""


class Leak(NamedTuple):
    """Where connections lead to that begin in some way; see ``Door``."""

    begins: Callable[[bytes], bool]
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A port of the pupils' network, and the port of the test's network that it leads to.

    Connections over TCP lead to the first of ``leaks`` whose condition the bytes meet that came at
    first; ``waits`` says of them whether more are needed to tell.
    """

    port: int
    to: int
    over: Over = "tcp"
    leaks: tuple[Leak, ...] = ()
    waits: Callable[[bytes], bool] = lambda _: False


@contextmanager
def two_networks() -> Iterator[tuple[str, str]]:
    """Give the paths of the network of the range and of that of pupils; neither answers pings.

    Skips the test if this machine allows none.
    """
    with own_network(LOOPBACK_UP) as outside, own_network(LOOPBACK_UP) as inside:
        for each in (outside, inside):
            run_in_namespace(each, _ignore_pings)
        yield outside, inside


def _ignore_pings() -> None:
    Path(IGNORED).write_text("1", encoding="ascii")


class Doors:
    """Doors of a network while they last; ``pings`` answers pings there with pages of the origin."""

    def __init__(
        self, network: str, doors: Sequence[Door], pings: TunnelPages | None = None
    ) -> None:
        self._binding = LocalBinding(netns=network)
        self._doors = doors
        self._pings = pings
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            listening = await stack.enter_async_context(Listening())
            for door in self._doors:
                for address in (ADDRESS, ADDRESS_6):
                    await self._open(stack, listening, door, address)
            if self._pings is not None:
                pings = IcmpEndpoint(tunnel=self._pings, netns=self._binding.netns)
                await stack.enter_async_context(pings)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        await asyncio.sleep(0)  # a datagram transport closes in the loop's next iteration

    async def _open(
        self, stack: AsyncExitStack, listening: Listening, door: Door, address: str
    ) -> None:
        kind = socket.SOCK_STREAM if door.over == "tcp" else socket.SOCK_DGRAM
        opened = open_socket(address, kind, self._binding)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, door.port))
        if door.over == "tcp":
            await listening.listen(partial(_lead, door), opened=opened)
            return
        relay = DatagramRelay(door.to)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: relay, sock=opened)
        stack.callback(relay.close)


async def _lead(door: Door, stream: ByteStream) -> None:
    """Pass one connection on."""
    first = b""
    while door.leaks and (not first or door.waits(first)):
        more = await stream.read()
        if not more:
            return
        first += more
    to = next((leak.to for leak in door.leaks if leak.begins(first)), door.to)
    if to == NOWHERE:
        stream.close()
    else:
        await stream.relay(ADDRESS, to, first)


class DatagramRelay(asyncio.DatagramProtocol):
    """Passes datagrams of each client on by a socket of its own, and what comes back to it.

    Datagrams that it does not admit are dropped.
    """

    def __init__(self, to: int, admits: Callable[[bytes], bool] = lambda _: True) -> None:
        self._to = to
        self._admits = admits
        self._inside: asyncio.DatagramTransport | None = None
        self._outside: dict[tuple[str, int], socket.socket] = {}
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._inside = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Pass a datagram on, if it is admitted."""
        if not self._admits(data):
            return
        if addr not in self._outside:
            self._outside[addr] = self._opened(addr)
        with suppress(OSError):  # what cannot be sent is lost, as any datagram may be
            self._outside[addr].send(data)

    def _opened(self, client: tuple[str, int]) -> socket.socket:
        """A socket to the far end; what it receives goes back to the client."""
        sock = socket.socket(type=socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.connect((ADDRESS, self._to))
        self._loop.add_reader(sock.fileno(), self._pass_back, sock, client)
        return sock

    def _pass_back(self, sock: socket.socket, client: tuple[str, int]) -> None:
        with suppress(OSError):
            data = sock.recv(LARGEST)
            if self._inside is not None:
                self._inside.sendto(data, client)

    def close(self) -> None:
        """Close all sockets."""
        for sock in self._outside.values():
            self._loop.remove_reader(sock.fileno())
            sock.close()
        if self._inside is not None:
            self._inside.close()
