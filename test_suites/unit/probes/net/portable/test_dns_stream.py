"""What every conversation does: it writes together, and tells everybody when it is over."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from probes.net.portable.dns_stream import ConnectionLostError, DnsStream


class Talk(DnsStream):
    """Numbers are questions."""

    shared: ClassVar[bool] = True

    def ask(self, rest: bytes) -> asyncio.Future[bytes]:
        return self._send_question(rest, rest + b"?")


class Wire:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


def opened() -> tuple[Any, Wire]:
    talk, wire = Talk(), Wire()
    talk.connection_made(wire)  # type: ignore[arg-type]
    return talk, wire


async def test_a_turns_questions_are_written_together() -> None:
    talk, wire = opened()
    first, second = talk.ask(b"1"), talk.ask(b"2")
    await asyncio.sleep(0)

    assert wire.written == [b"1?2?"]
    assert talk.question_count == 2
    talk._set_answer(b"2", b"two")
    talk._set_answer(b"3", b"three")
    assert (await second, first.done()) == (b"two", False)
    first.cancel()


async def test_all_hear_of_the_end_and_how_it_came() -> None:
    talk, _ = opened()
    waiting = [talk.ask(b"1"), talk.ask(b"2")]
    cause = ConnectionResetError(104, "")
    talk.connection_lost(cause)

    for each in waiting:
        with pytest.raises(ConnectionLostError) as caught:
            await each
        assert caught.value.cause is cause
    assert (talk.is_ending, talk.can_ask) == (True, False)


async def test_a_server_that_merely_closes_is_named_so() -> None:
    talk, _ = opened()
    waiting = talk.ask(b"1")
    talk.connection_lost(None)

    with pytest.raises(ConnectionLostError) as caught:
        await waiting
    assert isinstance(caught.value.cause, EOFError)


async def test_one_that_ends_lets_the_others_finish() -> None:
    talk, wire = opened()
    waiting = talk.ask(b"1")
    talk.end()
    assert (talk.can_ask, wire.is_aborted) == (False, False)

    talk._set_answer(b"1", b"one")
    assert await waiting == b"one"
    await asyncio.sleep(0)
    assert wire.is_aborted


async def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    talk, _ = opened()
    talk.ask(b"1").cancel()
    talk._set_answer(b"1", b"one")
    await asyncio.sleep(0)
    talk._set_answer(b"1", b"one")

    assert talk._waiting == {}
