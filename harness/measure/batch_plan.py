"""Plan the batches of a campaign, and find those that are still to be measured or repeated.

Batches of retrials are not planned: they get their numbers when they are written.
"""

from __future__ import annotations

from asyncio import to_thread
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, groupby, islice

from msgspec.structs import replace as replace_fields

from harness.errors import UnfinishedError, UsageError
from harness.measure.heartbeats import HeartbeatLoop
from harness.model.batch import AGAIN, Batch, Half, Way, count_batches, turn_of, ways
from harness.model.campaign import Campaign, Limits
from harness.model.corpus import Item
from harness.model.observation import Observation
from harness.model.outcome_group import OPEN
from harness.model.plain_twin import next_number
from harness.model.verdict import BRACKET_FAILED, OF_THE_LINE, State, Verdict
from harness.ports.corpora import Items
from harness.ports.judging import BatchJudges
from harness.ports.storage import Journal


def plan_batches(campaign: Campaign, items: Items, first: int = 1) -> Iterator[Batch]:
    """Lay the items out in batches from number ``first`` on, each for one way.

    Ways take turns, so that the same items are tried in all ways within a short time. An item
    without a name (S4) is never tried, and a URL is tried by the probe of its own scheme.
    """
    way_list = ways(campaign)
    size = campaign.limits.batch
    block = (first - 1) // len(way_list)
    stream = items.starting_at(block * size)
    while taken := tuple(islice(stream, size)):
        for place, way in enumerate(way_list, block * len(way_list) + 1):
            if place >= first:
                items_of_way = tuple(item for item in taken if item.value)
                yield Batch(number=place, way=way, items=items_of_way)
        block += 1


def missing_batches(campaign: Campaign, items: Items, held: Collection[int]) -> Iterator[Batch]:
    """The batches whose numbers are not in ``held``, in order."""
    first = next(number for number in count(1) if number not in held)
    return (batch for batch in plan_batches(campaign, items, first) if batch.number not in held)


def repeat_batches(
    campaign: Campaign, items: Items, void: Iterable[int], held: Collection[int]
) -> Iterator[Batch]:
    """Repeat the batches of ``void``, which is not read before the first of them is wanted."""
    total = count_batches(campaign, len(items))
    wanted = {number for number in void if number <= total and number + total not in held}
    last = max(wanted, default=0)
    for batch in plan_batches(campaign, items, min(wanted)) if wanted else ():
        if batch.number in wanted:
            yield repeat_batch(batch, total)
        if batch.number >= last:
            return


