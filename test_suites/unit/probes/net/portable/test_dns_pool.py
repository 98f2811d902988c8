"""Connections are kept, shared, and given up, and no question pays for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from probes.net.dns_server import DnsServer
from probes.net.portable.dns_pool import DnsPool
from probes.net.route import Address

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Keep = Callable[[Talk], Awaitable[tuple[DnsPool, list[int]]]]


async def hear(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


def say(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(len(message).to_bytes(2, "big") + message)


@pytest.fixture
async def keep(serve: Any) -> AsyncIterator[Keep]:
    """Keep connections to a server that talks so; and the number of them, one entry each."""
    made: list[DnsPool] = []

    async def start(talk: Talk) -> tuple[DnsPool, list[int]]:
        connections: list[int] = []

        async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(1)
            await talk(reader, writer)

        address = Address(host="127.0.0.1", port=await serve(counted))
        made.append(DnsPool(DnsServer(address=address, transport="tcp")))
        return made[-1], connections

    yield start
    for each in made:
        each.close()
    await asyncio.sleep(0)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        say(writer, await hear(reader))


async def filtering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Cuts the connection off when it sees a bad word; else answers three by three."""
    held: list[bytes] = []
    while True:
        held.append(await hear(reader))
        if held[-1][2:] == b"bad":
            return
        if len(held) == 3 or held[-1][2:] == b"now":
            for each in held:
                say(writer, each)
            held.clear()


async def test_questions_share_one_connection_and_answers_come_in_any_order(keep: Keep) -> None:
    async def backwards(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for message in reversed([await hear(reader) for _ in range(3)]):
            say(writer, message)

    pool, connections = await keep(backwards)
    answers = await asyncio.gather(*(pool.ask(name) for name in (b"a", b"b", b"c")))

    assert [each[2:] for each in answers] == [b"a", b"b", b"c"]
    assert len(connections) == 1


async def test_a_connection_is_kept_for_the_next(keep: Keep) -> None:
    pool, connections = await keep(echo)

    assert [(await pool.ask(name))[2:] for name in (b"a", b"b")] == [b"a", b"b"]
    assert len(connections) == 1


async def test_one_that_was_closed_meanwhile_is_opened_again(keep: Keep) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        say(writer, await hear(reader))

    pool, connections = await keep(once)

    assert [(await pool.ask(name))[2:] for name in (b"a", b"b", b"c")] == [b"a", b"b", b"c"]
    assert len(connections) == 3


async def test_a_filter_that_cuts_off_is_heard_by_its_own_question_alone(keep: Keep) -> None:
    pool, _ = await keep(filtering)
    good, bad, other = await asyncio.gather(
        pool.ask(b"now"), pool.ask(b"bad"), pool.ask(b"now"), return_exceptions=True
    )

    assert isinstance(good, bytes)
    assert isinstance(other, bytes)
    assert isinstance(bad, EOFError)


async def test_a_question_that_was_alone_from_the_start_is_not_asked_again(keep: Keep) -> None:
    pool, connections = await keep(filtering)
    with pytest.raises(EOFError):
        await pool.ask(b"bad")

    assert len(connections) == 1


async def test_silence_gives_the_connection_up_but_not_its_neighbours(keep: Keep) -> None:
    pool, connections = await keep(filtering)
    neighbour = asyncio.create_task(pool.ask(b"a"))
    silent = asyncio.create_task(pool.ask(b"b"))
    while not connections:  # noqa: ASYNC110 - the server says nothing when it is reached
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    silent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await silent

    assert (await pool.ask(b"now"))[2:] == b"now"
    assert len(connections) == 2
    assert not neighbour.done()
    neighbour.cancel()


async def test_alone_means_on_a_connection_of_its_own(keep: Keep) -> None:
    pool, connections = await keep(echo)
    await pool.ask(b"a")
    await pool.ask(b"b", own_connection=True)
    await pool.ask(b"c")

    assert len(connections) == 2


async def test_a_port_that_nobody_serves_is_heard_of(closed_port: int) -> None:
    pool = DnsPool(DnsServer(address=Address(host="127.0.0.1", port=closed_port), transport="tcp"))
    with pytest.raises(ConnectionRefusedError):
        await pool.ask(b"a")
