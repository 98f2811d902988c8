"""A pulse tries one must-allow item after another on a line, one at a time, while others wait.

How long such an item takes while nothing else is under way is measured first. Later it must be
answered within a small multiple of that time: if not, the line has too much of us, and narrows.
Until some items have passed it is a sentinel; then it is one of those
(``harness.measure.heartbeats``), so that no service can treat heartbeats better than the items
beside them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

from harness.measure.concurrency_limiter import LineTraffic
from harness.model.campaign import Limits
from harness.model.corpus import NAMED, Item
from harness.model.facts.dns import DnsFacts
from harness.model.facts.web import WebFacts
from harness.model.observation import CONTROL, AttemptKey, Heartbeats, Observation
from harness.model.sampler import Smallest, ordering
from harness.model.verdict import is_answer, is_silent, is_trouble
from harness.ports.storage import Clock

KEPT = 200
"""Items kept for each place, those with the smallest keyed hashes: so many sites take turns."""


class HeartbeatTarget(NamedTuple):
    """Where heartbeats are made: the port is empty where it is the usual one of the probe."""

    line: str
    profile: str
    probe: str
    port: str


class PassedItem(NamedTuple):
    """An item that passed.

    ``took``: seconds on the control where no origin of ours answered; a stranger's site may be
    slower than that of our sentinel.
    """

    item: Item
    took: float = 0.0


class PassedItems:
    """The items that passed at one place, drawn by the campaign's seed."""

    def __init__(self, seed: str) -> None:
        self._place = ordering(seed)
        self._items: Smallest[PassedItem] = Smallest(KEPT, unit=lambda one: one.item.id)
        self._dropped: set[str] = set()

    def offer(self, one: PassedItem) -> None:
        """Take an item that passed; what was dropped stays so."""
        if one.item.id not in self._dropped:
            self._items.offer(self._place(one.item.id), one)

    def draw(self, turn: str) -> PassedItem | None:
        """The item of a turn (any text), or None as long as none has passed."""
        return min(self._kept(), key=lambda one: self._place(f"{turn} {one.item.id}"), default=None)

    def drop(self, item: str) -> None:
        """Draw an item (by its id) no more."""
        self._dropped.add(item)

    @property
    def is_empty(self) -> bool:
        """Whether there is none to draw."""
        return not self._kept()

    def _kept(self) -> list[PassedItem]:
        return [one for _, one in self._items.kept() if one.item.id not in self._dropped]


class PassedItemsByTarget(defaultdict[HeartbeatTarget, PassedItems]):
    """The items that passed, by place."""

    def __init__(self, seed: str) -> None:
        super().__init__(lambda: PassedItems(seed))

    def add_batch(self, observations: Iterable[Observation]) -> None:
        """Take the items that passed among observations of lines with those of the control."""
        seen = [one for one in observations if one.role == "item" and _may_be_drawn(one.item)]
        controls = {one.key: one for one in seen if one.key.line == CONTROL}
        for one in seen:
            control = controls.get(one.key.on(CONTROL))
            if one.key.line != CONTROL and control is not None and has_passed(one, control):
                is_ours = isinstance(one.facts, WebFacts) and one.facts.canary == "seen"
                took = 0.0 if is_ours else control.timings.total or 0.0
                self[target_at(one.key, one.item)].offer(PassedItem(one.item, took))


def target_at(key: AttemptKey, item: Item) -> HeartbeatTarget:
    """Where an item is tried."""
    return HeartbeatTarget(line=key.line, profile=key.profile, probe=key.probe, port=port_of(item))


def port_of(item: Item) -> str:
    """The port that an item's own URL names; empty where it names none."""
    if item.kind != "url":
        return ""
    try:
        port = urlsplit(item.url()).port
    except ValueError:
        return ""
    return str(port or "")


def has_passed(seen: Observation, control: Observation) -> bool:
    """Whether the line brought what the control brought.

    Of a page of strangers that is told by status and title; a name has an address in common.
    """
    if not (is_answer(seen) and is_answer(control)):
        return False
    match seen.facts, control.facts:
        case WebFacts(canary="seen"), _:
            return True
        case WebFacts() as here, WebFacts() as there:
            identity = _page_identity(here)
            return identity == _page_identity(there) and bool(here.title or here.title_mark)
        case DnsFacts(addresses=here), DnsFacts(addresses=there):
            return bool(set(here) & set(there))
        case _:
            return False


