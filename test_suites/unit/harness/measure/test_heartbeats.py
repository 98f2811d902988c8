"""Heartbeats: one at a time, and late if they take much longer than on the idle line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.measure.attempts import heartbeat_loop_at
from harness.measure.heartbeats import HeartbeatLoop, HeartbeatTarget, PassedItem
from harness.model.facts import WebFacts
from harness.model.observation import Heartbeats, Timings
from harness.ports.network import Attempt, ProbeResult
from test_suites.unit.harness.scripted import CAMPAIGN, RESET, Played, item, tools

BLOCKED = ProbeResult(timings=Timings(), facts=WebFacts(url="u", status=403, canary="absent"))
PLACE = HeartbeatTarget(line="a", profile="ks2", probe="web", port="")


class Held:
    """A probe whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.answer: ProbeResult | None = None

    async def __call__(self, attempt: Attempt) -> ProbeResult | None:
        await self.free.wait()
        return self.answer


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def heartbeat_loop(held: Held) -> AsyncIterator[HeartbeatLoop]:
    found = heartbeat_loop_at(PLACE, CAMPAIGN, tools(Played(held)))
    assert found is not None
    found.join(7)
    yield found
    await found.close()


async def test_the_idle_time_is_measured_once(heartbeat_loop: HeartbeatLoop) -> None:
    assert heartbeat_loop.since(0.0) is None
    await asyncio.gather(heartbeat_loop.measure(7), heartbeat_loop.measure(7))

    assert heartbeat_loop.idle is not None
    assert heartbeat_loop.allowed > 4 * heartbeat_loop.idle
    seen = heartbeat_loop.leave(7)
    assert [f"heartbeat-{n}@7" for n in (1, 2, 3)] == [one.key.item for one in seen]
    assert {("heartbeat", 7)} == {(one.role, one.batch) for one in seen}


async def test_a_line_that_never_answers_is_asked_rarely(
    heartbeat_loop: HeartbeatLoop, held: Held
) -> None:
    held.answer = RESET
    for _ in range(10):
        await heartbeat_loop.measure(7)

    assert heartbeat_loop.idle is None
    assert len(heartbeat_loop.leave(7)) == 4  # the first three times, and the tenth


async def test_heartbeats_are_made_while_somebody_waits(heartbeat_loop: HeartbeatLoop) -> None:
    await heartbeat_loop.measure(7)
    began = heartbeat_loop.since(float("-inf"))
    with heartbeat_loop.waiting():
        while heartbeat_loop.since(float("-inf")) == began:  # noqa: ASYNC110 - of time itself
            await asyncio.sleep(0.01)

    assert began is not None
    assert began.answered == 3


async def test_one_that_is_overdue_is_late_before_it_ends(
    heartbeat_loop: HeartbeatLoop, held: Held
) -> None:
    await heartbeat_loop.measure(7)
    heartbeat_loop.idle = 0.0
    heartbeat_loop._floor = 0.01
    held.free.clear()
    beating = asyncio.create_task(heartbeat_loop.beat())
    while not (told := heartbeat_loop.since(float("-inf"))) or not told.late:  # noqa: ASYNC110 - the same
        await asyncio.sleep(0.005)
    assert not beating.done()
    assert heartbeat_loop._traffic.width < CAMPAIGN.limits.concurrency

    held.free.set()
    await beating
    assert heartbeat_loop.since(float("-inf")) == Heartbeats(
        answered=3, late=1, slowest=told_slowest(heartbeat_loop), allowed=0.01
    )


async def test_one_that_fails_is_late(heartbeat_loop: HeartbeatLoop, held: Held) -> None:
    await heartbeat_loop.measure(7)
    held.answer = RESET
    await heartbeat_loop.beat()
    told = heartbeat_loop.since(float("-inf"))

    assert told is not None
    assert told.late == 1


