"""A gate keeps the number aloft, and tells when there is room to queue."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.measure.concurrency_limiter import ConcurrencyLimiter
from harness.model.observation import Failure, Timings
from harness.ports.network import Attempt, ProbeResult
from test_suites.unit.harness.measure.test_observe import Script, watch


async def test_no_more_pass_than_it_is_wide() -> None:
    limiter, aloft, peak = ConcurrencyLimiter(3), 0, 0

    async def pass_through() -> None:
        nonlocal aloft, peak
        async with limiter:
            aloft += 1
            peak = max(peak, aloft)
            await asyncio.sleep(0)
            aloft -= 1

    await asyncio.gather(*(pass_through() for _ in range(20)))

    assert (0, 3) == (aloft, peak)


async def test_room_waits_until_few_are_still_to_come() -> None:
    limiter, over = ConcurrencyLimiter(2), asyncio.Event()

    async def hold() -> None:
        async with limiter:
            await over.wait()

    limiter.announce(4)
    holders = [asyncio.ensure_future(hold()) for _ in range(4)]
    asking = asyncio.ensure_future(limiter.wait_for_capacity())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not asking.done()

    over.set()
    await asyncio.gather(asking, *holders)


async def test_one_who_gives_up_is_no_longer_to_come() -> None:
    limiter = ConcurrencyLimiter(1)
    await limiter.__aenter__()
    limiter.announce(1)
    queueing = asyncio.ensure_future(limiter.__aenter__())
    await asyncio.sleep(0)
    queueing.cancel()
    await asyncio.gather(queueing, return_exceptions=True)

    await asyncio.wait_for(limiter.wait_for_capacity(), 1)


async def test_one_who_gives_up_in_the_queue_gives_no_place_back() -> None:
    limiter = ConcurrencyLimiter(1)
    await limiter.__aenter__()
    impatient, patient = (asyncio.ensure_future(limiter.__aenter__()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    await asyncio.sleep(0)
    assert not patient.done()

    await limiter.__aexit__(None, None, None)
    await patient


async def test_one_who_gives_up_just_when_a_place_is_given_gives_it_back() -> None:
    limiter = ConcurrencyLimiter(1)
    await limiter.__aenter__()
    impatient, patient = (asyncio.ensure_future(limiter.__aenter__()) for _ in range(2))
    await asyncio.sleep(0)
    await limiter.__aexit__(None, None, None)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)

    await patient


async def test_strain_halves_and_good_answers_widen_again() -> None:
    limiter = ConcurrencyLimiter(8)
    limiter.decrease()
    limiter.decrease()
    assert 2 == limiter.width

    for _ in range(2 + 3):
        limiter.count_success()
    assert 4 == limiter.width

    for _ in range(100):
        limiter.count_success()
    limiter.decrease()
    for _ in range(5):
        limiter.decrease()
    assert 1 == limiter.width


@pytest.mark.parametrize(("line", "at_once"), [("a", 6), ("control", 3)])
async def test_what_is_slow_narrows_the_gate_only_if_the_control_is(
    line: str, at_once: int
) -> None:
    """A service may be slow to one item for its own reasons; the control shows what we ask."""
    aloft = most = 0

    class Counting(Script):
        async def try_item(self, attempt: Attempt, line: Any) -> ProbeResult:
            nonlocal aloft, most
            aloft += 1
            if attempt.item.id.endswith(".after"):
                most = max(most, aloft)
            for _ in range(20):
                await asyncio.sleep(0)
            aloft -= 1
            return await super().try_item(attempt, line)

    slow = ProbeResult(timings=Timings(), failure=Failure(name="timed_out", stage="response"))
    seen = await watch(
        Counting({(line, "i1"): lambda attempt: slow if attempt.timeout < 5 else None}), width=6
    )

    assert [2] == [one.tries for one in seen if (one.key.line, one.item.id) == (line, "i1")]
    assert most == at_once


async def test_a_narrowed_gate_holds_to_its_width() -> None:
    limiter, aloft, peak = ConcurrencyLimiter(8), 0, 0
    limiter.decrease()

    async def pass_through() -> None:
        nonlocal aloft, peak
        async with limiter:
            aloft += 1
            peak = max(peak, aloft)
            await asyncio.sleep(0)
            aloft -= 1

    await asyncio.gather(*(pass_through() for _ in range(40)))

    assert (0, 4) == (aloft, peak)
