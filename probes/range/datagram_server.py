"""A server for questions in UDP datagrams, each answered by some or none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self, cast

from probes.range.bound_socket import bound_socket
from probes.range.visitor_limits import Admission, VisitorLimits
from probes.range.zone import ADDRESS

Peer = tuple[str, int]
AnswerDatagram = Callable[[bytes, Peer], Iterable[bytes]]
"""Gives the datagrams that answer one, from an address and port."""


@dataclass(slots=True, kw_only=True)
class DatagramServer:
    """Answers datagrams at each of ``addresses``; a context manager.

    A ``port`` of 0 is chosen by the system at the first address. With ``limits`` only what is
    within them is answered.
    """

    answer: AnswerDatagram
    addresses: tuple[str, ...] = (ADDRESS,)
    port: int = 0
    limits: VisitorLimits | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            loop = asyncio.get_running_loop()
            for address in self.addresses:
                opened, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self),
                    sock=bound_socket(socket.SOCK_DGRAM, address, self.port),
                )
                stack.callback(opened.close)
                self.port = opened.get_extra_info("sockname")[1]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        await asyncio.sleep(0)  # a datagram transport closes in the loop's next iteration

    def admits(self, peer: Peer) -> bool:
        """Whether a datagram from an address is answered."""
        return self.limits is None or self.limits.admit(peer[0]) is Admission.SERVED


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DatagramServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        peer = addr[0], addr[1]
        if self._transport is None or not self._server.admits(peer):
            return
        for answer in self._server.answer(data, peer):
            self._transport.sendto(answer, addr)