def _page_identity(page: WebFacts) -> tuple[int | None, str, str]:
    return page.status, page.title, page.title_mark


def _may_be_drawn(item: Item) -> bool:
    """Places of the network that anybody may visit."""
    return item.kind in NAMED and item.sensitivity in ("S0", "S1")


MULTIPLE = 4.0
"""How many times its idle time a heartbeat may take."""

FLOOR_SHARE, LEAST_FLOOR = 0.05, 0.1
"""What it may take beyond that: this share of ``limits.timeout``, at least so many seconds."""

IDLE_TRIES = 3
"""How often the idle time is measured; the median counts."""

PERSISTENT, RARELY = 3, 10
"""So many batches in a row try to measure it on a line that does not answer; then one in ten.
That of items is tried as often in one go."""

SETTLED = 0.05
"""After ``MULTIPLE`` idle times and so many seconds, what was not answered is only waited for."""

OFTEN, MOST_OFTEN = 0.1, 0.5
"""Between two heartbeats passes this share of ``limits.timeout``, at most so many seconds."""

REMEMBERED = 5000
"""Heartbeats kept in memory: more than fall into the longest wait."""

REDRAWN = 3
"""So many items in a row may turn out to be blocked by now when a heartbeat is wanted."""

Send = Callable[[int, int, Item | None], Awaitable[Observation]]
"""Tries an item (None: the sentinel) for a batch, with a number of its own in it."""


@dataclass(slots=True, kw_only=True)
class _Heartbeat:
    """``allowed`` are the seconds that it may take, ``measures`` whether it shows what is usual.

    ``is_conclusive`` is False where the item was blocked by now: that says nothing of the line's life.
    """

    began: float
    allowed: float
    measures: bool = False
    ended: float | None = None
    is_answered: bool = False
    is_late: bool = False
    is_conclusive: bool = True


