"""Looks at items once, and again where the first look does not tell a block from trouble.

A silence is confirmed with more patience, at the concurrency that the heartbeats of the line
bear. An abrupt answer (see ``harness.model.verdict``) is looked at again with nothing else begun
on the line, beside a heartbeat. The last look is the one that is kept.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from harness.measure.attempts import (
    Manner,
    Try,
    attempt,
    beside,
    item_of,
    place_of,
    pulse_of,
    sentinels_for,
    traffic_of,
)
from harness.measure.concurrency_limiter import Traffic
from harness.measure.heartbeats import Pulse
from harness.measure.measurement_context import Instruments
from harness.model.campaign import Campaign, Limits
from harness.model.facts.web import WebFacts
from harness.model.observation import CONTROL, AttemptKey, Look, Observation
from harness.model.plain_twin import (
    DOUBTED_TURN,
    SAMPLE,
    Group,
    group_of,
    key_again,
)
from harness.model.sampler import Smallest, ordering
from harness.model.verdict import is_answer, is_busy, is_silent, is_trouble

STRAINED = 3
"""How often an attempt is made again after trouble of our own, each time with fewer in flight."""

CONFIRMATIONS = 3
"""How often a silence is confirmed until heartbeats were answered beside it."""

ALONE = 3
"""How often an abrupt answer is looked at alone until a heartbeat was answered beside it."""

PAUSE = 1.0
"""Seconds of rest before another such look where no heartbeat was answered, and before the first
where heartbeats are still the sentinel: a line may bear so much a second, and no more (RFC 6585
section 4)."""


async def observe_all(
    tries: Iterable[Try], campaign: Campaign, tools: Instruments
) -> list[Observation]:
    """The observations of all of these, each after as many looks as it takes."""
    tries, limits = list(tries), campaign.limits
    first = Manner(look="first", patience=limits.timeout)
    seen = list(await asyncio.gather(*(look(this, first, limits, tools) for this in tries)))
    late = [place for place, one in enumerate(seen) if is_silent(one) or _is_strained(one)]
    tools.passing.heed(seen)
    if late or any(map(is_trouble, seen)):
        await _measure(tries, tools)
    second = await asyncio.gather(
        *(
            _confirm(tries[place], _longer_patience(seen[place], limits), limits, tools)
            for place in late
        )
    )
    for place, one in zip(late, second, strict=True):
        if one.key.line == CONTROL and not is_silent(one):
            tools.gate.narrow()  # the control was slow, not dead: we ask too much at once
        seen[place] = one
    tools.passing.heed(seen)
    await _look_alone(tries, seen, limits, tools)
    return seen


async def _measure(tries: Iterable[Try], tools: Instruments, *, is_alone: bool = False) -> None:
    """Let heartbeats be drawn from the items that passed, wherever some of these are tried."""
    batches = {place_of(this): this.batch for this in tries}
    found = ((tools.pulses.get(at), batch) for at, batch in batches.items())
    known = [(pulse, batch) for pulse, batch in found if pulse is not None and pulse.idle]
    await asyncio.gather(*(pulse.measure(batch, is_alone=is_alone) for pulse, batch in known))


async def look(this: Try, manner: Manner, limits: Limits, tools: Instruments) -> Observation:
    """Try once, as soon as there is a place; again with fewer at once after trouble of our own."""
    pulse = tools.pulses.get(place_of(this))
    with pulse.waiting() if pulse is not None else nullcontext():
        return await _look(this, manner, limits, tools)


async def _look(this: Try, manner: Manner, limits: Limits, tools: Instruments) -> Observation:
    traffic = traffic_of(this.key.line, limits, tools)
    for _ in range(STRAINED):
        async with (
            tools.courtesy.place(this.key.line, this.item),
            traffic.gate(manner.look),
            _gate(manner.look, tools),
        ):
            seen = await _begin(traffic, this, manner, limits, tools)
        if not _is_strained(seen):
            tools.gate.praise()
            if seen.failure is None:
                traffic.praise(manner.look)
            return seen
        assert seen.failure is not None
        tools.strained[this.key.line, seen.failure.name] += 1
        tools.gate.narrow()
        traffic.narrow()
    return seen


async def _begin(
    traffic: Traffic, this: Try, manner: Manner, limits: Limits, tools: Instruments
) -> Observation:
    """Try now, or where patience is tried, at a moment when the line has nothing else to do.

    A service that forgets what comes while it is busy shall not find them all at once.
    """
    pulse = tools.pulses.get(place_of(this))
    if manner.look != "patience" or pulse is None:
        async with traffic.under_way():
            return await attempt(this, manner, limits, tools)
    async with traffic.alone(), pulse.still():
        trying = asyncio.create_task(attempt(this, manner, limits, tools))
        await asyncio.wait({trying}, timeout=traffic.quiet)
    try:
        return await trying
    finally:
        trying.cancel()


async def _confirm(this: Try, patience: float, limits: Limits, tools: Instruments) -> Observation:
    """Look again with more patience, until an answer comes or heartbeats are answered beside it."""
    traffic = traffic_of(this.key.line, limits, tools)
    for turn in range(2, 2 + CONFIRMATIONS):
        manner = Manner(look="confirmed", patience=patience, turn=turn)
        seen = await look(this, manner, limits, tools)
        beats = seen.heartbeats
        if not is_silent(seen) or beats is None or beats.shows_life or traffic.is_dead:
            break
    return seen


def _longer_patience(seen: Observation, limits: Limits) -> float:
    """Seconds for the second look; an answer that had begun is read for longer."""
    if isinstance(seen.facts, WebFacts) and seen.facts.status is not None:
        return max(limits.confirmation_timeout, limits.reading_timeout)
    return limits.confirmation_timeout


async def _look_alone(
    tries: list[Try], seen: list[Observation], limits: Limits, tools: Instruments
) -> None:
    """Look at each abrupt answer again, one at a time with nothing else begun on the line.

    The answers take the place of the first ones among what was ``seen``.
    """
    abrupt: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(seen):
        if is_trouble(one):
            abrupt[one.key.line].append(place)
    controls = {one.key: one for one in seen if one.key.line == CONTROL}
    for line, places in abrupt.items():
        async with traffic_of(line, limits, tools).alone():
            if any(
                is_busy(seen[place]) and not _has_items(tries[place], tools) for place in places
            ):
                await _rest(limits)
            for place in places:
                one = seen[place] = await _look_beside_a_heartbeat(tries[place], limits, tools)
                control = controls.get(one.key.on(CONTROL))
                tools.passing.heed([one, control] if control is not None else [])
                await _measure([tries[place]], tools, is_alone=True)


def _has_items(this: Try, tools: Instruments) -> bool:
    """Whether heartbeats there are items, which a service treats as it does what is tried."""
    pulse = tools.pulses.get(place_of(this))
    return pulse is not None and pulse.has_items


async def _rest(limits: Limits) -> None:
    await asyncio.sleep(min(PAUSE, limits.confirmation_timeout))


async def _look_beside_a_heartbeat(this: Try, limits: Limits, tools: Instruments) -> Observation:
    pulse = tools.pulses.get(place_of(this))
    first = 2 + CONFIRMATIONS
    for turn in range(first, first + ALONE):
        manner = Manner(look="alone", patience=limits.timeout, turn=turn)
        if pulse is None:
            return await attempt(this, manner, limits, tools)
        begun = tools.clock.monotonic()
        seen, _ = await asyncio.gather(attempt(this, manner, limits, tools), pulse.beat())
        seen = beside(seen, pulse, begun)
        beats = seen.heartbeats
        if not is_trouble(seen) or beats is None or beats.shows_life:
            break
        await _rest(limits)
    return seen


def _gate(kind: Look, tools: Instruments) -> AbstractAsyncContextManager[None]:
    """What bounds such looks over all lines; those of most patience are bounded by line only."""
    if kind == "patience":
        return nullcontext()
    return tools.second_gate if kind == "confirmed" else tools.gate


def _is_strained(seen: Observation) -> bool:
    """Whether fewer attempts in flight may help; a probe that is broken stays broken."""
    failure = seen.failure
    return failure is not None and failure.is_instrument and failure.name != "instrument_error"


async def is_filter_off(this: Try, how: Manner, campaign: Campaign, tools: Instruments) -> bool:
    """Whether a must-block sentinel passes too, right after an item passed in a retrial.

    Then the filter was switched off, which voids batches, and says nothing of the item.
    """
    probe = tools.probes[this.key.probe]
    for place, one in sentinels_for(campaign, "must_block", this.key.probe, probe):
        name = f"sentinel-block-{place}@{this.batch}.{this.key.item}.{how.look}.{how.turn}"
        item = item_of(one, name)
        key = this.key.for_item(name)
        beside = Try(key=key, item=item, role="must_block", batch=this.batch)
        manner = Manner(look="first", patience=campaign.limits.timeout)
        if is_answer(await look(beside, manner, campaign.limits, tools)):
            return True
    return False


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
