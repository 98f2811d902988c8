"""What every lane must do alike: the same far end, the same Exchange."""

from __future__ import annotations

import asyncio
import gzip
import warnings
from typing import Any

import pytest

from harness.errors import UsageError
from probes.net.lane import Lane, open_lane

HOST = "gamb-001.canary.accredit.test"


async def test_a_page_comes_with_its_phases(fetch: Any, serve: Any, plays: Any) -> None:
    exchange = await fetch(f"http://{HOST}/", await serve(plays["page"]))

    assert exchange.failure is None
    assert (exchange.status, exchange.body, exchange.peer) == (200, b"hello", "127.0.0.1")
    assert dict(exchange.headers)["content-type"] == "text/html"
    timings = exchange.timings
    assert timings.tls is None
    assert timings.resolve is None
    assert 0 < timings.connect <= timings.total
    assert 0 < timings.first_byte <= timings.total


async def test_what_is_sent_is_a_whole_request(fetch: Any, serve: Any) -> None:
    heard: list[bytes] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    exchange = await fetch(
        f"http://{HOST}/a?b=c", await serve(play), headers=(("X-Accredit-Attempt", "17"),)
    )

    assert exchange.status == 204
    assert heard[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    lines = {line.lower() for line in heard[0].split(b"\r\n")[1:] if line}
    assert lines == {
        b"host: " + HOST.encode(),
        b"connection: close",
        b"x-accredit-attempt: 17",
    }


async def test_a_torn_body_keeps_what_came(fetch: Any, serve: Any, plays: Any) -> None:
    exchange = await fetch(f"http://{HOST}/", await serve(plays["torn"]))

    assert (exchange.status, exchange.body) == (200, b"hello")


async def test_a_torn_connection_is_not_tried_again(fetch: Any, serve: Any) -> None:
    connections = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.readuntil(b"\r\n\r\n"))

    await fetch(f"http://{HOST}/", await serve(play))

    assert len(connections) == 1


async def test_bodies_are_capped(fetch: Any, serve: Any, say: Any) -> None:
    whole = b"x" * 100_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    exchange = await fetch(f"http://{HOST}/", await serve(say(head + whole)), body_bytes=1024)

    assert exchange.failure is None
    assert exchange.body == whole[:1024]
    assert exchange.truncated


async def test_a_bomb_is_unpacked_to_the_cap_only(fetch: Any, serve: Any, say: Any) -> None:
    packed = gzip.compress(b"\0" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    port = await serve(say(head.encode() + packed))
    exchange = await fetch(f"http://{HOST}/", port)

    assert exchange.body == b"\0" * 65536
    assert exchange.truncated


async def test_chunks_and_bodies_until_close(fetch: Any, serve: Any, say: Any) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    for answer, body in (
        (chunked, b"abcde"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ):
        exchange = await fetch(f"http://{HOST}/", await serve(say(answer)))

        assert exchange.failure is None
        assert exchange.body == body


async def test_a_cancelled_exchange_leaves_nothing_open(
    fetch: Any, serve: Any, plays: Any, lane: Lane
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for scheme in ("http", "https"):
            port = await serve(plays["silent"])
            task = asyncio.create_task(fetch(f"{scheme}://{HOST}/", port))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_many_at_once(fetch: Any, serve: Any, plays: Any) -> None:
    port = await serve(plays["page"])
    exchanges = await asyncio.gather(*(fetch(f"http://{HOST}/", port) for _ in range(200)))

    assert {(each.status, each.failure, each.body) for each in exchanges} == {(200, None, b"hello")}


async def test_a_head_that_smuggles_is_refused(
    fetch: Any, closed_port: int, serve: Any, plays: Any
) -> None:
    port = await serve(plays["page"])
    exchange = await fetch(f"http://{HOST}/", port, headers=(("X-A", "b\r\nX-C: d"),))

    assert exchange.failure is not None
    assert exchange.status is None


def test_an_unknown_lane_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="no lane 'fast'; known: auto, portable, wire"):
        open_lane("fast")
