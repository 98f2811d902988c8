"""A gate lets so many attempts through at once, first come, first served.

Whoever feeds it announces what will come, and waits for ``room`` before announcing more: so
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


class Gate:
    """At most ``width`` at once, ``most`` at best; a context manager for each that passes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.width = most
        self._aloft = 0
        self._good = 0
        self._coming = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._has_room = asyncio.Event()
        self._has_room.set()

    def announce(self, number: int) -> None:
        """Say that so many more will come."""
        self._coming += number
        self._mind_room()

    async def room(self) -> None:
        """Wait until fewer are still to come than the gate is wide."""
        await self._has_room.wait()

    def narrow(self, *, in_use: bool = False) -> None:
        """Let half as many through from now on (or half of those ``in_use``), at least one."""
        wide = min(self.width, self._aloft) if in_use and self._aloft else self.width
        self.width = max(1, wide // 2)
        self._good = 0
        self._mind_room()

    def praise(self) -> None:
        """Count a good answer; enough of them widen the gate by one."""
        self._good += 1
        if self._good >= self.width and self.width < self.most:
            self.width += 1
            self._good = 0
            self._let_through()

    def widen(self) -> None:
        """Let as many through as at best."""
        self.width = self.most
        self._let_through()
        self._mind_room()

    async def __aenter__(self) -> None:
        """Pass as soon as there is a place."""
        try:
            if self._aloft < self.width and not self._queue:
                self._aloft += 1
                return
            place = asyncio.get_running_loop().create_future()
            self._queue.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._leave()
                raise
        finally:
            self._coming = max(0, self._coming - 1)
            self._mind_room()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the place back."""
        self._leave()

    def _leave(self) -> None:
        self._aloft -= 1
        self._let_through()

    def _let_through(self) -> None:
        while self._queue and self._aloft < self.width:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                self._aloft += 1

    def _mind_room(self) -> None:
        if self._coming < self.width:
            self._has_room.set()
        else:
            self._has_room.clear()


SECOND_LOOKS = 4
"""How many times more attempts may wait for a silence to be confirmed than are first looks."""

PATIENT_LOOKS = 200
"""How many attempts may wait with the longest patience at once."""

PAUSE_AFTER = 2
"""Heartbeats in a row without any answer, at the narrowest, after which nothing begins any more
until one is answered, or until the patience of a second look has passed."""

WARIEST = 64
"""So many times a width's worth of good answers are the most that widening takes."""


class Traffic:
    """What is under way on one line. ``quiet``: seconds after which an attempt only waits."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        width = limits.concurrency
        patient = PATIENT_LOOKS if limits.per_line is None else max(1, limits.per_line // 2)
        self._gates: dict[Look, Gate] = {
            "first": Gate(width),
            "confirmed": Gate(SECOND_LOOKS * width if width > 1 else 1),
            "patience": Gate(patient),
        }
        self._clock = clock
        self._under_way: dict[object, float] = {}
        self._open = asyncio.Event()
        self._open.set()
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()
        self._flows = asyncio.Event()
        self._flows.set()
        self._giving_up: asyncio.TimerHandle | None = None
        # what was under way when it began has ended by half of it, and heartbeats follow
        self._longest_pause = 2 * limits.confirmation_timeout
        self._unanswered = 0
        self._wary = 1
        self._good: Counter[Look] = Counter()
        self._heartbeat = asyncio.Lock()
        self.quiet = 0.0
        self.narrowest = width
        self.is_dead = False

    def gate(self, look: Look) -> Gate:
        """Where a look of this kind waits for its place."""
        return self._gates.get(look, self._gates["first"])

    @property
    def width(self) -> int:
        """How many first looks the line bears at once now."""
        return self._gates["first"].width

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """Be counted as under way; waits while somebody is alone on the line."""
        while not (self._open.is_set() and self._flows.is_set()) or self._is_taken():
            await self._open.wait()
            await self._flows.wait()
            if self._is_taken():
                await self._next_end()
        with self.counted():
            yield

    def _is_taken(self) -> bool:
        """Whether the one place of the narrowest line is taken."""
        return self.width == 1 and bool(self._under_way)

    @asynccontextmanager
    async def heartbeat(self) -> AsyncIterator[None]:
        """Be a heartbeat; on the narrowest line, the only one."""
        async with self._heartbeat if self.width == 1 else nullcontext():
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nothing else begins on the line meanwhile.

        What is under way has ended, or has waited in silence longer than a heartbeat takes:
        such an attempt costs the line an open connection, and no work. On the narrowest line it
        has ended.
        """
        async with self._turn:
            self._open.clear()
            try:
                await self._calm()
                yield
            finally:
                self._open.set()

    def narrow(self) -> None:
        """Halve what goes over the line at once: it was too much."""
        for gate in self._gates.values():
            gate.narrow(in_use=True)
        self.narrowest = min(self.narrowest, self.width)
        self._wary = min(WARIEST, 2 * self._wary)

    def praise(self, look: Look = "first") -> None:
        """Count a good answer."""
        self._good[look] += 1
        if self._good[look] % self._wary == 0:
            self.gate(look).praise()

    def heartbeat_in_time(self) -> None:
        """The line answers as it does when idle: it bears a little more."""
        self._revive()
        for look in self._gates:
            self.praise(look)
        if all(gate.width == gate.most for gate in self._gates.values()):
            self._wary = 1

    def heartbeat_late(self) -> None:
        """The line has too much of us, unless it answers nobody anyway."""
        if not self.is_dead:
            self.narrow()

    def heartbeat_ended_late(self, *, is_answered: bool) -> None:
        """What became of a late heartbeat at last."""
        if is_answered:
            self._revive()
            return
        self._unanswered += 1
        if self._unanswered >= PAUSE_AFTER and self.width == 1 and not self.is_dead:
            self._pause()

    def _pause(self) -> None:
        """Let nothing begin until a heartbeat is answered: what is queued there may be served."""
        if self._flows.is_set():
            self._flows.clear()
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(self._longest_pause, self._give_up)

    def _revive(self) -> None:
        self._unanswered, self.is_dead = 0, False
        if self._giving_up is not None:
            self._giving_up.cancel()
        self._flows.set()

    def _give_up(self) -> None:
        """A line that answers nobody while nothing of ours begins is not overloaded by us."""
        self.is_dead = True
        for gate in self._gates.values():
            gate.widen()
        self._flows.set()

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

    async def _calm(self) -> None:
        """Wait until all that is under way has ended, or only waits."""
        while self._under_way:
            left: float | None = None
            if self.width > 1:
                left = max(self._under_way.values()) + self.quiet - self._clock.monotonic()
                if left <= 0:
                    return
            await self._next_end(left)

    async def _next_end(self, patience: float | None = None) -> None:
        """Wait until an attempt ends, at most so many seconds."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._ended.wait()


class Place:
    """A place in each of several queues, taken in their order; a context manager."""

    def __init__(self, *queues: asyncio.Semaphore) -> None:
        self._queues = queues

    async def __aenter__(self) -> None:
        """Wait for all of them; whoever gives up waiting holds none."""
        for number, queue in enumerate(self._queues):
            try:
                await queue.acquire()
            except BaseException:
                _leave(self._queues[:number])
                raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give all of them back."""
        _leave(self._queues)


class Courtesy:
    """Says where to wait until a line and a site have a place for one more."""

    def __init__(self, limits: Limits) -> None:
        self._per_line = limits.per_line
        self._per_site = limits.per_site
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._sites: WeakValueDictionary[tuple[str, str], asyncio.Semaphore]
        self._sites = WeakValueDictionary()

    def place(self, line: str, item: Item) -> Place:
        """A place at the item's site and on the line, to be taken with ``async with``."""
        queues = []
        if self._per_site is not None:
            queues.append(self._site(line, item, self._per_site))
        if self._per_line is not None:
            if line not in self._lines:
                self._lines[line] = asyncio.Semaphore(self._per_line)
            queues.append(self._lines[line])
        return Place(*queues)

    def _site(self, line: str, item: Item, most: int) -> asyncio.Semaphore:
        """The places at a site over a line; forgotten when nobody holds or wants one."""
        name = line, item.registrable or item.host
        site = self._sites.get(name)
        if site is None:
            site = self._sites[name] = asyncio.Semaphore(most)
        return site


def _leave(queues: tuple[asyncio.Semaphore, ...]) -> None:
    for queue in queues:
        queue.release()
