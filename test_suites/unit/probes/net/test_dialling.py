"""A connection before aiohttp has it: in the clear, and inside TLS to a proxy."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from probes.net.dialling import connect
from probes.net.local_binding import UNBOUND, LocalBinding
from probes.net.route import Address

HOST = "proxy.accredit.test"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read(100))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("sealed", [False, True])
async def test_bytes_go_both_ways_until_the_other_end_closes(
    serve: Any, authority: Any, trust: ssl.SSLContext, sealed: bool
) -> None:
    port = await serve(echo, authority.context(HOST) if sealed else None)
    stream = await connect(Address(host="127.0.0.1", port=port), UNBOUND)
    try:
        if sealed:
            await stream.start_tls(trust, HOST)
        await stream.write(b"hello")

        assert await stream.read() == b"hello"
        assert await stream.read() == b""
    finally:
        stream.close()
    await asyncio.sleep(0)


async def test_it_leaves_from_its_source(serve: Any) -> None:
    peers: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername")[0])
        writer.write(b"x")
        await writer.drain()

    binding = LocalBinding(address="127.0.0.5")
    stream = await connect(Address(host="127.0.0.1", port=await serve(play)), binding)
    await stream.read()
    stream.close()

    assert peers == ["127.0.0.5"]


async def test_a_handshake_cancelled_at_any_step_leaves_no_descriptor_taken(
    serve: Any, plays: Any, authority: Any, trust: ssl.SSLContext
) -> None:
    """asyncio refuses a descriptor whose lost transport never closed, whoever has it now."""
    port = await serve(plays["silent"], authority.context(HOST))
    address = Address(host="127.0.0.1", port=port)
    for steps in range(12):
        stream = await connect(address, UNBOUND)
        task = asyncio.create_task(stream.switch_protocol(asyncio.Protocol(), trust, HOST))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        stream.close()

    again = await connect(address, UNBOUND)
    again.close()


async def test_no_handshake_begins_on_a_connection_that_was_closed(
    serve: Any, authority: Any, trust: ssl.SSLContext
) -> None:
    port = await serve(echo, authority.context(HOST))
    stream = await connect(Address(host="127.0.0.1", port=port), UNBOUND)
    try:
        await stream.start_tls(trust, HOST)
        await stream.write(b"bye")
        while await stream.read():
            pass
        with pytest.raises(EOFError, match="closed before the TLS handshake"):
            async with asyncio.timeout(20):
                await stream.start_tls(trust, HOST)
    finally:
        stream.close()
