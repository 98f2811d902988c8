"""Ask a question over UDP or ICMP, again and again until an answer comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from harness.ports.streams import DatagramSocket

FIRST_WAIT = 1.0
"""Seconds until a question is sent again; the next waits are twice as long each."""

Read = TypeVar("Read")


async def ask_by_datagrams(
    socket: DatagramSocket, question: bytes, read: Callable[[bytes], Read | None]
) -> Read:
    """Return what ``read`` makes of the first datagram that it accepts (None: it does not).

    Has no time limit of its own. Raises OSError, and what ``read`` raises.
    """
    wait = FIRST_WAIT
    while True:
        await socket.send(question)
        try:
            async with asyncio.timeout(wait):
                while True:
                    answer = read(await socket.receive())
                    if answer is not None:
                        return answer
        except TimeoutError:
            wait *= 2
