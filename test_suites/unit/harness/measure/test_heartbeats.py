"""A pulse: heartbeats one at a time, held against what they take on the idle line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from harness.measure.attempts import pulse_of
from harness.measure.heartbeats import Passed, Place, Pulse
from harness.model.facts.web import WebFacts
from harness.model.observation import Heartbeats, Timings
from harness.ports.network import Attempt, Sighting
from test_suites.unit.harness.scripted import CAMPAIGN, RESET, Played, item, tools

BLOCKED = Sighting(timings=Timings(), facts=WebFacts(url="u", status=403, canary="absent"))
PLACE = Place(line="a", profile="ks2", probe="web", port="")


class Held:
    """A probe whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.answer: Sighting | None = None

    async def __call__(self, attempt: Attempt) -> Sighting | None:
        await self.free.wait()
        return self.answer


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def pulse(held: Held) -> AsyncIterator[Pulse]:
    found = pulse_of(PLACE, CAMPAIGN, tools(Played(held)))
    assert found is not None
    found.join(7)
    yield found
    await found.close()


async def test_the_idle_time_is_measured_once(pulse: Pulse) -> None:
    assert pulse.since(0.0) is None
    await asyncio.gather(pulse.measure(7), pulse.measure(7))

    assert pulse.idle is not None
    assert pulse.allowed > 4 * pulse.idle
    seen = pulse.leave(7)
    assert [f"heartbeat-{n}@7" for n in (1, 2, 3)] == [one.key.item for one in seen]
    assert {("heartbeat", 7)} == {(one.role, one.batch) for one in seen}


async def test_a_line_that_never_answers_is_asked_rarely(pulse: Pulse, held: Held) -> None:
    held.answer = RESET
    for _ in range(10):
        await pulse.measure(7)

    assert pulse.idle is None
    assert len(pulse.leave(7)) == 4  # the first three times, and the tenth


async def test_heartbeats_are_made_while_somebody_waits(pulse: Pulse) -> None:
    await pulse.measure(7)
    began = pulse.since(float("-inf"))
    with pulse.waiting():
        while pulse.since(float("-inf")) == began:  # noqa: ASYNC110 - of time itself
            await asyncio.sleep(0.01)

    assert began is not None
    assert began.answered == 3


async def test_one_that_is_overdue_is_late_before_it_ends(pulse: Pulse, held: Held) -> None:
    await pulse.measure(7)
    pulse.idle = 0.0
    pulse._floor = 0.01
    held.free.clear()
    beating = asyncio.create_task(pulse.beat())
    while not (told := pulse.since(float("-inf"))) or not told.late:  # noqa: ASYNC110 - the same
        await asyncio.sleep(0.005)
    assert not beating.done()
    assert pulse._traffic.width < CAMPAIGN.limits.concurrency

    held.free.set()
    await beating
    assert pulse.since(float("-inf")) == Heartbeats(
        answered=3, late=1, slowest=told_slowest(pulse), allowed=0.01
    )


async def test_one_that_fails_is_late(pulse: Pulse, held: Held) -> None:
    await pulse.measure(7)
    held.answer = RESET
    await pulse.beat()
    told = pulse.since(float("-inf"))

    assert told is not None
    assert told.late == 1


async def test_those_that_began_before_do_not_count(pulse: Pulse) -> None:
    await pulse.measure(7)
    told = pulse.since(float("inf"))

    assert told is not None
    assert (told.answered, told.late, told.slowest) == (0, 0, None)


async def test_without_a_batch_none_is_made(pulse: Pulse) -> None:
    await pulse.measure(7)
    pulse.leave(7)
    await pulse.beat()
    told = pulse.since(float("-inf"))

    assert told is not None
    assert told.answered == 3


def test_where_no_sentinel_fits_there_is_no_pulse() -> None:
    assert pulse_of(PLACE._replace(port="8080"), CAMPAIGN, tools(Played())) is None


def told_slowest(pulse: Pulse) -> float | None:
    told = pulse.since(float("-inf"))
    return told.slowest if told is not None else None


def asked_hosts(pulse: Pulse) -> list[str]:
    return [one.item.host for one in pulse.leave(7)]


async def test_heartbeats_are_items_as_soon_as_one_has_passed(pulse: Pulse) -> None:
    await pulse.measure(7)
    pulse._passed.offer(Passed(item("passed")))
    await pulse.measure(7)
    await pulse.beat()

    hosts = asked_hosts(pulse)
    assert ["amber-lantern.accredit.test"] * 3 == hosts[:3]
    assert ["passed.canary.accredit.test"] * 4 == hosts[3:]


async def test_the_idle_time_of_items_takes_the_place_of_the_sentinel_s(
    pulse: Pulse, held: Held
) -> None:
    await pulse.measure(7)
    pulse.idle = 60.0
    pulse._passed.offer(Passed(item("passed")))
    await pulse.measure(7)

    assert pulse.idle < 60.0
    told = pulse.since(float("-inf"))
    assert told is not None
    assert (told.answered, told.late) == (6, 0)


async def test_an_item_that_is_blocked_by_now_is_neither_answered_nor_late(
    pulse: Pulse, held: Held
) -> None:
    await pulse.measure(7)
    pulse._passed.offer(Passed(item("passed")))
    await pulse.measure(7)
    held.answer = BLOCKED
    await pulse.beat()
    await pulse.beat()

    told = pulse.since(float("-inf"))
    assert told is not None
    assert (told.answered, told.late) == (6, 0)
    assert len(asked_hosts(pulse)) == 7, "the sentinel does not stand for items again"


async def test_items_that_do_not_answer_alone_are_heartbeats_all_the_same(
    pulse: Pulse, held: Held
) -> None:
    await pulse.measure(7)
    pulse._passed.offer(Passed(item("passed")))
    held.answer = RESET
    await pulse.measure(7)
    await pulse.beat()

    told = pulse.since(float("-inf"))
    assert told is not None
    assert (told.answered, told.late) == (3, 1)


async def test_a_site_of_strangers_may_take_what_it_takes_on_the_control(pulse: Pulse) -> None:
    await pulse.measure(7)
    pulse._passed.offer(Passed(item("slow"), took=5.0))
    await pulse.measure(7)
    began = pulse._clock.monotonic()
    await pulse.beat()
    told = pulse.since(began)

    assert told is not None
    assert told.allowed is not None
    assert told.allowed > 20
