"""The retrials of a campaign: kept in batches of their own, after all others.

The empty batch ``DONE`` says that all retrials are made; the retrials themselves follow, one batch
for each run of the command.
"""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from harness.measure.attempts import Manner, Try, place_of, pulse_of, traffic_of
from harness.measure.batch_plan import missing_batches
from harness.measure.blocked_again import BlockedAgain
from harness.measure.heartbeats import Pulse
from harness.measure.looks import is_filter_off, look
from harness.measure.measurement_context import Instruments
from harness.measure.plain_twins import TwinVisits
from harness.measure.progress import Tally
from harness.model.campaign import Campaign
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.plain_twin import (
    DONE,
    DOUBTED_TURN,
    SAMPLE,
    Group,
    group_of,
    key_again,
    next_number,
)
from harness.model.sampler import Smallest, ordering
from harness.model.verdict import is_silent
from harness.ports.judging import JudgeBatch
from harness.ports.network import Items
from harness.ports.storage import Journal

LOOKS = range(1, 3)
"""An item is tried with patience until heartbeats were answered beside it, up to so often."""

DOUBTFUL_LOOKS = range(DOUBTED_TURN, DOUBTED_TURN + 2)
"""Where another one was answered, it must stay silent each of these times."""

PATIENCE: Final = "patience"


