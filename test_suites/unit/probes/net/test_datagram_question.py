"""A question in a datagram is asked again until an answer is accepted."""

from __future__ import annotations

import asyncio

import pytest

from probes.net import datagram_question
from probes.net.datagram_question import ask_by_datagrams


class Lossy:
    """A socket that answers from the third question on: with noise, and then with the question."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.due: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        if len(self.sent) >= 3:
            self.due.put_nowait(b"noise")
            self.due.put_nowait(data)

    async def receive(self) -> bytes:
        return await self.due.get()

    def close(self) -> None:
        self.sent.clear()


async def test_it_is_asked_again_and_noise_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagram_question, "FIRST_WAIT", 0.001)
    socket = Lossy()
    answer = await ask_by_datagrams(
        socket, b"question", lambda data: data if data == b"question" else None
    )

    assert answer == b"question"
    assert socket.sent[:3] == [b"question"] * 3


async def test_an_error_of_the_socket_ends_it() -> None:
    class Refused(Lossy):
        async def receive(self) -> bytes:
            raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await ask_by_datagrams(Refused(), b"question", lambda data: data)
