"""The protocol hears when the first byte came, and how the far end left."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import Any

from probes.net.portable.portable_backend import ArrivalTimes


async def hear(serve: Any, play: Any) -> ArrivalTimes:
    loop = asyncio.get_running_loop()
    _, hearing = await loop.create_connection(
        lambda: ArrivalTimes(loop), "127.0.0.1", await serve(play)
    )
    assert hearing.first_byte is None
    assert hearing.transport is not None
    hearing.transport.write(b"GET / HTTP/1.1\r\n\r\n")
    closed = hearing.closed
    assert closed is not None
    await asyncio.wait([closed])
    closed.exception()
    return hearing


async def test_an_orderly_close_leaves_no_reason(serve: Any, plays: Any) -> None:
    hearing = await hear(serve, plays["close"])

    assert (hearing.first_byte, hearing.close_reason) == (None, None)


async def test_a_reset_leaves_its_number(serve: Any, plays: Any) -> None:
    hearing = await hear(serve, plays["reset"])

    assert isinstance(hearing.close_reason, OSError)
    assert hearing.close_reason.errno == errno.ECONNRESET


async def test_the_first_byte_has_a_time(serve: Any, say: Callable[[bytes], Any]) -> None:
    before = asyncio.get_running_loop().time()
    hearing = await hear(serve, say(b"HTTP/1.1 200 OK\r\n\r\n"))

    assert hearing.first_byte is not None
    assert hearing.first_byte >= before