class HeartbeatLoop:
    """The heartbeats of one place.

    ``idle`` is None while it is not known (seconds); ``has_items``: they are no sentinel any more.
    """

    def __init__(
        self, send: Send, passed: PassedItems, traffic: LineTraffic, clock: Clock, limits: Limits
    ) -> None:
        self._send = send
        self._passed = passed
        self._traffic = traffic
        self._clock = clock
        self._floor = max(LEAST_FLOOR, FLOOR_SHARE * limits.timeout)
        self._interval = min(MOST_OFTEN, OFTEN * limits.timeout)
        self._heartbeats: deque[_Heartbeat] = deque(maxlen=REMEMBERED)
        self._batches: dict[int, list[Observation]] = {}
        self._sent: dict[int, int] = {}
        self._waiting = self._asked = 0
        self._is_wanted = asyncio.Event()
        self._one = asyncio.Lock()
        self._measuring = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.has_items = False
        self.idle: float | None = None

    @property
    def allowed(self) -> float:
        """How many seconds a heartbeat may take."""
        return self._allowed(None)

    def join(self, batch: int) -> None:
        """Let heartbeats be made for a batch: they are its observations."""
        self._batches.setdefault(batch, [])

    def leave(self, batch: int) -> list[Observation]:
        """The heartbeats that were made for a batch, for which none are made from now on."""
        return self._batches.pop(batch, [])

    async def measure(self, batch: int, *, is_alone: bool = False) -> None:
        """Learn the idle time, if it is not known yet, with nothing else under way on the line.

        It is learned once by the sentinel, and once more by items as soon as some have passed:
        from then on heartbeats are items, even if their own idle time cannot be learned.
        ``is_alone``: the caller sees to it that nothing else begins on the line.
        """
        if is_alone and self._measuring.locked():
            return  # who measures waits for the caller
        async with self._measuring:
            if (
                self.idle is None
                and not self._gives_up()
                and await self._measure_idle_time(batch, of_items=False, is_alone=is_alone)
            ):
                self._task = asyncio.create_task(self._run())
            if self.idle is not None and not self.has_items and not self._passed.is_empty:
                for _ in range(PERSISTENT):
                    if await self._measure_idle_time(batch, of_items=True, is_alone=is_alone):
                        break
                self.has_items = True

    async def _measure_idle_time(self, batch: int, *, of_items: bool, is_alone: bool) -> bool:
        """Whether the idle time was learned: all that was tried was answered."""
        took = []
        async with nullcontext() if is_alone else self._traffic.exclusive():
            for _ in range(IDLE_TRIES):
                beat = await self._make_heartbeat(batch, of_items=of_items, measures=True)
                if not beat.is_answered or beat.ended is None:
                    return False
                took.append(beat.ended - beat.began)
        self.idle = median(took)
        self._traffic.silent_after = max(self._traffic.silent_after, MULTIPLE * self.idle + SETTLED)
        return True

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While this lasts, heartbeats are made."""
        self._waiting += 1
        self._is_wanted.set()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._is_wanted.clear()

    def still(self) -> asyncio.Lock:
        """No heartbeat is under way while this is held."""
        return self._one

    async def beat(self) -> None:
        """Make one heartbeat now, after the one that may be under way."""
        for _ in range(REDRAWN):
            if not self._batches or self.idle is None:
                return
            if self.has_items and self._passed.is_empty:
                return  # the sentinel stands for items only where none has ever passed
            beat = await self._make_heartbeat(min(self._batches), of_items=self.has_items)
            if beat.is_conclusive:
                return

    def since(self, moment: float) -> Heartbeats | None:
        """The heartbeats that began at ``moment`` (monotonic seconds) or later; None without any.

        One that is under way counts as soon as it is overdue.
        """
        if self.idle is None:
            return None
        now = self._clock.monotonic()
        began = [beat for beat in self._heartbeats if beat.began >= moment and beat.is_conclusive]
        in_time = [beat for beat in began if beat.is_answered and not beat.is_late]
        ended = [beat for beat in began if beat.is_late or beat.ended is not None]
        took = [(now if beat.ended is None else beat.ended) - beat.began for beat in ended]
        return Heartbeats(
            answered=len(in_time),
            late=len(ended) - len(in_time),
            slowest=max(took, default=None),
            allowed=max(
                (beat.allowed for beat in ended if not beat.measures), default=self.allowed
            ),
        )

    def _gives_up(self) -> bool:
        """A line that never answers is not asked before every batch: that would hold it up."""
        self._asked += 1
        return self._asked > PERSISTENT and self._asked % RARELY != 0

    async def close(self) -> None:
        """Make no more heartbeats."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._is_wanted.wait()
            await asyncio.sleep(self._interval)
            if self._waiting:
                await self.beat()

    async def _make_heartbeat(
        self, batch: int, *, of_items: bool, measures: bool = False
    ) -> _Heartbeat:
        async with self._one, self._traffic.heartbeat():
            number = self._sent[batch] = self._sent.get(batch, 0) + 1
            drawn = self._passed.draw(f"{batch} {number}") if of_items else None
            began, allowed = self._clock.monotonic(), self._allowed(drawn)
            beat = _Heartbeat(began=began, allowed=allowed, measures=measures)
            self._heartbeats.append(beat)
            overdue = asyncio.get_running_loop().call_later(allowed, self._overdue, beat)
            try:
                seen = await self._send(batch, number, drawn.item if drawn else None)
            finally:
                overdue.cancel()
            self._record(beat, seen, drawn)
        if batch in self._batches:
            self._batches[batch].append(seen)
        return beat

    def _allowed(self, drawn: PassedItem | None) -> float:
        took = drawn.took if drawn is not None else 0.0
        return MULTIPLE * max(self.idle or 0.0, took) + self._floor

    def _record(self, beat: _Heartbeat, seen: Observation, drawn: PassedItem | None) -> None:
        beat.ended = self._clock.monotonic()
        beat.is_answered = is_answer(seen)
        if drawn is not None and not beat.is_answered:
            is_blocked = _is_blocked(seen)
            beat.is_conclusive = not (is_blocked or beat.measures)
            if is_blocked:
                self._passed.drop(drawn.item.id)
        if beat.measures or not beat.is_conclusive or self.idle is None:
            return
        if beat.is_answered and not beat.is_late and beat.ended - beat.began <= beat.allowed:
            self._traffic.heartbeat_in_time()
            return
        self._overdue(beat)
        self._traffic.heartbeat_ended_late(is_answered=beat.is_answered)

    def _overdue(self, beat: _Heartbeat) -> None:
        if not beat.measures and not beat.is_late:
            beat.is_late = True
            self._traffic.heartbeat_late()


def _is_blocked(seen: Observation) -> bool:
    """Whether something answered that is no trouble of the line or of our own."""
    is_ours = seen.failure is not None and seen.failure.is_instrument
    return not (is_silent(seen) or is_trouble(seen) or is_ours)
