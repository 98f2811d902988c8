"""Tries again what was not decided: up to three times an item, spread over the campaign.

A trial decides nothing if it was insufficient, or if the item was dead on the control as well.
One more may tell a hiccup from a property. The trial that decides then stands for its round; what
was seen before stays in the journal. A void batch is repeated whole, once, after all others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice

from harness.measure.batch_plan import missing_batches, own_half, repeat_batches
from harness.model.batch import AGAIN, Batch, Half, Way, count_batches, turn_of
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.observation import Observation
from harness.model.outcome_group import OPEN
from harness.model.verdict import BRACKET_FAILED, NOTED_PROBES, Verdict
from harness.ports.judging import BatchJudges
from harness.ports.network import Items
from harness.ports.storage import Journal

PARTS = 3
"""The missing batches come in so many parts; after each, what is undecided is tried again."""

FIRST = 2
"""The first retry's multiple of ``AGAIN``: a void batch's repeat has the one before."""

Place = tuple[str, str, int, str, str]
"""Probe, profile, round that the campaign asked for, line, and item."""


@dataclass(slots=True)
class _Open:
    """An item that no trial in one place decided so far, and how often it was tried again."""

    item: Item
    batch: int
    retries: int = 0


class Retrier:
    """Which batches are to come, and what those that came left undecided.

    Each batch is judged by itself; whatever else the whole journal teaches can only decide more.
    """

    def __init__(
        self, campaign: Campaign, items: Items, journal: Journal, judges: BatchJudges
    ) -> None:
        self._campaign, self._items, self._journal = campaign, items, journal
        self._judges = judges
        self._total = count_batches(campaign, len(items))
        self._open: dict[Place, _Open] = {}

    def passes(self, half: Half, *, only_undecided: bool = False) -> Iterator[Iterable[Batch]]:
        """The batches of a campaign in order, pass after pass; each is measured before the next.

        With ``only_undecided`` they are those of items that the journal holds undecided. A
        campaign that was measured to its end is not gone through for others.
        """
        limit = self._campaign.limits.retries
        held = self._journal.batches()
        left = self._total - len(held & set(range(1, self._total + 1)))
        if held and (left or only_undecided):
            self._resume()
        if only_undecided:
            most = max((one.retries for one in self._open.values()), default=0) + limit
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

    def heed(self, number: int, observations: Iterable[Observation]) -> None:
        """Note what one batch left undecided, or decided at last."""
        for verdict in self._judges.judge_batch(observations):
            if verdict.key.probe not in NOTED_PROBES:
                self._note(number, verdict)

    def _note(self, number: int, verdict: Verdict) -> None:
        key = verdict.key
        place = key.probe, key.profile, turn_of(key.round), key.line, key.item
        retries = max(0, (key.round - 1) // AGAIN - FIRST + 1)
        is_void = verdict.rule == BRACKET_FAILED
        if not is_void and verdict.state not in OPEN:
            self._open.pop(place, None)
        elif place in self._open:
            self._open[place].retries = max(retries, self._open[place].retries)
        elif not is_void and not retries:
            batch = (number - 1) % self._total + 1
            self._open[place] = _Open(item=verdict.item, batch=batch)

    def _resume(self) -> None:
        for number, seen in groupby(self._journal.observations(), lambda one: one.batch):
            self.heed(number, list(seen))

    def _retries(self, limit: int) -> Iterator[Batch]:
        """One more trial of each undecided item that was tried again fewer than ``limit`` times."""
        found: defaultdict[tuple[int, int], dict[Place, Item]] = defaultdict(dict)
        for place, one in self._open.items():
            if one.retries < limit:
                found[one.retries, one.batch][place] = one.item
        for (done, batch), undecided in sorted(found.items()):
            probe, profile, turn, _, _ = next(iter(undecided))
            lines = dict.fromkeys(line for _, _, _, line, _ in undecided)
            again = turn + (FIRST + done) * AGAIN
            way = Way(probe=probe, lines=tuple(lines), profile=profile, round=again)
            items = {item.id: item for item in undecided.values()}
            number = batch + (FIRST + done) * self._total
            yield Batch(number=number, way=way, items=tuple(items.values()))
