"""Traffic: how much a line gets at once, and how to be alone on it."""

from __future__ import annotations

import asyncio

from harness.measure.concurrency_limiter import LineTraffic
from harness.model.campaign import Limits
from harness.ports.storage import WallClock


def make(**limits: float) -> LineTraffic:
    return LineTraffic(Limits.model_validate({"concurrency": 40, **limits}), WallClock())


def unanswered(**limits: float) -> LineTraffic:
    """A line at its narrowest that answered none of its last heartbeats."""
    traffic = make(**limits)
    for _ in range(9):
        traffic.heartbeat_late()
    traffic.heartbeat_ended_late(is_answered=False)
    traffic.heartbeat_ended_late(is_answered=False)
    return traffic


def test_a_late_heartbeat_halves_and_good_ones_widen_again() -> None:
    traffic = make()
    traffic.heartbeat_late()
    assert (traffic.width, traffic.narrowest) == (20, 20)

    for _ in range(40):  # twice a width's worth, as it was too much once
        traffic.heartbeat_in_time()
    assert (traffic.width, traffic.narrowest) == (21, 20)


def test_it_narrows_down_to_one_and_not_beyond() -> None:
    traffic = make()
    for _ in range(9):
        traffic.heartbeat_late()

    assert (
        traffic.width
        == traffic.limiter("confirmed").width
        == traffic.limiter("patience").width
        == 1
    )


async def test_it_narrows_from_what_is_in_use() -> None:
    traffic = make()
    async with traffic.limiter("first"), traffic.limiter("first"), traffic.limiter("first"):
        traffic.decrease()

    assert traffic.width == 1


async def test_a_line_that_answers_nobody_is_left_alone_and_then_counts_as_dead() -> None:
    traffic = unanswered(confirmation_timeout=0.01)
    states = [traffic.is_dead]

    async with traffic.under_way():  # begins when the pause is over
        states.append(traffic.is_dead)
    assert states == [False, True]
    assert traffic.width == 40
    traffic.heartbeat_late()
    assert traffic.width == 40


async def test_an_answer_ends_the_pause() -> None:
    traffic = unanswered(confirmation_timeout=600.0)
    begun = asyncio.create_task(_pass(traffic))
    await asyncio.sleep(0)
    assert not begun.done()

    traffic.heartbeat_ended_late(is_answered=True)
    await begun
    assert not traffic.is_dead


async def test_nothing_begins_while_somebody_is_alone() -> None:
    traffic = make()
    traffic.silent_after = 600.0
    order: list[str] = []

    async def first() -> None:
        async with traffic.under_way():
            await asyncio.sleep(0)
            order.append("first ends")

    async def later() -> None:
        async with traffic.under_way():
            order.append("later begins")

    running = asyncio.create_task(first())
    await asyncio.sleep(0)
    async with traffic.exclusive():
        order.append("alone")
        waiting = asyncio.create_task(later())
        await asyncio.sleep(0)
        order.append("still alone")
    await asyncio.gather(running, waiting)

    assert order == ["first ends", "alone", "still alone", "later begins"]


async def test_what_only_waits_does_not_keep_one_from_being_alone() -> None:
    traffic = make()
    traffic.silent_after = 0.01
    async with traffic.under_way(), traffic.exclusive():
        pass


def test_patience_gets_half_of_what_a_line_was_said_to_bear() -> None:
    assert make(per_line=6).limiter("patience").maximum == 3
    assert make(concurrency=1).limiter("confirmed").maximum == 1


async def _pass(traffic: LineTraffic) -> None:
    async with traffic.under_way():
        pass


async def test_at_the_narrowest_one_attempt_of_all_kinds_is_under_way() -> None:
    traffic = make(concurrency=1)
    ended: list[int] = []

    async def go(number: int) -> None:
        async with traffic.under_way():
            assert len(traffic._under_way) == 1
            await asyncio.sleep(0)
            ended.append(number)

    await asyncio.gather(*map(go, range(20)))

    assert sorted(ended) == list(range(20))


async def test_at_the_narrowest_one_waits_until_what_is_silent_has_ended() -> None:
    traffic = make(concurrency=1)
    begun = asyncio.Event()

    async def be_alone() -> None:
        async with traffic.exclusive():
            begun.set()

    with traffic.counted():
        alone = asyncio.create_task(be_alone())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not begun.is_set()
    await alone


async def test_at_the_narrowest_one_heartbeat_of_all_probes_is_under_way() -> None:
    under_way: list[int] = []

    async def most(traffic: LineTraffic) -> int:
        under_way.clear()

        async def beat() -> int:
            async with traffic.heartbeat():
                under_way.append(1)
                now = len(under_way)
                await asyncio.sleep(0)
                under_way.pop()
            return now

        return max(await asyncio.gather(*(beat() for _ in range(5))))

    assert 1 == await most(make(concurrency=1))
    assert 5 == await most(make())


def test_widening_takes_longer_each_time_that_it_was_too_much() -> None:
    traffic = make(concurrency=4)
    taken = []
    for _ in range(3):
        traffic.heartbeat_late()
        traffic.heartbeat_late()
        assert traffic.width == 1
        before = traffic.width
        number = 0
        while traffic.width == before:
            traffic.heartbeat_in_time()
            number += 1
        taken.append(number)

    assert taken == sorted(set(taken))
