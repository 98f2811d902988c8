"""Tries a sample of the confirmed silences again, with the longest patience, while others go on.

The sample is drawn by the campaign's seed, from the silences of each line, profile and probe as
they are found; so it is the same whenever it is drawn, also after a resume. If one of a sample is
answered, silence on that line may be slowness: all silences of it are then tried that way, twice.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from harness.measure.attempts import Manner, Try, place_of, pulse_of, traffic_of
from harness.measure.filter_check import is_filter_off
from harness.measure.heartbeats import Pulse
from harness.measure.looks import look
from harness.measure.measurement_context import Instruments
from harness.model.campaign import Campaign
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.retrial import DOUBTED_TURN, SAMPLE, Group, group_of, key_again
from harness.model.sampler import Smallest, ordering
from harness.model.trouble import is_silent

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
