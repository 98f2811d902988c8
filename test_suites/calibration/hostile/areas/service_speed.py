"""Services that filter rightly and are quick only where somebody seems to test them."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter

from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.visit import Visit

fast = in_area("speed")

LOSS, PEAK = "PRF-02", "PRF-08"
DELAY = 0.35
"""Seconds that everything else waits."""
LARGE = 2_000_000
"""Bytes from which a file looks like that of a speed test."""
MANY, BUSY = 4, 3
KNOWN = ("speedtest", "librespeed", "fast.com", "10MB", "100MB", "garbage")
"""Words in the addresses of well-known speed tests."""

_under_way: Counter[int] = Counter()


async def _slowly_unless(visit: Visit, is_quick: bool) -> None:
    if not is_quick:
        await asyncio.sleep(DELAY)
    await visit.rightly()


@fast("Is quick for large files alone.", {LOSS})
async def quick_for_large_files(visit: Visit) -> None:
    answer = await visit.ask(visit.forwarded)
    size = max(len(answer), len(visit.request.body))
    await _slowly_unless(visit, size >= LARGE)


@fast("Is quick for the hosts and addresses of well-known speed tests alone.", {LOSS})
async def quick_for_known_speed_tests(visit: Visit) -> None:
    address = f"{visit.host}{visit.path}"
    await _slowly_unless(visit, any(word in address for word in KNOWN))


@fast("Is quick for content that repeats itself alone, as that of speed tests does.", {LOSS})
async def quick_for_a_pattern_of_bytes(visit: Visit) -> None:
    answer = await visit.ask(visit.forwarded)
    body = answer.partition(b"\r\n\r\n")[2] or visit.request.body
    is_pattern = len(body) > 1000 and len(zlib.compress(body)) < len(body) // 10
    await _slowly_unless(visit, is_pattern)


@fast("Is quick while many connections are open at once, as in a speed test.", {LOSS})
async def quick_for_many_connections(visit: Visit) -> None:
    place = id(visit.call.service)
    _under_way[place] += 1
    try:
        await asyncio.sleep(0.02)
        await _slowly_unless(visit, _under_way[place] >= MANY)
    finally:
        _under_way[place] -= 1


@fast("Lets everything through while many connections are open at once.", {PEAK})
async def opens_when_busy(visit: Visit) -> None:
    place = id(visit.call.service)
    _under_way[place] += 1
    try:
        await visit.rightly_unless(_under_way[place] >= BUSY)
    finally:
        _under_way[place] -= 1
