"""A gateway that filters TCP alone: what comes to the UDP port of its https goes on to the origin."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from probes.range.own_thread import run_in_thread
from probes.range.testbed import RangeTestbed
from probes.range.zone import ADDRESS

HTTPS = 443
Endpoint = tuple[str, int]


class UdpPassage(asyncio.DatagramProtocol):
    """Passes datagrams from a port to another, and the answers back; a context manager."""

    def __init__(self, port: int, origin_port: int) -> None:
        self._port, self._origin = port, (ADDRESS, origin_port)
        self._ways: dict[Endpoint, asyncio.Task[asyncio.DatagramTransport]] = {}
        self._outside: asyncio.DatagramTransport

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._outside, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(ADDRESS, self._port)
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        for way in self._ways.values():
            (await way).close()
        self._outside.close()
        await asyncio.sleep(0)  # the transports close in the loop's next iteration

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Pass a client's datagram on, over a socket of its own."""
        if addr not in self._ways:
            self._ways[addr] = asyncio.ensure_future(self._open(addr))
        self._ways[addr].add_done_callback(lambda way: way.result().sendto(data))

    async def _open(self, client: Endpoint) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Back(self._outside, client), remote_addr=self._origin
        )
        return transport


class _Back(asyncio.DatagramProtocol):
    """Passes the origin's datagrams back to one client."""

    def __init__(self, outside: asyncio.DatagramTransport, client: Endpoint) -> None:
        self._outside, self._client = outside, client

    def datagram_received(self, data: bytes, addr: Any) -> None:
        del addr
        self._outside.sendto(data, self._client)


def udp_passes(world: RangeTestbed, profile: str = "pupils") -> AbstractContextManager[None]:
    """Let UDP pass the gateway of a profile while the context lasts."""
    return run_in_thread(UdpPassage(_port(world, profile), world.origin.ports[HTTPS]))


@contextmanager
def silence_at_udp(world: RangeTestbed, profile: str = "pupils") -> Iterator[None]:
    """Let the gateway of a profile drop UDP without a word while the context lasts."""
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind((ADDRESS, _port(world, profile)))
        yield


def _port(world: RangeTestbed, profile: str) -> int:
    gateway: dict[str, int] = world.origin.services["reference"]["gateway"][profile]
    return gateway[str(HTTPS)]
