"""Proxies whose answers depend on how busy they are, or on when they are asked."""

from __future__ import annotations

import asyncio

from test_suites.calibration.hostile.supplier import (
    DELAY,
    EVERYTHING,
    HELD_BACK,
    OVERBLOCKING,
    SAME_BY_EVERY_WAY,
    UNDECIDED,
    web,
)
from test_suites.calibration.hostile.web_call import Call

ROOM = 2
"""Requests that a small service answers at once."""


async def only_sentinels(call: Call) -> None:
    """Filter nothing but the sentinels."""
    await (call.filter_rightly() if call.is_sentinel else call.pass_on())


def turn(call: Call) -> asyncio.Lock:
    """The lock that lets one request at a time be answered."""
    lock: asyncio.Lock = call.service.memory.setdefault("turn", asyncio.Lock())
    return lock


async def in_turn(call: Call) -> None:
    """Answer one request at a time; nobody waits for a client that has gone."""
    async with turn(call):
        if not call.stream.is_gone:
            await call.wait(call.service.scale.slow / 6)
            await only_sentinels(call)


@web(
    "Filters nothing but the sentinels, and serves one request at a time.",
    by_chance={DELAY},
)
async def one_at_a_time(call: Call) -> None:
    await in_turn(call)


@web(
    "Filters nothing but the sentinels, and serves other requests one at a time.",
    by_chance={DELAY},
)
async def one_at_a_time_but_for_sentinels(call: Call) -> None:
    await (only_sentinels(call) if call.is_sentinel else in_turn(call))


@web("Filters nothing but the sentinels, and does not answer more than two requests at once.")
async def silent_when_busy(call: Call) -> None:
    if call.service.in_flight > ROOM:
        await call.keep_silent()
    else:
        await call.wait(0.02)
        await only_sentinels(call)


@web("Filters nothing but the sentinels, and does not answer more than two other requests at once.")
async def silent_when_busy_but_for_sentinels(call: Call) -> None:
    if call.service.in_flight > ROOM and not call.is_sentinel:
        await call.keep_silent()
    else:
        await call.wait(0.02)
        await only_sentinels(call)


@web("Filters nothing but the sentinels, and resets connections beyond two at once.")
async def resets_when_busy(call: Call) -> None:
    if call.service.in_flight > ROOM and not call.is_sentinel:
        call.stream.reset()
    else:
        await call.wait(0.02)
        await only_sentinels(call)


@web(
    "Filters nothing but the sentinels, and closes connections beyond two at once.",
    by_chance={OVERBLOCKING},
)
async def closes_when_busy(call: Call) -> None:
    if call.service.in_flight > ROOM and not call.is_sentinel:
        call.stream.cut()
    else:
        await call.wait(0.02)
        await only_sentinels(call)


@web(
    "Filters nothing but the sentinels, and answers 503 to requests beyond two at once.",
    by_chance={OVERBLOCKING},
)
async def unavailable_when_busy(call: Call) -> None:
    if call.service.in_flight > ROOM and not call.is_sentinel:
        await call.block(503, Retry_After="1")
    else:
        await call.wait(0.02)
        await only_sentinels(call)


@web(
    "Filters nothing but the sentinels, and answers 429 to more than forty requests a second.",
    by_chance={OVERBLOCKING},
)
async def rate_limiter(call: Call) -> None:
    if call.service.rate() > 40 and not call.is_sentinel:
        await call.block(429, Retry_After="1")
    else:
        await only_sentinels(call)


@web("Blocks harmful pages only while it has more than two requests at once.",
     breaks=UNDECIDED, by_chance=HELD_BACK)  # fmt: skip
async def blocks_when_busy(call: Call) -> None:
    await call.wait(0.02)
    if call.is_harmful and call.service.in_flight <= ROOM:
        await call.pass_on()
    else:
        await call.filter_rightly()


@web(
    "Blocks harmful pages only while it has no other requests; under load it lets them through.",
    by_chance={SAME_BY_EVERY_WAY},
)
async def blocks_when_idle(call: Call) -> None:
    await call.wait(0.05)
    if call.is_harmful and call.service.in_flight > 1:
        await call.pass_on()
    else:
        await call.filter_rightly()


@web("Filters only for a moment after each request for a sentinel.",
     breaks=UNDECIDED, by_chance=HELD_BACK)  # fmt: skip
async def only_near_sentinels(call: Call) -> None:
    if call.is_sentinel:
        call.service.note("sentinel")
    if call.is_harmful and call.service.since("sentinel") > 0.08:
        await call.pass_on()
    else:
        await call.filter_rightly()


@web("Switches its filter off after 80 requests, even for the sentinels.",
     breaks=EVERYTHING)  # fmt: skip
async def off_half_way(call: Call) -> None:
    await (call.filter_rightly() if call.service.total <= 80 else call.pass_on())


@web("Switches its filter off after 80 requests, except for the sentinels.", breaks=UNDECIDED)
async def off_half_way_but_for_sentinels(call: Call) -> None:
    is_on = call.service.total <= 80 or call.is_sentinel
    await (call.filter_rightly() if is_on else call.pass_on())


@web(
    "Switches its filter off and on every forty requests, except for the sentinels.",
    breaks=UNDECIDED,
)
async def off_and_on(call: Call) -> None:
    is_on = call.service.total // 40 % 2 == 0 or call.is_sentinel
    await (call.filter_rightly() if is_on else call.pass_on())


@web(
    "Filters nothing but the sentinels, and drops every third request.",
    by_chance={SAME_BY_EVERY_WAY, OVERBLOCKING},
)
async def random_drop(call: Call) -> None:
    name = "requests"
    if not call.is_sentinel:
        call.service.memory[name] = call.service.memory.get(name, 0) + 1
    if not call.is_sentinel and call.service.memory[name] % 3 == 0:
        await call.keep_silent()
    else:
        await only_sentinels(call)


@web("Filters correctly, but takes more than a second for every page.", breaks={DELAY})
async def slow(call: Call) -> None:
    await call.wait(call.service.scale.slow)
    await call.filter_rightly()


@web("Filters correctly, but takes more than a second for each item that should pass.",
     breaks={DELAY})  # fmt: skip
async def slow_for_items(call: Call) -> None:
    is_one = call.known is not None and call.known.kind == "ordinary"
    await (slow(call) if is_one else call.filter_rightly())


@web(
    "Stops answering after 80 requests.",
    breaks=EVERYTHING,
    only="Half of the campaign, including sentinels, got no answer, so nothing is known about it.",
)
async def dies_half_way(call: Call) -> None:
    await (call.filter_rightly() if call.service.total <= 80 else call.keep_silent())
