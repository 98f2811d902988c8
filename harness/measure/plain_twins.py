"""Try plain twins: a sample of a campaign's items once more, the way a pupil would.

Of each line, profile and probe the items with the smallest keyed hashes are drawn, and half as
many ordinary ones, which are shuffled among them. They are tried when everything else is done,
one after the other, with pauses, over lines that a pupil's browser could use. The judge compares
the verdicts of twins and items (TQ-10). A twin that stays undecided is tried again when all others
were, ``TRIES`` times in all.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

import msgspec

from harness.measure.attempts import AttemptOptions, PlannedAttempt, make_observation, run_attempt
from harness.measure.measurement_context import MeasurementContext
from harness.measure.progress import ProgressCounter
from harness.model.batch import turn_of
from harness.model.campaign import Campaign
from harness.model.content_form import form_of
from harness.model.corpus import VECTOR, Item
from harness.model.marker import browser_number, unmarked
from harness.model.observation import CONTROL, AttemptKey, Heartbeats, Observation
from harness.model.plain_twin import (
    TRIES,
    Group,
    Spot,
    group_of,
    is_ordinary,
    next_number,
    spot_of,
)
from harness.model.sampler import Smallest, ordering
from harness.model.verdict import DELIVERED, State, is_answer, is_silent, is_trouble
from harness.ports.judging import JudgeBatch
from harness.ports.network import Attempt, Origin
from harness.ports.storage import Journal

ROUND = 500_000
"""Added to the round of an attempt for the key of its twin; see ``harness.model.plain_twin``."""


KEPT_TOGETHER = 20
"""Items whose observations are written at once; at most these are lost in a crash."""


class _Chunk(NamedTuple):
    """Items of one group that are written together, and ordinary ones to test the line with."""

    place: Group
    items: list[Item]
    ordinary: list[Item]
    turn: int


class TwinSample:
    """Draw the items of a campaign whose plain twins are tried, from those that it tries."""

    def __init__(self, campaign: Campaign, context: MeasurementContext) -> None:
        self._context = context
        self._order = ordering(f"plain twins of {campaign.seed}")
        number = campaign.plain_twins.drawn
        self._drawn: defaultdict[Group, _Drawn] = defaultdict(lambda: _Drawn(number))

    def offer(self, key: AttemptKey, item: Item) -> None:
        """Consider an item that was tried, or is to be tried, under ``key``."""
        place = group_of(key)
        is_first = turn_of(key.round) == 1 and key.line != CONTROL
        if is_first and self._can_be_tried(place, item):
            is_ours = self._context.origin is not None and self._context.origin.covers(item.host)
            self._drawn[place].offer(self._order(item.id), item, is_ours=is_ours)

    def drawn(self) -> dict[Group, list[Item]]:
        """The drawn items of each group, shuffled."""
        return {
            place: sorted(
                (*self._drawn[place].harmful(), *self._drawn[place].ordinary()),
                key=lambda one: self._order(f"turn {one.id}"),
            )
            for place in sorted(self._drawn)
        }

    def _can_be_tried(self, place: Group, item: Item) -> bool:
        """Whether an item is drawn from; a page in a special form may not be decided by itself."""
        if form_of(item.stratum) is not None:
            return False
        places = (place.line, place.profile), (CONTROL, place.profile)
        probe = self._context.probes.get(place.probe)
        has_twins = probe is not None and probe.declares.has_twins
        is_usable = has_twins and all(one in self._context.twin_lines for one in places)
        return is_usable and bool(_twin_item(item, self._context.origin))


class PlainTwinRun:
    """Draw plain twins during a campaign, and try them at its end, in batches of their own."""

    def __init__(
        self,
        campaign: Campaign,
        context: MeasurementContext,
        journal: Journal,
        judge_trials: JudgeBatch,
    ) -> None:
        self._campaign, self._context, self._journal = campaign, context, journal
        self._judge_trials = judge_trials
        self._sample = TwinSample(campaign, context)
        self._tried: dict[AttemptKey, Observation] = {}
        self._sentinels: dict[Group, list[Observation]] = {}
        self._number = 0

    def resume_from(self, observations: Iterable[Observation]) -> None:
        """Note which twins were tried before."""
        self._note(one for one in observations if one.role == "plain_twin")

    def add_batch(self, observations: Iterable[Observation]) -> None:
        """Draw from the items of a batch; its sentinels teach what a block looks like."""
        sentinels: defaultdict[Group, list[Observation]] = defaultdict(list)
        for one in observations:
            if one.role == "item":
                self._sample.offer(one.key, one.item)
            elif one.role in ("must_allow", "must_block"):
                sentinels[group_of(one.key)].append(one)
        self._sentinels |= sentinels

    async def finish(self, progress_counter: ProgressCounter | None = None) -> None:
        """Try all that were drawn: lines in parallel, twins on one line one after the other."""
        drawn = self._sample.drawn()
        self._number = next_number(self._journal.batches()) - 1
        for turn in range(1, TRIES + 1):
            lines: defaultdict[str, list[_Chunk]] = defaultdict(list)
            decided = await to_thread(self._decided)
            for place, items in drawn.items():
                lines[place.line] += self._chunks(place, items, turn, decided)
            if progress_counter is not None:
                progress_counter.expect(
                    2 * sum(len(one.items) for chunks in lines.values() for one in chunks)
                )
            await asyncio.gather(
                *(self._try_line(chunks, progress_counter) for chunks in lines.values())
            )

    def _decided(self) -> set[Spot]:
        """Where a twin was blocked or came, in any of its tries."""
        twins = [msgspec.structs.replace(one, role="item") for one in self._tried.values()]
        verdicts = self._judge_trials([*chain(*self._sentinels.values()), *twins]) if twins else ()
        return {spot_of(one.key) for one in verdicts if one.state in {State.BLOCKED, *DELIVERED}}

    def _note(self, observations: Iterable[Observation]) -> None:
        """Keep the last observation of each try, as the judge does."""
        self._tried.update({one.key: one for one in observations})

    def _chunks(
        self, place: Group, items: list[Item], turn: int, decided: set[Spot]
    ) -> list[_Chunk]:
        """The drawn items that are still undecided and were not tried in this turn, in chunks."""
        ordinary = [one for one in items if is_ordinary(one)]
        keys = ((one, self._key(place, one, turn)) for one in items)
        left = [one for one, key in keys if key not in self._tried and spot_of(key) not in decided]
        return [
            _Chunk(place, left[start : start + KEPT_TOGETHER], ordinary, turn)
            for start in range(0, len(left), KEPT_TOGETHER)
        ]

    async def _try_line(
        self, chunks: list[_Chunk], progress_counter: ProgressCounter | None
    ) -> None:
        chance = random.Random(f"pauses of {self._campaign.seed}")  # noqa: S311 - no secret
        pause = self._campaign.plain_twins.pause
        for chunk in chunks:
            self._number += 1
            number, seen = self._number, list[Observation]()
            for item in chunk.items:
                await asyncio.sleep(chance.expovariate(1 / pause) if pause else 0)
                seen += await self._try_twin(chunk, item, number)
            await to_thread(self._journal.append, number, seen)
            self._note(seen)
            if progress_counter is not None:
                progress_counter.count(seen)

    async def _try_twin(
        self, chunk: _Chunk, item: Item, number: int
    ) -> tuple[Observation, Observation]:
        """Try the twin over the control, then over the line."""
        key = self._key(chunk.place, item, chunk.turn)
        beside = await self._visit(key.on(CONTROL), item, number)
        again = await self._visit(key, item, number)
        if is_silent(again) or is_trouble(again):
            again = await self._beside_life(key, item, chunk.ordinary, number)
        return beside, again

    async def _beside_life(
        self, key: AttemptKey, item: Item, ordinary: list[Item], number: int
    ) -> Observation:
        """Repeat with a longer timeout; visit ordinary pages to see whether the line answers."""
        patience = self._campaign.limits.confirmation_timeout
        again = await self._visit(key, item, number, patience)
        answered = False
        for other in ordinary[:3]:
            alive = await self._visit(key.for_item(other.id), other, number)
            answered = answered or is_answer(alive)
        beats = Heartbeats(answered=int(answered), late=int(not answered))
        return msgspec.structs.replace(again, heartbeats=beats)

    async def _visit(
        self, key: AttemptKey, item: Item, number: int, patience: float = 0.0
    ) -> Observation:
        """Visit an item's twin once; the observation is the item's."""
        context, origin, limits = self._context, self._context.origin, self._campaign.limits
        twin = _twin_item(item, origin)
        assert twin is not None
        assert context.pupil is not None
        line = context.twin_lines[key.line, key.profile]
        is_ours = origin is not None and origin.covers(twin.host)
        request = Attempt(
            key=key,
            item=twin,
            limits=limits,
            timeout=patience or limits.timeout,
            marker=unmarked(origin.key) if origin is not None and is_ours else None,
            sketch_key=context.sketch_key,
            browser=browser_number(f"pupil {context.seed}", key),
        )
        planned = PlannedAttempt(key=key, item=twin, role="plain_twin", batch=number)
        options = AttemptOptions(look="alone", patience=request.timeout)
        started = context.clock.now()
        trying = context.pupil.visit(request, context.probes[key.probe], line)
        result = await run_attempt(trying, 2 * request.timeout)
        return make_observation(request, planned, options, context, result, started)

    def _key(self, place: Group, item: Item, turn: int) -> AttemptKey:
        return AttemptKey(
            campaign=self._campaign.campaign,
            item=item.id,
            probe=place.probe,
            line=place.line,
            profile=place.profile,
            round=ROUND + turn,
        )


def with_plain_twins(items: Iterable[Item], origin: Origin) -> list[Item]:
    """Return items and their plain twins sorted by value, so that no twin stands out.

    This is the list that a supplier loads: a twin has the same categories as its item. Vectors,
    such as techniques, have none, because they are not tried as pages.
    """
    held = list(items)
    twins = (origin.twin_of(item) for item in held if item.kind != VECTOR)
    both = [*held, *(twin for twin in twins if twin is not None)]
    return sorted(both, key=lambda one: one.value)


class _Drawn:
    """The sample of one group: half of it items whose twins have other names, and ordinary items.

    At most one item of each registrable domain, because filters decide by domain.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._renamed, self._same, self._ordinary = (_smallest(number) for _ in range(3))

    def offer(self, order: bytes, item: Item, *, is_ours: bool) -> None:
        """Consider one more item."""
        kept = self._renamed if is_ours else self._same
        (self._ordinary if is_ordinary(item) else kept).offer(order, item)

    def harmful(self) -> list[Item]:
        """The drawn items that are not ordinary; half under other names, if there are enough."""
        both = [[one for _, one in some.kept()] for some in (self._renamed, self._same)]
        half = self._number // 2
        first = both[0][: max(half, self._number - len(both[1]))]
        return first + both[1][: self._number - len(first)]

    def ordinary(self) -> list[Item]:
        """The drawn ordinary items: at most half as many as of the others."""
        return [one for _, one in self._ordinary.kept()][: -(-self._number // 2)]


def _smallest(number: int) -> Smallest[Item]:
    return Smallest(number, unit=lambda item: item.registrable or item.id)


def _twin_item(item: Item, origin: Origin | None) -> Item | None:
    """The item under its twin's name if it is on our origin; None if it cannot be tried."""
    if not item.host or origin is None or not origin.covers(item.host):
        return item if item.host else None
    return origin.twin_of(item)
