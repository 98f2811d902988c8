"""A gate lets so many attempts through at once, first come, first served.

Whoever feeds it announces what will come, and waits for ``wait_for_capacity`` before announcing more: so
batches follow each other closely without being stretched over the whole campaign, and the gate
does not run dry while a batch waits for a silence to be confirmed. Its width follows what the
line and this machine bear: halved at a sign of strain, one more after each width's worth of
good answers (additive increase, multiplicative decrease: Chiu and Jain, 1989).
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from types import TracebackType
from weakref import WeakValueDictionary

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.observation import Look
from harness.ports.storage import Clock


class ConcurrencyLimiter:
    """At most ``width`` at once, ``maximum`` at best; a context manager for each that passes."""

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.width = maximum
        self._in_flight = 0
        self._successes = 0
        self._announced = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()

    def announce(self, number: int) -> None:
        """Say that so many more will come."""
        self._announced += number
        self._update_capacity()

    async def wait_for_capacity(self) -> None:
        """Wait until fewer are still to come than the gate is wide."""
        await self._has_capacity.wait()

    def decrease(self, *, in_use: bool = False) -> None:
        """Let half as many through from now on (or half of those ``in_use``), at least one."""
        wide = min(self.width, self._in_flight) if in_use and self._in_flight else self.width
        self.width = max(1, wide // 2)
        self._successes = 0
        self._update_capacity()

    def count_success(self) -> None:
        """Count a good answer; enough of them widen the gate by one."""
        self._successes += 1
        if self._successes >= self.width and self.width < self.maximum:
            self.width += 1
            self._successes = 0
            self._admit_waiting()

    def restore_maximum(self) -> None:
        """Let as many through as at best."""
        self.width = self.maximum
        self._admit_waiting()
        self._update_capacity()

    async def __aenter__(self) -> None:
        """Pass as soon as there is a place."""
        try:
            if self._in_flight < self.width and not self._queue:
                self._in_flight += 1
                return
            place = asyncio.get_running_loop().create_future()
            self._queue.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._release()
                raise
        finally:
            self._announced = max(0, self._announced - 1)
            self._update_capacity()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the place back."""
        self._release()

    def _release(self) -> None:
        self._in_flight -= 1
        self._admit_waiting()

    def _admit_waiting(self) -> None:
        while self._queue and self._in_flight < self.width:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                self._in_flight += 1

    def _update_capacity(self) -> None:
        if self._announced < self.width:
            self._has_capacity.set()
        else:
            self._has_capacity.clear()


CONFIRMATION_FACTOR = 4
"""How many times more attempts may wait for a silence to be confirmed than are first looks."""

MAX_PATIENT_ATTEMPTS = 200
"""How many attempts may wait with the longest patience at once."""

PAUSE_AFTER = 2
"""Heartbeats in a row without any answer, at the narrowest, after which nothing begins any more
until one is answered, or until the patience of a second look has passed."""

MAX_CAUTION = 64
"""So many times a width's worth of good answers are the most that widening takes."""


