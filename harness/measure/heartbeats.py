"""Send heartbeats: must-allow items that are tried one at a time while other attempts wait.

First, the time that such an item takes on the idle line is measured. Later, each heartbeat must
be answered within a small multiple of that time; if it is late, the line is overloaded and its
limits are halved. Until some items have passed, a heartbeat is a must-allow sentinel. From then
on it is one of the passed items, so that no service can treat heartbeats better than the items
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
from harness.model.alert_case import alert_session
from harness.model.campaign import Limits
from harness.model.corpus import NAMED, Item
from harness.model.facts import DnsFacts, WebFacts
from harness.model.log_case import log_case
from harness.model.observation import CONTROL, AttemptKey, Heartbeats, Observation
from harness.model.sampler import Smallest, ordering
from harness.model.verdict import has_answer, is_answer, is_trouble
from harness.ports.storage import Clock

KEPT = 200
"""Passed items kept for each target, those with the smallest keyed hashes, so that sites take
turns."""


class HeartbeatTarget(NamedTuple):
    """Where heartbeats are sent. ``port`` is empty where it is the default port of the probe."""

    line: str
    profile: str
    probe: str
    port: str


class PassedItem(NamedTuple):
    """An item that passed.

    ``took``: seconds on the control, or 0 where our own origin answered. Other people's sites may
    be slower than the host of our sentinel.
    """

    item: Item
    took: float = 0.0


class PassedItems:
    """The items that passed at one target, drawn by the campaign's seed."""

    def __init__(self, seed: str) -> None:
        self._place = ordering(seed)
        self._items: Smallest[PassedItem] = Smallest(KEPT, unit=lambda one: one.item.id)
        self._dropped: set[str] = set()

    def offer(self, one: PassedItem) -> None:
        """Add an item that passed, unless it was dropped before."""
        if one.item.id not in self._dropped:
            self._items.offer(self._place(one.item.id), one)

    def draw(self, turn: str) -> PassedItem | None:
        """Draw an item for a turn (any text); None if no item has passed yet."""
        return min(self._kept(), key=lambda one: self._place(f"{turn} {one.item.id}"), default=None)

    def drop(self, item: str) -> None:
        """Never draw an item again, given its id."""
        self._dropped.add(item)

    @property
    def is_empty(self) -> bool:
        """Whether there is no item to draw."""
        return not self._kept()

    def _kept(self) -> list[PassedItem]:
        return [one for _, one in self._items.kept() if one.item.id not in self._dropped]


class PassedItemsByTarget(defaultdict[HeartbeatTarget, PassedItems]):
    """The items that passed, by target."""

    def __init__(self, seed: str) -> None:
        super().__init__(lambda: PassedItems(seed))

    def add_batch(self, observations: Iterable[Observation]) -> None:
        """Add the items that passed, given the observations of lines and control of one batch."""
        candidates = [one for one in observations if one.role == "item" and _may_be_drawn(one.item)]
        controls = {one.key: one for one in candidates if one.key.line == CONTROL}
        for one in candidates:
            control = controls.get(one.key.on(CONTROL))
            if one.key.line != CONTROL and control is not None and has_passed(one, control):
                is_ours = isinstance(one.facts, WebFacts) and one.facts.canary == "seen"
                took = 0.0 if is_ours else control.timings.total or 0.0
                self[target_at(one.key, one.item)].offer(PassedItem(one.item, took))


def target_at(key: AttemptKey, item: Item) -> HeartbeatTarget:
    """Return the heartbeat target of an attempt."""
    return HeartbeatTarget(line=key.line, profile=key.profile, probe=key.probe, port=port_of(item))


def port_of(item: Item) -> str:
    """Return the port that an item's URL names; empty if it names none."""
    if item.kind != "url" or ":" not in item.url().partition("://")[2].partition("/")[0]:
        return ""
    try:
        port = urlsplit(item.url()).port
    except ValueError:
        return ""
    return str(port or "")


def has_passed(observation: Observation, control: Observation) -> bool:
    """Whether the line delivered what the control delivered.

    Pages of other people's sites are compared by status and title; DNS answers must share an
    address.
    """
    if not (is_answer(observation) and is_answer(control)):
        return False
    match observation.facts, control.facts:
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
    """Whether an item is a named host or URL that anybody may visit (S0, S1).

    A session that raises an alert is not repeated: the alerts would be one too many. Nor is a
    request that a log has to show: each of its entries has the time of one request.
    """
    if log_case(item.stratum) is not None:
        return False
    session = alert_session(item.stratum)
    is_worrying = session is not None and session.is_worrying
    return item.kind in NAMED and item.sensitivity in ("S0", "S1") and not is_worrying