def own_half(half: Half, batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches of the half measured now; a repeated batch stays in its round's half."""
    parity = {"straight": 1, "swapped": 0}
    return (batch for batch in batches if half == "all" or batch.way.round % 2 == parity[half])


def repeat_batch(batch: Batch, total: int) -> Batch:
    """The same batch again, numbered after all ``total`` others, in a round of its own."""
    way = replace(batch.way, round=batch.way.round + AGAIN)
    return replace(batch, number=batch.number + total, way=way)


def require_first_half(half: Half, campaign: Campaign, items: Items, journal: Journal) -> None:
    """Raise UsageError if the cables are swapped before all odd rounds are measured."""
    missing = missing_batches(campaign, items, journal.batches())
    if half == "swapped" and any(own_half("straight", missing)):
        msg = "the rounds before the swap are not complete: measure them first, without --swapped"
        raise UsageError(msg)


def require_both_halves(campaign: Campaign, items: Items, journal: Journal) -> None:
    """Raise UnfinishedError with instructions while the other half is to be measured."""
    if campaign.crossover and any(missing_batches(campaign, items, journal.batches())):
        msg = (
            "half of the rounds are measured: swap the two cables, then give the same command "
            "again with --swapped ('accredit doctor' with --swapped tries the sentinels first)"
        )
        raise UnfinishedError(msg)


PARTS = 3
"""The missing batches are measured in this many parts; after each, undecided items are retried."""

FIRST = 2
"""The first retry's multiple of ``AGAIN``; the repeat of a void batch has the multiple before."""

Place = tuple[str, str, int, str, str]
"""Probe, profile, round that the campaign asked for, line, and item."""


@dataclass(slots=True)
class _Open:
    """An item that no trial in one place has decided yet, and how often it was retried.

    ``rule`` is that of its last trial, and ``alike`` counts the trials before it that ended so.
    """

    item: Item
    batch: int
    rule: str = ""
    retries: int = 0
    alike: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether another trial would end as the last ones did; the line may recover once more."""
        return self.alike > (self.rule in OF_THE_LINE)

    def add(self, retries: int, rule: str) -> None:
        """Note a trial that left the item undecided; no ``rule``: void, or nothing came."""
        self.retries = max(retries, self.retries)
        self.alike = self.alike + 1 if rule and rule == self.rule else 0
        self.rule = rule or self.rule


class Retries:
    """Plan the batches that are to come, including retries of undecided items.

    Each batch is judged by itself; judging the whole journal can only decide more items.
    """

    def __init__(
        self, campaign: Campaign, items: Items, journal: Journal, judges: BatchJudges
    ) -> None:
        self._campaign, self._items, self._journal = campaign, items, journal
        self._judges = judges
        self._total = count_batches(campaign, len(items))
        self._open: dict[Place, _Open] = {}

    def passes(self, half: Half, *, only_undecided: bool = False) -> Iterator[Iterable[Batch]]:
        """The batches of a campaign, pass after pass; measure each before asking for the next.

        With ``only_undecided`` these are the items that the journal holds undecided. A campaign
        that was measured to its end is not searched for others.
        """
        limit = self._campaign.limits.retries
        held = self._journal.batches()
        left = self._total - len(held & set(range(1, self._total + 1)))
        if held and (left or only_undecided):
            self._resume()
        if only_undecided:
            most = max((one.retries for one in self._open.values()), default=0) + limit
            for each in self._open.values():
                each.alike = 0
            for _ in range(limit):
                yield own_half(half, self._retries(most))
            return
        missing = own_half(half, missing_batches(self._campaign, self._items, held))
        for _ in range(PARTS - 1):
            yield islice(missing, -(-left // PARTS))
            yield own_half(half, self._retries(limit))
        yield missing
        void = self._judges.void_batches(self._journal.sentinels)  # asked for at the end
        yield own_half(half, repeat_batches(self._campaign, self._items, void, held))
        for _ in range(limit):
            yield own_half(half, self._retries(limit))

    def add_batch(self, number: int, observations: Iterable[Observation]) -> None:
        """Note which items a batch left undecided, or decided."""
        for verdict in self._judges.judge_batch(observations):
            if verdict.counts:
                self._note(number, verdict)

    def _note(self, number: int, verdict: Verdict) -> None:
        key = verdict.key
        place = key.probe, key.profile, turn_of(key.round), key.line, key.item
        retries = max(0, (key.round - 1) // AGAIN - FIRST + 1)
        is_void = verdict.rule == BRACKET_FAILED
        if not is_void and verdict.state not in OPEN:
            self._open.pop(place, None)
        elif place in self._open:
            is_clear = not is_void and verdict.state is State.INSUFFICIENT
            self._open[place].add(retries, verdict.rule if is_clear else "")
        elif not is_void and not retries:
            batch = (number - 1) % self._total + 1
            self._open[place] = _Open(item=verdict.item, batch=batch, rule=verdict.rule)

    def _resume(self) -> None:
        for number, seen in groupby(self._journal.observations(), lambda one: one.batch):
            self.add_batch(number, list(seen))

    def _retries(self, limit: int) -> Iterator[Batch]:
        """One more trial of each undecided item that may still be decided, at most ``limit``."""
        found: defaultdict[tuple[int, int], dict[Place, Item]] = defaultdict(dict)
        for place, one in self._open.items():
            if one.retries < limit and not one.is_settled:
                found[one.retries, one.batch][place] = one.item
        for (done, batch), undecided in sorted(found.items()):
            probe, profile, turn, _, _ = next(iter(undecided))
            lines = dict.fromkeys(line for _, _, _, line, _ in undecided)
            again = turn + (FIRST + done) * AGAIN
            way = Way(probe=probe, lines=tuple(lines), profile=profile, round=again)
            items = {item.id: item for item in undecided.values()}
            number = batch + (FIRST + done) * self._total
            yield Batch(number=number, way=way, items=tuple(items.values()))


class RetrialBatches:
    """Collect retrials, and write each ``size`` of them as a batch, numbered after all others.

    So a crash loses at most one batch of them, and memory does not grow with their number.
    ``number`` is that of the batch that is collected now; the heartbeats that are sent while no
    other batch is measured belong to it.
    """

    def __init__(self, journal: Journal, size: int) -> None:
        self._journal, self._size = journal, size
        self._seen: list[Observation] = []
        self._heartbeat_loops: dict[int, HeartbeatLoop] = {}
        self.number = next_number(journal.batches())

    def join(self, heartbeat_loop: HeartbeatLoop) -> None:
        """Send heartbeats beside the retrials from now on."""
        heartbeat_loop.join(self.number)
        self._heartbeat_loops[id(heartbeat_loop)] = heartbeat_loop

    def add(self, observation: Observation) -> None:
        """Add a retrial that is final: the journal keeps the first observation of a key."""
        self._seen.append(observation)

    async def write_full(self) -> None:
        """Write what was collected if it is a whole batch. Raises InstrumentError."""
        if len(self._seen) >= self._size:
            await self.write()

    async def write(self) -> None:
        """Write all that was collected as one batch, if it is anything. Raises InstrumentError."""
        number, self.number = self.number, self.number + 1
        seen, self._seen = self._seen, []
        beaten = []
        for heartbeat_loop in self._heartbeat_loops.values():
            heartbeat_loop.join(self.number)
            beaten += heartbeat_loop.leave(number)
        if seen or beaten:
            whole = [*beaten, *(replace_fields(one, batch=number) for one in seen)]
            await to_thread(self._journal.append, number, whole)

    async def finish(self) -> None:
        """Write the rest, and send no more heartbeats. Raises InstrumentError."""
        await self.write()
        for heartbeat_loop in self._heartbeat_loops.values():
            heartbeat_loop.leave(self.number)


BATCHES_AT_ONCE = 2
"""Retrials that wait at the end of a campaign, in batches."""


def most_at_once(limits: Limits) -> int:
    """Return how many retrials may wait at once: a few batches, and enough for the concurrency."""
    return max(BATCHES_AT_ONCE * limits.batch, 2 * limits.concurrency)
