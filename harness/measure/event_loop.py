"""Event loop of a measurement: choice of the loop, garbage collection, bounded tasks, and lag.

uvloop (libuv) needs less time for each event, above all for TLS and the ``portable`` lane. It is
an extra, ``isp-accredit[fast]``; only speed depends on it.
"""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from time import thread_time
from types import TracebackType
from typing import Self

from harness.ports.storage import Clock


def new_loop() -> asyncio.AbstractEventLoop:
    """Create the fastest event loop installed (uvloop, else asyncio); the caller closes it."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


YOUNG = 20_000
"""Allocations before a collection of the youngest generation (Python's default: 700, from 3.12 on
2000)."""


def are_some_exempt() -> bool:
    """Whether objects are exempt from garbage collection; counting a million takes 20 ms."""
    return gc.get_freeze_count() > 0


@contextmanager
def infrequent_garbage_collection() -> Iterator[None]:
    """Exempt present objects from garbage collection, and collect new ones less often.

    Objects that the caller has exempted before stay so, and then only these are exempt.
    """
    before, is_frozen = gc.get_threshold(), are_some_exempt()
    if not is_frozen:
        gc.collect()
        gc.freeze()
    gc.set_threshold(max(YOUNG, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not is_frozen:
            gc.unfreeze()


class BoundedTasks:
    """Run tasks beside each other; ``room`` waits until fewer than ``most`` are under way."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._failed: list[BaseException] = []

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Start one more."""
        task = asyncio.create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._end)

    async def room(self) -> None:
        """Wait until one more may be started. Raises what a task raised."""
        await self._wait_below(self._most)

    async def wait(self) -> None:
        """Wait until all have ended. Raises what a task raised."""
        await self._wait_below(1)

    async def close(self) -> None:
        """Cancel those under way."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _wait_below(self, most: int) -> None:
        while len(self._waiting) >= most:
            self._ended.clear()
            await self._ended.wait()
        if self._failed:
            raise self._failed[0]

    def _end(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        self._ended.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(error)


INTERVAL = 0.1
"""Seconds between two measurements of the lag."""

TOLERATED = 0.5
"""Seconds of lag from which a timeout counts as trouble of our own."""

REMEMBERED = 3000
"""Measurements kept: five minutes, longer than any attempt lasts."""


Ticks = list[tuple[float, float]]
"""Lags in seconds, each with the seconds for which our own thread computed since the last one."""


class LoopLagMonitor:
    """Measure the lag of the event loop, and remember it for as long as an attempt may last.

    ``begin_ticks`` returns a list to which each measurement is added until ``end_ticks``.
    """

    def __init__(self, clock: Clock, interval: float = INTERVAL) -> None:
        self._clock = clock
        self._interval = interval
        self._late: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._task: asyncio.Task[None] | None = None
        self._ticks: dict[int, Ticks] = {}

    async def __aenter__(self) -> Self:
        """Start measuring."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop measuring."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def begin_ticks(self) -> Ticks:
        """Collect all measurements from now on."""
        ticks: Ticks = []
        self._ticks[id(ticks)] = ticks
        return ticks

    def end_ticks(self, ticks: Ticks) -> None:
        """Add no more measurements to a list."""
        self._ticks.pop(id(ticks), None)

    def note(self, lag: float, computed: float = 0.0) -> None:
        """Record a lag, in seconds, during which our own thread computed so many seconds."""
        if lag > TOLERATED:
            self._late.append((self._clock.monotonic(), lag))
        for ticks in self._ticks.values():
            ticks.append((max(0.0, lag), computed))

    def is_overloaded_since(self, moment: float) -> bool:
        """Whether the loop lagged too much at any time after ``moment`` (monotonic seconds)."""
        return any(at >= moment for at, _ in reversed(self._late))

    async def _run(self) -> None:
        while True:
            before, computed = self._clock.monotonic(), thread_time()
            await asyncio.sleep(self._interval)
            lag = self._clock.monotonic() - before - self._interval
            self.note(lag, thread_time() - computed)