class PatientLooks:
    """The silences of a campaign that are waited for; kept in a batch of their own, ``number``."""

    def __init__(self, campaign: Campaign, tools: Instruments, number: int) -> None:
        self._campaign, self._tools, self._number = campaign, tools, number
        self._place = ordering(campaign.seed)
        self._drawn: defaultdict[Group, Smallest[str]]
        self._drawn = defaultdict(lambda: Smallest(SAMPLE))
        self._tried: set[tuple[AttemptKey, bool]] = set()
        self._answered: set[Group] = set()
        self._pulses: dict[int, Pulse] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._seen: dict[AttemptKey, Observation] = {}

    def recall(self, observations: Iterable[Observation]) -> None:
        """Take note of what was tried with patience before."""
        for one in observations:
            if one.role == "retry" and one.look == PATIENCE:
                self._note(one)

    def heed(self, observations: Iterable[Observation]) -> None:
        """Begin to wait for the silences of a batch that are drawn."""
        silences = [(self._place(one.item.id), one) for one in confirmed_silences(observations)]
        for place, one in silences:
            self._drawn[group_of(one.key)].offer(place, one.item.id)
        drawn = {(group, place) for group, of in self._drawn.items() for place, _ in of.kept()}
        for place, one in silences:
            if (group_of(one.key), place) in drawn:
                self._begin(one)

    async def finish(self, held: Callable[[], Iterable[Observation]]) -> list[Observation]:
        """Wait for all; gives what was seen. ``held`` are all observations of the journal."""
        await self._wait()
        doubted: set[Group] = set()
        while self._answered - doubted:
            doubted |= self._answered
            for batch in in_batches(held()):
                for one in confirmed_silences(batch):
                    if group_of(one.key) in doubted:
                        self._begin(one, is_doubted=True)
            await self._wait()
        beaten = [one for pulse in self._pulses.values() for one in pulse.leave(self._number)]
        return [*beaten, *self._seen.values()]

    async def close(self) -> None:
        """Wait for nothing any more."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _wait(self) -> None:
        while self._waiting:
            await asyncio.gather(*self._waiting)

    def _begin(self, one: Observation, *, is_doubted: bool = False) -> None:
        key = key_again(one.key, PATIENCE)
        if (key, is_doubted) in self._tried:
            return
        self._tried.add((key, is_doubted))
        this = Try(key=key, item=one.item, role="retry", batch=self._number)
        pulse = pulse_of(place_of(this), self._campaign, self._tools)
        if pulse is not None:
            pulse.join(self._number)
            self._pulses[id(pulse)] = pulse
        task = asyncio.create_task(self._look_after(this, pulse, is_doubted=is_doubted))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _look_after(self, this: Try, pulse: Pulse | None, *, is_doubted: bool) -> None:
        if pulse is not None:
            await pulse.measure(self._number)  # not known yet, if nothing was left to measure
        await (self._look_doubting(this) if is_doubted else self._look(this))

    async def _look(self, this: Try) -> None:
        traffic = traffic_of(this.key.line, self._campaign.limits, self._tools)
        for turn in LOOKS:
            seen = await self._look_once(this, turn)
            beats = seen.heartbeats
            if not is_silent(seen) or beats is None or beats.shows_life or traffic.is_dead:
                return

    async def _look_doubting(self, this: Try) -> None:
        before = self._seen.get(this.key)
        if before is not None and not is_silent(before):
            return
        for turn in DOUBTFUL_LOOKS:
            if not is_silent(await self._look_once(this, turn)):
                return

    async def _look_once(self, this: Try, turn: int) -> Observation:
        limits = self._campaign.limits
        manner = Manner(look=PATIENCE, patience=limits.longest_patience, turn=turn)
        seen = await look(this, manner, limits, self._tools)
        if not is_silent(seen):
            is_off = await is_filter_off(this, manner, self._campaign, self._tools)
            seen = replace(seen, filter_off=is_off)
        self._seen[this.key] = seen
        self._note(seen)
        return seen

    def _note(self, seen: Observation) -> None:
        self._tried.add((seen.key, seen.tries >= DOUBTED_TURN))
        is_ours = seen.failure is not None and seen.failure.is_instrument
        if not is_silent(seen) and not is_ours and not seen.filter_off:
            self._answered.add(group_of(seen.key))


def confirmed_silences(observations: Iterable[Observation]) -> Iterator[Observation]:
    """The items that stayed silent beside a sign of life, and that the control answered for."""
    seen = [one for one in observations if one.role == "item"]
    answered = {
        (one.key.item, one.key.probe, one.key.profile, one.key.round)
        for one in seen
        if one.key.line == CONTROL and one.failure is None
    }
    for one in seen:
        key = one.key
        alive = one.heartbeats is not None and one.heartbeats.shows_life
        place = (key.item, key.probe, key.profile, key.round)
        if key.line != CONTROL and is_silent(one) and alive and place in answered:
            yield one


def in_batches(observations: Iterable[Observation]) -> Iterator[Iterator[Observation]]:
    """The observations of a journal, one batch in memory at a time."""
    for _, batch in groupby(observations, lambda one: one.batch):
        yield batch


class Retrials:
    """What is tried again while a campaign goes on, and at its end; at last, the plain twins."""

    def __init__(
        self,
        campaign: Campaign,
        items: Items,
        tools: Instruments,
        journal: Journal,
        judge_trials: JudgeBatch,
    ) -> None:
        self._campaign, self._items, self._journal = campaign, items, journal
        self._held, self._passing = journal.batches(), tools.passing
        self._number = next_number(self._held)
        self._patient = PatientLooks(campaign, tools, self._number)
        self._blocked = BlockedAgain(campaign, tools, self._number, judge_trials)
        self._twins = TwinVisits(campaign, tools, journal)

    async def open(self, stack: AsyncExitStack) -> None:
        """Go through what the journal holds, if a measurement goes on; ``stack`` ends it all."""
        stack.push_async_callback(self._patient.close)
        stack.push_async_callback(self._blocked.close)
        if self._held and DONE not in self._held:
            before = await to_thread(lambda: list(self._journal.sentinels()))
            self._patient.recall(before)
            self._blocked.recall(before)
            for batch in in_batches(self._journal.observations()):
                seen = list(batch)
                self._passing.heed(seen)
                await self.heed(seen)
            self._twins.recall(before)

    async def heed(self, observations: Iterable[Observation]) -> None:
        """See what of a batch is to be tried again."""
        observations = list(observations)
        self._patient.heed(observations)
        self._twins.heed(observations)
        await self._blocked.heed(observations)

    async def finish(self, tally: Tally | None = None) -> None:
        """Wait for what is under way, keep what was seen, and try the plain twins."""
        held = self._journal.observations
        silent, blocked = await asyncio.gather(
            self._patient.finish(held), self._blocked.finish(held)
        )
        if silent or blocked:
            await to_thread(self._journal.append, self._number, [*silent, *blocked])
        await self._twins.finish(tally)

    def seal(self) -> None:
        """Say that all retrials are made, once nothing is left to be measured."""
        batches = self._journal.batches()
        left = missing_batches(self._campaign, self._items, batches)
        if DONE not in batches and not any(left):
            self._journal.append(DONE, ())
            self._journal.seal()
