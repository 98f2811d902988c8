"""Watching ourselves: a loop that lags is remembered for as long as it matters."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from harness.measure.event_loop import TOLERATED, LoopLagMonitor


class Clock:
    """A clock that somebody turns."""

    seconds = 100.0

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


def test_a_lag_counts_for_what_was_under_way() -> None:
    clock = Clock()
    watch = LoopLagMonitor(clock)
    watch.note(TOLERATED + 0.1)

    assert watch.is_overloaded_since(99.0)
    assert not watch.is_overloaded_since(101.0)


def test_a_little_lag_is_no_overload() -> None:
    watch = LoopLagMonitor(Clock())
    watch.note(TOLERATED)

    assert not watch.is_overloaded_since(0.0)


async def test_the_heart_notes_a_loop_that_was_held_up() -> None:
    clock = Clock()
    async with LoopLagMonitor(clock, interval=0.0) as watch:
        await asyncio.sleep(0)
        clock.seconds += 2.0
        for _ in range(5):
            await asyncio.sleep(0)

        assert watch.is_overloaded_since(100.0)