class LineTraffic:
    """What is under way on one line. ``silent_after``: seconds after which an attempt only waits."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        width = limits.concurrency
        patient = MAX_PATIENT_ATTEMPTS if limits.per_line is None else max(1, limits.per_line // 2)
        self._limiters: dict[Look, ConcurrencyLimiter] = {
            "first": ConcurrencyLimiter(width),
            "confirmed": ConcurrencyLimiter(CONFIRMATION_FACTOR * width if width > 1 else 1),
            "patience": ConcurrencyLimiter(patient),
        }
        self._clock = clock
        self._under_way: dict[object, float] = {}
        self._not_exclusive = asyncio.Event()
        self._not_exclusive.set()
        self._exclusive_lock = asyncio.Lock()
        self._ended = asyncio.Event()
        self._not_paused = asyncio.Event()
        self._not_paused.set()
        self._pause_timer: asyncio.TimerHandle | None = None
        # what was under way when it began has ended by half of it, and heartbeats follow
        self._longest_pause = 2 * limits.confirmation_timeout
        self._unanswered = 0
        self._caution = 1
        self._successes: Counter[Look] = Counter()
        self._heartbeat = asyncio.Lock()
        self.silent_after = 0.0
        self.narrowest = width
        self.is_dead = False

    def limiter(self, look: Look) -> ConcurrencyLimiter:
        """Where a look of this kind waits for its place."""
        return self._limiters.get(look, self._limiters["first"])

    @property
    def width(self) -> int:
        """How many first looks the line bears at once now."""
        return self._limiters["first"].width

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """Be counted as under way; waits while somebody is alone on the line."""
        while (
            not (self._not_exclusive.is_set() and self._not_paused.is_set())
            or self._is_serial_and_busy()
        ):
            await self._not_exclusive.wait()
            await self._not_paused.wait()
            if self._is_serial_and_busy():
                await self._next_end()
        with self.counted():
            yield

    def _is_serial_and_busy(self) -> bool:
        """Whether the one place of the narrowest line is taken."""
        return self.width == 1 and bool(self._under_way)

    @asynccontextmanager
    async def heartbeat(self) -> AsyncIterator[None]:
        """Be a heartbeat; on the narrowest line, the only one."""
        async with self._heartbeat if self.width == 1 else nullcontext():
            yield

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Nothing else begins on the line meanwhile.

        What is under way has ended, or has waited in silence longer than a heartbeat takes:
        such an attempt costs the line an open connection, and no work. On the narrowest line it
        has ended.
        """
        async with self._exclusive_lock:
            self._not_exclusive.clear()
            try:
                await self._wait_until_idle()
                yield
            finally:
                self._not_exclusive.set()

    def decrease(self) -> None:
        """Halve what goes over the line at once: it was too much."""
        for limiter in self._limiters.values():
            limiter.decrease(in_use=True)
        self.narrowest = min(self.narrowest, self.width)
        self._caution = min(MAX_CAUTION, 2 * self._caution)

    def count_success(self, look: Look = "first") -> None:
        """Count a good answer."""
        self._successes[look] += 1
        if self._successes[look] % self._caution == 0:
            self.limiter(look).count_success()

    def heartbeat_in_time(self) -> None:
        """The line answers as it does when idle: it bears a little more."""
        self._resume()
        for look in self._limiters:
            self.count_success(look)
        if all(limiter.width == limiter.maximum for limiter in self._limiters.values()):
            self._caution = 1

    def heartbeat_late(self) -> None:
        """The line has too much of us, unless it answers nobody anyway."""
        if not self.is_dead:
            self.decrease()

    def heartbeat_ended_late(self, *, is_answered: bool) -> None:
        """What became of a late heartbeat at last."""
        if is_answered:
            self._resume()
            return
        self._unanswered += 1
        if self._unanswered >= PAUSE_AFTER and self.width == 1 and not self.is_dead:
            self._pause()

    def _pause(self) -> None:
        """Let nothing begin until a heartbeat is answered: what is queued there may be served."""
        if self._not_paused.is_set():
            self._not_paused.clear()
            loop = asyncio.get_running_loop()
            self._pause_timer = loop.call_later(self._longest_pause, self._declare_dead)

    def _resume(self) -> None:
        self._unanswered, self.is_dead = 0, False
        if self._pause_timer is not None:
            self._pause_timer.cancel()
        self._not_paused.set()

    def _declare_dead(self) -> None:
        """A line that answers nobody while nothing of ours begins is not overloaded by us."""
        self.is_dead = True
        for limiter in self._limiters.values():
            limiter.restore_maximum()
        self._not_paused.set()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Be counted as under way, without waiting."""
        token = object()
        self._under_way[token] = self._clock.monotonic()
        try:
            yield
        finally:
            del self._under_way[token]
            self._ended.set()

    async def _wait_until_idle(self) -> None:
        """Wait until all that is under way has ended, or only waits."""
        while self._under_way:
            left: float | None = None
            if self.width > 1:
                left = max(self._under_way.values()) + self.silent_after - self._clock.monotonic()
                if left <= 0:
                    return
            await self._next_end(left)

    async def _next_end(self, patience: float | None = None) -> None:
        """Wait until an attempt ends, at most so many seconds."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._ended.wait()


class Slot:
    """A place in each of several queues, taken in their order; a context manager."""

    def __init__(self, *queues: asyncio.Semaphore) -> None:
        self._queues = queues

    async def __aenter__(self) -> None:
        """Wait for all of them; whoever gives up waiting holds none."""
        for number, queue in enumerate(self._queues):
            try:
                await queue.acquire()
            except BaseException:
                _release(self._queues[:number])
                raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give all of them back."""
        _release(self._queues)


class RateLimits:
    """Says where to wait until a line and a site have a place for one more."""

    def __init__(self, limits: Limits) -> None:
        self._per_line = limits.per_line
        self._per_site = limits.per_site
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._sites: WeakValueDictionary[tuple[str, str], asyncio.Semaphore]
        self._sites = WeakValueDictionary()

    def place(self, line: str, item: Item) -> Slot:
        """A place at the item's site and on the line, to be taken with ``async with``."""
        queues = []
        if self._per_site is not None:
            queues.append(self._site(line, item, self._per_site))
        if self._per_line is not None:
            if line not in self._lines:
                self._lines[line] = asyncio.Semaphore(self._per_line)
            queues.append(self._lines[line])
        return Slot(*queues)

    def _site(self, line: str, item: Item, maximum: int) -> asyncio.Semaphore:
        """The places at a site over a line; forgotten when nobody holds or wants one."""
        name = line, item.registrable or item.host
        site = self._sites.get(name)
        if site is None:
            site = self._sites[name] = asyncio.Semaphore(maximum)
        return site


def _release(queues: tuple[asyncio.Semaphore, ...]) -> None:
    for queue in queues:
        queue.release()
