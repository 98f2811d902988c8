"""Make attempts within the limits, and repeat those whose result may be an overloaded line.

``observe_all`` makes first attempts. A silence is confirmed with a longer timeout, with as many
attempts at once as the heartbeats of the line allow. An abrupt answer (see
``harness.model.verdict``) is repeated with nothing else begun on the line, beside a heartbeat.
The last attempt is the one that is kept. ``SilenceRetrials`` repeats a sample of the confirmed
silences with the longest timeout.
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
    AttemptOptions,
    PlannedAttempt,
    attempt,
    beside,
    heartbeat_loop_at,
    item_of,
    line_traffic,
    sentinels_for,
    target_of,
)
from harness.measure.concurrency_limiter import LineTraffic
from harness.measure.heartbeats import HeartbeatLoop
from harness.measure.measurement_context import MeasurementContext
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
"""How often an attempt is repeated after trouble of our own, each time with fewer in flight."""

CONFIRMATIONS = 3
"""How often a silence is confirmed until heartbeats are answered beside it."""

ALONE = 3
"""How often an abrupt answer is repeated alone until a heartbeat is answered beside it."""

PAUSE = 1.0
"""Seconds to wait before another such attempt where no heartbeat was answered, and before the first
where heartbeats are still the sentinel: the line may limit requests per second (RFC 6585 section
4)."""


async def observe_all(
    tries: Iterable[PlannedAttempt], campaign: Campaign, context: MeasurementContext
) -> list[Observation]:
    """Make these attempts, each repeated as often as needed; one observation for each."""
    tries, limits = list(tries), campaign.limits
    first = AttemptOptions(look="first", patience=limits.timeout)
    seen = list(
        await asyncio.gather(
            *(attempt_within_limits(planned, first, limits, context) for planned in tries)
        )
    )
    late = [place for place, one in enumerate(seen) if is_silent(one) or _is_strained(one)]
    context.passed_items.add_batch(seen)
    if late or any(map(is_trouble, seen)):
        await _measure(tries, context)
    second = await asyncio.gather(
        *(
            _confirm(tries[place], _longer_patience(seen[place], limits), limits, context)
            for place in late
        )
    )
    for place, one in zip(late, second, strict=True):
        if one.key.line == CONTROL and not is_silent(one):
            context.limiter.decrease()  # the control was slow, not dead: we ask too much at once
        seen[place] = one
    context.passed_items.add_batch(seen)
    await _repeat_alone(tries, seen, limits, context)
    return seen


async def _measure(
    tries: Iterable[PlannedAttempt], context: MeasurementContext, *, is_alone: bool = False
) -> None:
    """Measure the idle time of items that passed, at the targets of these attempts."""
    batches = {target_of(planned): planned.batch for planned in tries}
    found = ((context.heartbeat_loops.get(at), batch) for at, batch in batches.items())
    known = [
        (heartbeat_loop, batch)
        for heartbeat_loop, batch in found
        if heartbeat_loop is not None and heartbeat_loop.idle
    ]
    await asyncio.gather(
        *(heartbeat_loop.measure(batch, is_alone=is_alone) for heartbeat_loop, batch in known)
    )


async def attempt_within_limits(
    planned: PlannedAttempt, options: AttemptOptions, limits: Limits, context: MeasurementContext
) -> Observation:
    """Make one attempt when the limits allow; repeat it after trouble of our own equipment."""
    heartbeat_loop = context.heartbeat_loops.get(target_of(planned))
    with heartbeat_loop.waiting() if heartbeat_loop is not None else nullcontext():
        return await _attempt_until_not_strained(planned, options, limits, context)


async def _attempt_until_not_strained(
    planned: PlannedAttempt, options: AttemptOptions, limits: Limits, context: MeasurementContext
) -> Observation:
    traffic = line_traffic(planned.key.line, limits, context)
    for _ in range(STRAINED):
        async with (
            context.rate_limits.slot(planned.key.line, planned.item),
            traffic.limiter(options.look),
            _global_limiter(options.look, context),
        ):
            seen = await _begin(traffic, planned, options, limits, context)
        if not _is_strained(seen):
            context.limiter.count_success()
            if seen.failure is None:
                traffic.count_success(options.look)
            return seen
        assert seen.failure is not None
        context.strained[planned.key.line, seen.failure.name] += 1
        context.limiter.decrease()
        traffic.decrease()
    return seen


async def _begin(
    traffic: LineTraffic,
    planned: PlannedAttempt,
    options: AttemptOptions,
    limits: Limits,
    context: MeasurementContext,
) -> Observation:
    """Begin an attempt; one with the longest timeout begins with exclusive use of the line.

    A service that drops requests while it is busy must not get all of these at once.
    """
    heartbeat_loop = context.heartbeat_loops.get(target_of(planned))
    if options.look != "patience" or heartbeat_loop is None:
        async with traffic.under_way():
            return await attempt(planned, options, limits, context)
    async with traffic.exclusive(), heartbeat_loop.lock():
        trying = asyncio.create_task(attempt(planned, options, limits, context))
        await asyncio.wait({trying}, timeout=traffic.silent_after)
    try:
        return await trying
    finally:
        trying.cancel()


async def _confirm(
    planned: PlannedAttempt, patience: float, limits: Limits, context: MeasurementContext
) -> Observation:
    """Repeat with a longer timeout until an answer comes, or heartbeats are answered beside it."""
    traffic = line_traffic(planned.key.line, limits, context)
    for turn in range(2, 2 + CONFIRMATIONS):
        options = AttemptOptions(look="confirmed", patience=patience, turn=turn)
        seen = await attempt_within_limits(planned, options, limits, context)
        beats = seen.heartbeats
        if not is_silent(seen) or beats is None or beats.shows_life or traffic.is_dead:
            break
    return seen


def _longer_patience(seen: Observation, limits: Limits) -> float:
    """Seconds for the second attempt; longer where an answer had begun to come."""
    if isinstance(seen.facts, WebFacts) and seen.facts.status is not None:
        return max(limits.confirmation_timeout, limits.reading_timeout)
    return limits.confirmation_timeout


async def _repeat_alone(
    tries: list[PlannedAttempt],
    seen: list[Observation],
    limits: Limits,
    context: MeasurementContext,
) -> None:
    """Repeat each abrupt answer, one at a time with nothing else begun on the line.

    The new observations replace the first ones in ``seen``.
    """
    abrupt: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(seen):
        if is_trouble(one):
            abrupt[one.key.line].append(place)
    controls = {one.key: one for one in seen if one.key.line == CONTROL}
    for line, places in abrupt.items():
        async with line_traffic(line, limits, context).exclusive():
            if any(
                is_busy(seen[place]) and not _has_items(tries[place], context) for place in places
            ):
                await _rest(limits)
            for place in places:
                one = seen[place] = await _attempt_beside_heartbeat(tries[place], limits, context)
                control = controls.get(one.key.on(CONTROL))
                context.passed_items.add_batch([one, control] if control is not None else [])
                await _measure([tries[place]], context, is_alone=True)


def _has_items(planned: PlannedAttempt, context: MeasurementContext) -> bool:
    """Whether heartbeats there are passed items, which the service treats like other items."""
    heartbeat_loop = context.heartbeat_loops.get(target_of(planned))
    return heartbeat_loop is not None and heartbeat_loop.has_items


async def _rest(limits: Limits) -> None:
    await asyncio.sleep(min(PAUSE, limits.confirmation_timeout))


async def _attempt_beside_heartbeat(
    planned: PlannedAttempt, limits: Limits, context: MeasurementContext
) -> Observation:
    heartbeat_loop = context.heartbeat_loops.get(target_of(planned))
    first = 2 + CONFIRMATIONS
    for turn in range(first, first + ALONE):
        options = AttemptOptions(look="alone", patience=limits.timeout, turn=turn)
        if heartbeat_loop is None:
            return await attempt(planned, options, limits, context)
        begun = context.clock.monotonic()
        seen, _ = await asyncio.gather(
            attempt(planned, options, limits, context), heartbeat_loop.beat()
        )
        seen = beside(seen, heartbeat_loop, begun)
        beats = seen.heartbeats
        if not is_trouble(seen) or beats is None or beats.shows_life:
            break
        await _rest(limits)
    return seen


def _global_limiter(kind: Look, context: MeasurementContext) -> AbstractAsyncContextManager[None]:
    """Return the limiter over all lines; the longest timeout is limited by line only."""
    if kind == "patience":
        return nullcontext()
    return context.confirmation_limiter if kind == "confirmed" else context.limiter


def _is_strained(seen: Observation) -> bool:
    """Whether fewer attempts in flight may help; not for a defect (``instrument_error``)."""
    failure = seen.failure
    return failure is not None and failure.is_instrument and failure.name != "instrument_error"


async def is_filter_off(
    planned: PlannedAttempt,
    options: AttemptOptions,
    campaign: Campaign,
    context: MeasurementContext,
) -> bool:
    """Whether a must-block sentinel passes too, right after an item passed in a retrial.

    Then the filter is switched off, which says nothing about the item.
    """
    probe = context.probes[planned.key.probe]
    for place, one in sentinels_for(campaign, "must_block", planned.key.probe, probe):
        suffix = f"{planned.key.item}.{options.look}.{options.turn}"
        name = f"sentinel-block-{place}@{planned.batch}.{suffix}"
        item = item_of(one, name)
        key = planned.key.for_item(name)
        beside = PlannedAttempt(key=key, item=item, role="must_block", batch=planned.batch)
        options = AttemptOptions(look="first", patience=campaign.limits.timeout)
        if is_answer(await attempt_within_limits(beside, options, campaign.limits, context)):
            return True
    return False


PATIENT_ATTEMPTS = range(1, 3)
"""Turns of an item with the longest timeout: repeated until heartbeats are answered beside it."""


DOUBTED_ATTEMPTS = range(DOUBTED_TURN, DOUBTED_TURN + 2)
"""Turns of a silent item where another one was answered: it must stay silent each time."""


PATIENCE: Final = "patience"


class SilenceRetrials:
    """Repeat confirmed silences with the longest timeout, in a batch of their own, ``number``."""

    def __init__(self, campaign: Campaign, context: MeasurementContext, number: int) -> None:
        self._campaign, self._context, self._number = campaign, context, number
        self._place = ordering(campaign.seed)
        self._drawn: defaultdict[Group, Smallest[str]]
        self._drawn = defaultdict(lambda: Smallest(SAMPLE))
        self._tried: set[tuple[AttemptKey, bool]] = set()
        self._answered: set[Group] = set()
        self._heartbeat_loops: dict[int, HeartbeatLoop] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._seen: dict[AttemptKey, Observation] = {}

    def resume_from(self, observations: Iterable[Observation]) -> None:
        """Note what was repeated with the longest timeout before."""
        for one in observations:
            if one.role == "retry" and one.look == PATIENCE:
                self._note(one)

    def add_batch(self, observations: Iterable[Observation]) -> None:
        """Begin to repeat the silences of a batch that are drawn."""
        silences = [(self._place(one.item.id), one) for one in confirmed_silences(observations)]
        for place, one in silences:
            self._drawn[group_of(one.key)].offer(place, one.item.id)
        drawn = {(group, place) for group, of in self._drawn.items() for place, _ in of.kept()}
        for place, one in silences:
            if (group_of(one.key), place) in drawn:
                self._begin(one)

    async def finish(self, held: Callable[[], Iterable[Observation]]) -> list[Observation]:
        """Wait for all; return their observations. ``held`` gives those of the whole journal."""
        await self._wait()
        doubted: set[Group] = set()
        while self._answered - doubted:
            doubted |= self._answered
            for batch in in_batches(held()):
                for one in confirmed_silences(batch):
                    if group_of(one.key) in doubted:
                        self._begin(one, is_doubted=True)
            await self._wait()
        beaten = [
            one
            for heartbeat_loop in self._heartbeat_loops.values()
            for one in heartbeat_loop.leave(self._number)
        ]
        return [*beaten, *self._seen.values()]

    async def close(self) -> None:
        """Cancel what is still waiting."""
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
        planned = PlannedAttempt(key=key, item=one.item, role="retry", batch=self._number)
        heartbeat_loop = heartbeat_loop_at(target_of(planned), self._campaign, self._context)
        if heartbeat_loop is not None:
            heartbeat_loop.join(self._number)
            self._heartbeat_loops[id(heartbeat_loop)] = heartbeat_loop
        task = asyncio.create_task(self._retry(planned, heartbeat_loop, is_doubted=is_doubted))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _retry(
        self, planned: PlannedAttempt, heartbeat_loop: HeartbeatLoop | None, *, is_doubted: bool
    ) -> None:
        if heartbeat_loop is not None:
            await heartbeat_loop.measure(
                self._number
            )  # not known yet, if nothing was left to measure
        await (self._retry_doubted(planned) if is_doubted else self._retry_silence(planned))

    async def _retry_silence(self, planned: PlannedAttempt) -> None:
        traffic = line_traffic(planned.key.line, self._campaign.limits, self._context)
        for turn in PATIENT_ATTEMPTS:
            seen = await self._attempt_once(planned, turn)
            beats = seen.heartbeats
            if not is_silent(seen) or beats is None or beats.shows_life or traffic.is_dead:
                return

    async def _retry_doubted(self, planned: PlannedAttempt) -> None:
        before = self._seen.get(planned.key)
        if before is not None and not is_silent(before):
            return
        for turn in DOUBTED_ATTEMPTS:
            if not is_silent(await self._attempt_once(planned, turn)):
                return

    async def _attempt_once(self, planned: PlannedAttempt, turn: int) -> Observation:
        limits = self._campaign.limits
        options = AttemptOptions(look=PATIENCE, patience=limits.longest_patience, turn=turn)
        seen = await attempt_within_limits(planned, options, limits, self._context)
        if not is_silent(seen):
            is_off = await is_filter_off(planned, options, self._campaign, self._context)
            seen = replace(seen, filter_off=is_off)
        self._seen[planned.key] = seen
        self._note(seen)
        return seen

    def _note(self, seen: Observation) -> None:
        self._tried.add((seen.key, seen.tries >= DOUBTED_TURN))
        is_ours = seen.failure is not None and seen.failure.is_instrument
        if not is_silent(seen) and not is_ours and not seen.filter_off:
            self._answered.add(group_of(seen.key))


def confirmed_silences(observations: Iterable[Observation]) -> Iterator[Observation]:
    """The items that stayed silent although heartbeats and the control were answered."""
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
    """The observations of a journal by batch, one batch in memory at a time."""
    for _, batch in groupby(observations, lambda one: one.batch):
        yield batch
