"""Courtesy bounds what one line and one site get at once, and nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from harness.measure.concurrency_limiter import RateLimits
from harness.model.campaign import Limits
from harness.model.corpus import Item


async def peaks(limits: Limits, *wanted: tuple[str, str]) -> Counter[str]:
    """How many were in their place at once, by line and by site, at most."""
    rate_limits = RateLimits(limits)
    aloft: Counter[str] = Counter()
    peak: Counter[str] = Counter()

    async def one(line: str, site: str) -> None:
        item = Item(id="i", value=f"www.{site}", registrable=site, labels=("GAMB",))
        async with rate_limits.slot(line, item):
            for name in (line, site):
                aloft[name] += 1
                peak[name] = max(peak[name], aloft[name])
            await asyncio.sleep(0)
            aloft.subtract((line, site))

    await asyncio.gather(*(one(line, site) for line, site in wanted))
    assert {0} == set(aloft.values())
    return peak


async def test_a_site_gets_no_more_than_its_share() -> None:
    seen = await peaks(Limits(per_site=2), *[("proxy", "a.test")] * 9, *[("proxy", "b.test")] * 9)

    assert {"proxy": 4, "a.test": 2, "b.test": 2} == seen


async def test_a_line_gets_no_more_than_its_share() -> None:
    seen = await peaks(Limits(per_line=3), *[("proxy", f"{n}.test") for n in range(9)])

    assert 3 == seen["proxy"]


async def test_who_gives_up_waiting_holds_nothing() -> None:
    rate_limits = RateLimits(Limits(per_site=1, per_line=1))
    one = Item(id="i", value="a.test", labels=("GAMB",))
    other = Item(id="j", value="b.test", labels=("GAMB",))
    async with rate_limits.slot("proxy", one):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), rate_limits.slot("proxy", other):
                pass
    async with asyncio.timeout(1):
        async with rate_limits.slot("proxy", other):
            pass


async def test_the_control_is_another_line() -> None:
    both = [("proxy", "a.test"), ("control", "a.test")] * 5

    assert 4 == (await peaks(Limits(per_site=2), *both))["a.test"]


async def test_without_a_limit_nobody_waits() -> None:
    seen = await peaks(Limits(per_site=None), *[("proxy", "a.test")] * 20)

    assert 20 == seen["a.test"]
