"""The reactor takes work further on events, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import AsyncIterator

import pytest

from probes.net.wire.reactor import Reactor, ReactorTask, Steps


@pytest.fixture
async def reactor() -> AsyncIterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


async def test_work_that_never_waits_is_done_at_once(reactor: Reactor) -> None:
    done: list[int] = []

    def work(_: ReactorTask) -> Steps[None]:
        done.append(1)
        yield from ()

    await reactor.run(work, 1.0)
    assert done == [1]


async def test_an_event_takes_it_further(reactor: Reactor) -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    ready: list[bytes] = []

    def work(task: ReactorTask) -> Steps[None]:
        task.watch(ours)
        try:
            while not ready:
                try:
                    ready.append(ours.recv(10))
                except BlockingIOError:
                    yield
        finally:
            task.drop(ours)

    task = asyncio.create_task(reactor.run(work, 5.0))
    await asyncio.sleep(0)
    theirs.send(b"x")
    await task
    theirs.close()

    assert ready == [b"x"]
    assert reactor.tasks == {}


async def test_patience_ends_and_the_work_hears_of_it_until_it_ends(reactor: Reactor) -> None:
    ready: list[str] = []

    def work(_: ReactorTask) -> Steps[None]:
        try:
            yield
        except TimeoutError:
            ready.append("time")
            yield

    with pytest.raises(TimeoutError):
        await reactor.run(work, 0.01)

    assert ready == ["time"]


async def test_work_that_raises_raises_where_it_is_awaited(reactor: Reactor) -> None:
    def work(_: ReactorTask) -> Steps[None]:
        yield from ()
        raise KeyError("x")

    with pytest.raises(KeyError):
        await reactor.run(work, 1.0)


async def test_cancelling_closes_the_work(reactor: Reactor) -> None:
    closed: list[bool] = []

    def work(_: ReactorTask) -> Steps[None]:
        try:
            yield
        finally:
            closed.append(True)

    task = asyncio.create_task(reactor.run(work, 5.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert closed == [True]


async def test_deadlines_of_any_order_are_kept(reactor: Reactor) -> None:
    ended: list[str] = []

    async def wait(name: str, patience: float) -> None:
        def work(_: ReactorTask) -> Steps[None]:
            yield

        with pytest.raises(TimeoutError):
            await reactor.run(work, patience)
        ended.append(name)

    await asyncio.gather(wait("late", 0.06), wait("soon", 0.01), wait("middle", 0.03))
    await wait("after", 0.01)

    assert ended == ["soon", "middle", "late", "after"]


async def test_what_came_in_time_is_no_timeout_though_we_look_late(reactor: Reactor) -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    ready: list[bytes] = []

    def work(task: ReactorTask) -> Steps[None]:
        task.watch(ours)
        try:
            while not task.ready & select.EPOLLIN:
                yield
            ready.append(ours.recv(10))
        finally:
            task.drop(ours)

    task = asyncio.create_task(reactor.run(work, 0.01))
    await asyncio.sleep(0)
    theirs.send(b"x")
    theirs.close()
    until = time.monotonic() + 0.02
    while time.monotonic() < until:
        pass
    # Some loops look at their timers before they look at what came.
    reactor._tick()
    await task

    assert ready == [b"x"]
