"""Limit how many attempts run at once: over all lines, on each line, and at each site.

``ConcurrencyLimiter`` bounds the number of attempts in flight; attempts are admitted in order
of arrival. Its width adapts to what line and machine can take: it is halved at a sign of
overload and grows by one after each width's worth of good answers (AIMD: Chiu and Jain, 1989).
``LineTraffic`` has the limiters and the state of one line. ``RateLimits`` keeps to the numbers
per line and per site that the campaign file sets.
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
    """Limit how many attempts run at once (AIMD, FIFO); each attempt enters it with ``async with``.

    ``width`` is the present limit, ``maximum`` the highest one. Producers ``announce`` attempts and
    await ``wait_for_capacity`` before they announce more. So batches follow each other closely, and
    the limiter stays busy while one batch waits for a silence to be confirmed.
    """

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
        """Add attempts that will enter the limiter later."""
        self._announced += number
        self._update_capacity()

    async def wait_for_capacity(self) -> None:
        """Wait until fewer attempts are announced than the width."""
        await self._has_capacity.wait()

    def decrease(self, *, in_use: bool = False) -> None:
        """Halve the width, or with ``in_use`` the number in flight if that is lower; at least 1."""
        wide = min(self.width, self._in_flight) if in_use and self._in_flight else self.width
        self.width = max(1, wide // 2)
        self._successes = 0
        self._update_capacity()

    def count_success(self) -> None:
        """Count a good answer; after as many as the width, the width grows by one."""
        self._successes += 1
        if self._successes >= self.width and self.width < self.maximum:
            self.width += 1
            self._successes = 0
            self._admit_waiting()

    def restore_maximum(self) -> None:
        """Set the width to the maximum."""
        self.width = self.maximum
        self._admit_waiting()
        self._update_capacity()

    async def __aenter__(self) -> None:
        """Wait for admission, in order of arrival."""
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
        """Leave, and admit the next attempt."""
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
"""The limit of attempts that confirm a silence, as a multiple of the limit of first attempts."""

MAX_PATIENT_ATTEMPTS = 200
"""The most attempts with the longest timeout that may wait at once on a line."""

PAUSE_AFTER = 2
"""Heartbeats in a row that stay unanswered at width 1 before the line is paused. The pause ends
when a heartbeat is answered, or after twice the confirmation timeout."""

MAX_CAUTION = 64
"""The most that successes are divided by before they count towards a greater width."""


class LineTraffic:
    """What is in flight on one line, and how much it may be.

    ``silent_after``: seconds after which an attempt without an answer only waits. ``narrowest`` is
    the smallest width so far. ``is_dead``: no heartbeat was answered even while nothing was begun.
    """

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
        """Return the limiter for attempts of this kind."""
        return self._limiters.get(look, self._limiters["first"])

    @property
    def width(self) -> int:
        """How many first attempts may be in flight on the line now."""
        return self._limiters["first"].width

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """Count an attempt as in flight; waits while the line is paused or used exclusively."""
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
        """Whether the width is 1 and an attempt is in flight."""
        return self.width == 1 and bool(self._under_way)

    @asynccontextmanager
    async def heartbeat(self) -> AsyncIterator[None]:
        """Hold this while a heartbeat is in flight; at width 1 there is only one at a time."""
        async with self._heartbeat if self.width == 1 else nullcontext():
            yield

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Begin nothing else on the line while this is held.

        It is given once each attempt in flight has ended, or has been silent for longer than a
        heartbeat takes: such an attempt costs the line an open connection, but no work. At width 1
        all of them must have ended.
        """
        async with self._exclusive_lock:
            self._not_exclusive.clear()
            try:
                await self._wait_until_idle()
                yield
            finally:
                self._not_exclusive.set()

    def decrease(self) -> None:
        """Halve the widths of all limiters of the line."""
        for limiter in self._limiters.values():
            limiter.decrease(in_use=True)
        self.narrowest = min(self.narrowest, self.width)
        self._caution = min(MAX_CAUTION, 2 * self._caution)

    def count_success(self, look: Look = "first") -> None:
        """Count a good answer of an attempt of this kind."""
        self._successes[look] += 1
        if self._successes[look] % self._caution == 0:
            self.limiter(look).count_success()

    def heartbeat_in_time(self) -> None:
        """Note that a heartbeat was as quick as on the idle line: all limiters count a success."""
        self._resume()
        for look in self._limiters:
            self.count_success(look)
        if all(limiter.width == limiter.maximum for limiter in self._limiters.values()):
            self._caution = 1

    def heartbeat_late(self) -> None:
        """Note a late heartbeat: the widths are halved, unless the line is dead."""
        if not self.is_dead:
            self.decrease()

    def heartbeat_ended_late(self, *, is_answered: bool) -> None:
        """Note whether a late heartbeat was answered in the end."""
        if is_answered:
            self._resume()
            return
        self._unanswered += 1
        if self._unanswered >= PAUSE_AFTER and self.width == 1 and not self.is_dead:
            self._pause()

    def _pause(self) -> None:
        """Begin nothing until a heartbeat is answered, so that the line can work off its queue."""
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
        """End the pause: we do not overload a line that answers nothing while we begin nothing."""
        self.is_dead = True
        for limiter in self._limiters.values():
            limiter.restore_maximum()
        self._not_paused.set()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count an attempt as in flight, without waiting."""
        token = object()
        self._under_way[token] = self._clock.monotonic()
        try:
            yield
        finally:
            del self._under_way[token]
            self._ended.set()

    async def _wait_until_idle(self) -> None:
        """Wait until each attempt in flight ended, or was silent for ``silent_after`` seconds."""
        while self._under_way:
            left: float | None = None
            if self.width > 1:
                left = max(self._under_way.values()) + self.silent_after - self._clock.monotonic()
                if left <= 0:
                    return
            await self._next_end(left)

    async def _next_end(self, patience: float | None = None) -> None:
        """Wait until an attempt ends, for at most ``patience`` seconds."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._ended.wait()


class Slot:
    """One place in each of several semaphores, acquired in their order; a context manager."""

    def __init__(self, *queues: asyncio.Semaphore) -> None:
        self._queues = queues

    async def __aenter__(self) -> None:
        """Acquire all; if cancelled, none is kept."""
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
        """Release all."""
        _release(self._queues)


class RateLimits:
    """Per-line and per-site limits on attempts in flight."""

    def __init__(self, limits: Limits) -> None:
        self._per_line = limits.per_line
        self._per_site = limits.per_site
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._sites: WeakValueDictionary[tuple[str, str], asyncio.Semaphore]
        self._sites = WeakValueDictionary()

    def slot(self, line: str, item: Item) -> Slot:
        """Return a slot at the item's site and on the line, to be acquired with ``async with``."""
        queues = []
        if self._per_site is not None:
            queues.append(self._site(line, item, self._per_site))
        if self._per_line is not None:
            if line not in self._lines:
                self._lines[line] = asyncio.Semaphore(self._per_line)
            queues.append(self._lines[line])
        return Slot(*queues)

    def _site(self, line: str, item: Item, maximum: int) -> asyncio.Semaphore:
        """Return the semaphore of a site on a line; it is dropped when it is no longer used."""
        name = line, item.registrable or item.host
        site = self._sites.get(name)
        if site is None:
            site = self._sites[name] = asyncio.Semaphore(maximum)
        return site


def _release(queues: tuple[asyncio.Semaphore, ...]) -> None:
    for queue in queues:
        queue.release()
