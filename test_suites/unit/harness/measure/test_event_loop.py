"""The event loop: uvloop's where it exists, asyncio's own where it does not."""

from __future__ import annotations

import asyncio
import sys

import pytest
import uvloop

from harness.measure.event_loop import BoundedTasks, new_loop


async def _answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_uvloop_carries_the_campaign_where_it_is_installed() -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert 42 == runner.run(_answer())
        assert isinstance(runner.get_loop(), uvloop.Loop)


def test_without_it_asyncio_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert 42 == runner.run(_answer())
        assert not isinstance(runner.get_loop(), uvloop.Loop)


async def test_there_is_room_for_a_task_once_fewer_than_the_most_are_under_way() -> None:
    tasks, gates = BoundedTasks(2), [asyncio.Event(), asyncio.Event()]
    for gate in gates:
        tasks.start(_passed(gate))
    room = asyncio.create_task(tasks.room())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not room.done()

    gates[1].set()
    await room
    gates[0].set()
    await tasks.wait()


async def test_what_a_task_raises_is_raised_by_who_waits() -> None:
    async def fail() -> None:
        msg = "boom"
        raise ValueError(msg)

    tasks = BoundedTasks(2)
    tasks.start(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    with pytest.raises(ValueError, match="boom"):
        await tasks.wait()


async def test_closing_cancels_what_is_under_way() -> None:
    tasks = BoundedTasks(2)
    tasks.start(_passed(asyncio.Event()))
    await tasks.close()
    await tasks.wait()


async def _passed(gate: asyncio.Event) -> None:
    await gate.wait()
