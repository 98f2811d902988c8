"""A network of a test's own in which addresses of transition mechanisms lead to loopback.

The addresses are given to the loopback device of a network namespace, which ends with its process.
``Translators`` stand for what a network has of them: each passes connections on to 127.0.0.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Self

from test_suites.kit.networks.own_network import own_network

LOOPBACK = "127.0.0.1"
READ_BYTES = 65536


@contextmanager
def network_with(addresses: Iterable[str]) -> Iterator[str]:
    """Give the path of a new network namespace with some IPv6 addresses on loopback."""
    commands = (f"ip -6 addr add {each}/128 dev lo" for each in addresses)
    with own_network("ip link set lo up", *commands, kind="network namespaces with IPv6") as path:
        yield path


class Translators:
    """Pass connections to some addresses on to the same ports of 127.0.0.1, while they last."""

    def __init__(self, addresses: Iterable[str], ports: Iterable[int]) -> None:
        self._places = [(address, port) for address in addresses for port in set(ports)]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for address, port in self._places:
                await stack.enter_async_context(await _translator(address, port))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()


async def _translator(address: str, port: int) -> asyncio.Server:
    async def translate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond, sending = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(_pass_on(reader, sending), _pass_on(beyond, writer))

    return await asyncio.start_server(translate, address, port)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other side is closed below
    writer.close()
