"""A name server for calibration: it answers each query as a function says, over UDP and TCP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, cast

import dns.message

from probes.range.name_server import Reply, answer

Over = Literal["udp", "tcp"]
Answering = Callable[[dns.message.Message, Over], dns.message.Message | None]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        def send(wire: bytes) -> None:
            self._transport.sendto(wire, addr)

        answer(lambda query: Reply(message=self._answering(query, "udp")), data, send)


async def _stream(
    answering: Answering, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    def send(wire: bytes) -> None:
        writer.write(len(wire).to_bytes(2, "big") + wire)

    try:
        while True:
            size = int.from_bytes(await reader.readexactly(2), "big")
            data = await reader.readexactly(size)
            answer(lambda query: Reply(message=answering(query, "tcp")), data, send)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def _start(answering: Answering) -> tuple[asyncio.DatagramTransport, asyncio.Server]:
    """Listen on one port over both; another port if that of UDP is taken over TCP."""
    loop = asyncio.get_running_loop()
    while True:
        datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(answering), ("127.0.0.1", 0)
        )
        port = datagrams.get_extra_info("sockname")[1]
        try:
            streams = await asyncio.start_server(partial(_stream, answering), "127.0.0.1", port)
        except OSError:
            datagrams.close()
        else:
            return datagrams, streams


@contextmanager
def serving(answering: Answering) -> Iterator[str]:
    """Answer on a port of its own, in a thread; gives ``address:port``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    datagrams, streams = asyncio.run_coroutine_threadsafe(_start(answering), loop).result()
    try:
        address, port = datagrams.get_extra_info("sockname")[:2]
        yield f"{address}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(_stop(datagrams, streams), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(datagrams: asyncio.DatagramTransport, streams: asyncio.Server) -> None:
    datagrams.close()
    streams.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
