"""A gate keeps the number aloft, and tells when there is room to queue."""

from __future__ import annotations

import asyncio

from harness.gate import Gate


async def test_no_more_pass_than_it_is_wide() -> None:
    gate, aloft, peak = Gate(3), 0, 0

    async def pass_through() -> None:
        nonlocal aloft, peak
        async with gate:
            aloft += 1
            peak = max(peak, aloft)
            await asyncio.sleep(0)
            aloft -= 1

    await asyncio.gather(*(pass_through() for _ in range(20)))

    assert (0, 3) == (aloft, peak)


async def test_room_waits_until_few_are_still_to_come() -> None:
    gate, over = Gate(2), asyncio.Event()

    async def hold() -> None:
        async with gate:
            await over.wait()

    gate.announce(4)
    holders = [asyncio.ensure_future(hold()) for _ in range(4)]
    asking = asyncio.ensure_future(gate.room())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not asking.done()

    over.set()
    await asyncio.gather(asking, *holders)


async def test_one_who_gives_up_is_no_longer_to_come() -> None:
    gate = Gate(1)
    await gate.__aenter__()
    gate.announce(1)
    queueing = asyncio.ensure_future(gate.__aenter__())
    await asyncio.sleep(0)
    queueing.cancel()
    await asyncio.gather(queueing, return_exceptions=True)

    await asyncio.wait_for(gate.room(), 1)


async def test_strain_halves_and_good_answers_widen_again() -> None:
    gate = Gate(8)
    gate.narrow()
    gate.narrow()
    assert 2 == gate.width

    for _ in range(2 + 3):
        gate.praise()
    assert 4 == gate.width

    for _ in range(100):
        gate.praise()
    gate.narrow()
    for _ in range(5):
        gate.narrow()
    assert 1 == gate.width


async def test_a_narrowed_gate_holds_to_its_width() -> None:
    gate, aloft, peak = Gate(8), 0, 0
    gate.narrow()

    async def pass_through() -> None:
        nonlocal aloft, peak
        async with gate:
            aloft += 1
            peak = max(peak, aloft)
            await asyncio.sleep(0)
            aloft -= 1

    await asyncio.gather(*(pass_through() for _ in range(40)))

    assert (0, 4) == (aloft, peak)