async def test_those_that_began_before_do_not_count(heartbeat_loop: HeartbeatLoop) -> None:
    await heartbeat_loop.measure(7)
    told = heartbeat_loop.since(float("inf"))

    assert told is not None
    assert (told.answered, told.late, told.slowest) == (0, 0, None)


async def test_without_a_batch_none_is_made(heartbeat_loop: HeartbeatLoop) -> None:
    await heartbeat_loop.measure(7)
    heartbeat_loop.leave(7)
    await heartbeat_loop.beat()
    told = heartbeat_loop.since(float("-inf"))

    assert told is not None
    assert told.answered == 3


def test_where_no_sentinel_fits_there_is_no_pulse() -> None:
    assert heartbeat_loop_at(PLACE._replace(port="8080"), CAMPAIGN, tools(Played())) is None


def told_slowest(heartbeat_loop: HeartbeatLoop) -> float | None:
    told = heartbeat_loop.since(float("-inf"))
    return told.slowest if told is not None else None


def asked_hosts(heartbeat_loop: HeartbeatLoop) -> list[str]:
    return [one.item.host for one in heartbeat_loop.leave(7)]


async def test_heartbeats_are_items_as_soon_as_one_has_passed(
    heartbeat_loop: HeartbeatLoop,
) -> None:
    await heartbeat_loop.measure(7)
    heartbeat_loop._passed.offer(PassedItem(item("passed")))
    await heartbeat_loop.measure(7)
    await heartbeat_loop.beat()

    hosts = asked_hosts(heartbeat_loop)
    assert ["amber-lantern.accredit.test"] * 3 == hosts[:3]
    assert ["passed.canary.accredit.test"] * 4 == hosts[3:]


async def test_the_idle_time_of_items_takes_the_place_of_the_sentinel_s(
    heartbeat_loop: HeartbeatLoop, held: Held
) -> None:
    await heartbeat_loop.measure(7)
    heartbeat_loop.idle = 60.0
    heartbeat_loop._passed.offer(PassedItem(item("passed")))
    await heartbeat_loop.measure(7)

    assert heartbeat_loop.idle < 60.0
    told = heartbeat_loop.since(float("-inf"))
    assert told is not None
    assert (told.answered, told.late) == (6, 0)


async def test_an_item_that_is_blocked_by_now_is_neither_answered_nor_late(
    heartbeat_loop: HeartbeatLoop, held: Held
) -> None:
    await heartbeat_loop.measure(7)
    heartbeat_loop._passed.offer(PassedItem(item("passed")))
    await heartbeat_loop.measure(7)
    held.answer = BLOCKED
    await heartbeat_loop.beat()
    await heartbeat_loop.beat()

    told = heartbeat_loop.since(float("-inf"))
    assert told is not None
    assert (told.answered, told.late) == (6, 0)
    assert len(asked_hosts(heartbeat_loop)) == 7, "the sentinel does not stand for items again"


async def test_items_that_do_not_answer_alone_are_heartbeats_all_the_same(
    heartbeat_loop: HeartbeatLoop, held: Held
) -> None:
    await heartbeat_loop.measure(7)
    heartbeat_loop._passed.offer(PassedItem(item("passed")))
    held.answer = RESET
    await heartbeat_loop.measure(7)
    await heartbeat_loop.beat()

    told = heartbeat_loop.since(float("-inf"))
    assert told is not None
    assert (told.answered, told.late) == (3, 1)


async def test_a_site_of_strangers_may_take_what_it_takes_on_the_control(
    heartbeat_loop: HeartbeatLoop,
) -> None:
    await heartbeat_loop.measure(7)
    heartbeat_loop._passed.offer(PassedItem(item("slow"), took=5.0))
    await heartbeat_loop.measure(7)
    began = heartbeat_loop._clock.monotonic()
    await heartbeat_loop.beat()
    told = heartbeat_loop.since(began)

    assert told is not None
    assert told.allowed is not None
    assert told.allowed > 20