MULTIPLE = 4.0
"""How many times its idle time a heartbeat may take."""

FLOOR_SHARE, LEAST_FLOOR = 0.05, 0.1
"""Tolerance added to that: a share of ``limits.timeout``, and the least number of seconds."""

IDLE_TRIES = 3
"""How often the idle time is measured; the median is used."""

PERSISTENT, RARELY = 3, 10
"""On a line that does not answer, the first 3 batches try to measure the idle time, then one in 10.
For items, it is tried 3 times at once."""

SETTLED = 0.05
"""After ``MULTIPLE`` idle times and this many seconds, an attempt without an answer only waits."""

OFTEN, MOST_OFTEN = 0.1, 0.5
"""Pause between two heartbeats: a share of ``limits.timeout``, and the most seconds."""

REMEMBERED = 5000
"""Heartbeats kept in memory: more than are sent during the longest wait."""

REDRAWN = 3
"""How many items in a row may turn out to be blocked by now when one heartbeat is wanted."""

Send = Callable[[int, int, Item | None], Awaitable[Observation]]
"""Tries an item (None: the sentinel) for a batch, under a number within that batch."""


@dataclass(slots=True, kw_only=True)
class _Heartbeat:
    """One heartbeat. ``allowed``: the seconds that it may take.

    ``measures``: it measures the idle time. ``is_conclusive`` is False if the item was blocked by
    now, which says nothing about the line.
    """

    began: float
    allowed: float
    measures: bool = False
    ended: float | None = None
    is_answered: bool = False
    is_late: bool = False
    is_conclusive: bool = True


class HeartbeatLoop:
    """Send the heartbeats of one target while attempts wait, and keep their results.

    ``idle``: seconds on the idle line, None while unknown. ``has_items``: heartbeats are passed
    items now, and no longer the sentinel.
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
        """Send heartbeats for a batch from now on; they become observations of that batch."""
        self._batches.setdefault(batch, [])

    def leave(self, batch: int) -> list[Observation]:
        """Send no more heartbeats for a batch; return those that were sent for it."""
        return self._batches.pop(batch, [])

    async def measure(self, batch: int, *, is_alone: bool = False) -> None:
        """Measure the idle time if it is unknown, with nothing else begun on the line.

        It is measured once with the sentinel, and once more with items as soon as some have passed.
        From then on heartbeats are items, even if their idle time could not be measured.
        ``is_alone``: the caller has exclusive use of the line.
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
        """Measure the idle time; return whether every try was answered."""
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
        """Send heartbeats while this is held."""
        self._waiting += 1
        self._is_wanted.set()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._is_wanted.clear()

    def lock(self) -> asyncio.Lock:
        """Return the lock during which no heartbeat is in flight."""
        return self._one

    async def beat(self) -> None:
        """Send one heartbeat now, after the one that may be in flight."""
        for _ in range(REDRAWN):
            if not self._batches or self.idle is None:
                return
            if self.has_items and self._passed.is_empty:
                return  # the sentinel is used only where no item has ever passed
            beat = await self._make_heartbeat(min(self._batches), of_items=self.has_items)
            if beat.is_conclusive:
                return

    def since(self, moment: float) -> Heartbeats | None:
        """Summarise the heartbeats begun at ``moment`` (monotonic seconds) or later.

        One in flight counts as late as soon as it is overdue. None while the idle time is unknown.
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
        """Whether to skip the measurement: a line that never answers would delay every batch."""
        self._asked += 1
        return self._asked > PERSISTENT and self._asked % RARELY != 0

    async def close(self) -> None:
        """Stop sending heartbeats."""
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
                observation = await self._send(batch, number, drawn.item if drawn else None)
            finally:
                overdue.cancel()
            self._record(beat, observation, drawn)
        if batch in self._batches:
            self._batches[batch].append(observation)
        return beat

    def _allowed(self, drawn: PassedItem | None) -> float:
        took = drawn.took if drawn is not None else 0.0
        return MULTIPLE * max(self.idle or 0.0, took) + self._floor

    def _record(self, beat: _Heartbeat, observation: Observation, drawn: PassedItem | None) -> None:
        beat.ended = self._clock.monotonic()
        beat.is_answered = is_answer(observation)
        if drawn is not None and not beat.is_answered:
            is_blocked = _is_blocked(observation)
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


def _is_blocked(observation: Observation) -> bool:
    """Whether an answer came that is neither trouble of the line nor of our own equipment."""
    return has_answer(observation) and not is_trouble(observation)
