"""Make attempts within the limits, and repeat those whose result may be an overloaded line.

``observe_all`` makes first attempts. A silence is confirmed with a longer timeout, with as many
attempts at once as the heartbeats of the line allow. An abrupt answer (see
``harness.model.verdict``) is repeated with nothing else begun on the line, beside a heartbeat.
The last attempt is the one that is kept.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import groupby

from msgspec.structs import replace

from harness.measure.attempts import (
    AttemptOptions,
    PlannedAttempt,
    attempt,
    item_of,
    line_traffic,
    sentinels_for,
    with_heartbeats,
)
from harness.measure.concurrency_limiter import LineTraffic
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Campaign, Limits
from harness.model.facts import WebFacts
from harness.model.observation import CONTROL, DEFECTS, Look, Observation
from harness.model.verdict import is_answer, is_busy, is_refused, is_silent, is_trouble

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
    batches = {planned.target: planned.batch for planned in tries}
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
    heartbeat_loop = context.heartbeat_loops.get(planned.target)
    with heartbeat_loop.waiting() if heartbeat_loop is not None else nullcontext():
        return await _attempt_until_not_strained(planned, options, limits, context)


async def _attempt_until_not_strained(
    planned: PlannedAttempt, options: AttemptOptions, limits: Limits, context: MeasurementContext
) -> Observation:
    traffic = line_traffic(planned.key.line, limits, context)
    for strained in range(STRAINED):
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
            return replace(seen, strained=strained) if strained else seen
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
    heartbeat_loop = context.heartbeat_loops.get(planned.target)
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
            refused = [place for place in places if is_refused(seen[place])]
            for place in places:
                one = seen[place] = await _attempt_beside_heartbeat(tries[place], limits, context)
                control = controls.get(one.key.on(CONTROL))
                context.passed_items.add_batch([one, control] if control is not None else [])
                await _measure([tries[place]], context, is_alone=True)
            await _refuse_after_pause(tries, seen, refused, limits, context)


async def _refuse_after_pause(
    tries: list[PlannedAttempt],
    seen: list[Observation],
    refused: list[int],
    limits: Limits,
    context: MeasurementContext,
) -> None:
    """Ask again after a pause where a resolver refused, since it may limit its answers in time.

    One question shows that it does not; if any is answered after all, each is asked after a pause
    of its own.
    """
    is_limited = any(not is_refused(seen[place]) for place in refused)
    for number, place in enumerate(place for place in refused if is_refused(seen[place])):
        if number and not is_limited:
            return
        await _rest(limits)
        seen[place] = await _attempt_beside_heartbeat(tries[place], limits, context)
        is_limited |= not is_refused(seen[place])


def _has_items(planned: PlannedAttempt, context: MeasurementContext) -> bool:
    """Whether heartbeats there are passed items, which the service treats like other items."""
    heartbeat_loop = context.heartbeat_loops.get(planned.target)
    return heartbeat_loop is not None and heartbeat_loop.has_items


async def _rest(limits: Limits) -> None:
    await asyncio.sleep(min(PAUSE, limits.confirmation_timeout))


async def _attempt_beside_heartbeat(
    planned: PlannedAttempt, limits: Limits, context: MeasurementContext
) -> Observation:
    heartbeat_loop = context.heartbeat_loops.get(planned.target)
    first = 2 + CONFIRMATIONS
    for turn in range(first, first + ALONE):
        options = AttemptOptions(look="alone", patience=limits.timeout, turn=turn)
        if heartbeat_loop is None:
            return await attempt(planned, options, limits, context)
        begun = context.clock.monotonic()
        seen, _ = await asyncio.gather(
            attempt(planned, options, limits, context), heartbeat_loop.beat()
        )
        seen = with_heartbeats(seen, heartbeat_loop, begun)
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
    """Whether fewer attempts in flight may help; not for a defect."""
    failure = seen.failure
    return failure is not None and failure.is_instrument and failure.name not in DEFECTS


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
    first = AttemptOptions(look="first", patience=campaign.limits.timeout)
    for place, one in sentinels_for(campaign, "must_block", planned.key.probe, probe):
        suffix = f"{planned.key.item}.{options.look}.{options.turn}"
        name = f"sentinel-block-{place}@{planned.batch}.{suffix}"
        item = item_of(one, name)
        key = planned.key.for_item(name)
        sentinel_attempt = PlannedAttempt(
            key=key, item=item, role="must_block", batch=planned.batch
        )
        if is_answer(
            await attempt_within_limits(sentinel_attempt, first, campaign.limits, context)
        ):
            return True
    return False


def in_batches(observations: Iterable[Observation]) -> Iterator[Iterator[Observation]]:
    """The observations of a journal by batch, one batch in memory at a time."""
    for _, batch in groupby(observations, lambda one: one.batch):
        yield batch
