"""Observe batches: try each item over the service and the control, side by side.

A batch begins and ends with sentinels, whose outcome was agreed beforehand; in a long batch they
are tried every five minutes too. Meanwhile heartbeats are sent (``harness.measure.heartbeats``),
and doubtful results are repeated (``harness.measure.repeated_attempts``). Each observation holds
the result of the heartbeats beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import count
from typing import Literal

from harness.errors import UnfinishedError
from harness.measure.attempts import (
    PlannedAttempt,
    heartbeat_loop_at,
    item_of,
    sentinels_for,
)
from harness.measure.heartbeats import HeartbeatLoop
from harness.measure.machine_watch import MachineWatch
from harness.measure.measurement_context import MeasurementContext
from harness.measure.repeated_attempts import observe_all
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.sampler import ordering
from harness.model.verdict import is_answer
from harness.ports.network import Probe, fits

AFTER = ".after"
"""Suffix of the names of sentinels that are tried when a batch is done."""


def require_control(batch: int, observations: Iterable[Observation]) -> None:
    """Raise UnfinishedError if no must-allow sentinel answers on the control after a batch."""
    after = [
        one
        for one in observations
        if one.role == "must_allow" and one.key.line == CONTROL and one.key.item.endswith(AFTER)
    ]
    if not after or any(map(is_answer, after)):
        return
    failure = after[0].failure
    if failure is not None and failure.is_instrument:
        return
    saw = f"{failure.name} at {failure.stage}" if failure is not None else "no token in its page"
    msg = (
        f"batch {batch}: the origin does not answer for {after[0].item.host} on the control line "
        f"({saw}), so nothing can be judged: measuring has stopped and the "
        "journal is complete so far; fix the origin or the control, then repeat the command"
    )
    raise UnfinishedError(msg)


MAX_BATCHES_IN_FLIGHT = 16
"""How many batches may be unfinished at once, and so be lost if the process is killed."""


async def observe(
    batches: Iterable[Batch], campaign: Campaign, context: MeasurementContext
) -> AsyncGenerator[tuple[Batch, list[Observation]]]:
    """Observe the batches; yield each one complete as soon as it is done, not always in order.

    While one batch waits for a silence to be confirmed, others proceed. A batch of which its probe
    can try no item needs no sentinels: it has no observations.
    """
    in_flight: set[asyncio.Task[tuple[Batch, list[Observation]]]] = set()
    try:
        for batch in batches:
            probe = context.probes[batch.way.probe]
            tried = sum(fits(probe, item) for item in batch.items)
            if not tried:
                yield batch, []
                continue
            await context.limiter.wait_for_capacity()
            context.limiter.announce(tried * (1 + len(batch.way.lines)))
            in_flight.add(asyncio.create_task(_observe_one(batch, campaign, context)))
            while (finished := {task for task in in_flight if task.done()}) or len(
                in_flight
            ) >= MAX_BATCHES_IN_FLIGHT:
                if not finished:
                    finished, _ = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    in_flight.remove(task)
                    yield task.result()
        while in_flight:
            finished, in_flight = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                yield task.result()
    finally:
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)


async def _observe_one(
    batch: Batch, campaign: Campaign, context: MeasurementContext
) -> tuple[Batch, list[Observation]]:
    return batch, await observe_batch(batch, campaign, context)


async def observe_batch(
    batch: Batch, campaign: Campaign, context: MeasurementContext
) -> list[Observation]:
    """Observe one batch between its sentinels, on the control and each line."""
    probe, watch = context.probes[batch.way.probe], MachineWatch(context, "items")
    inside = planned_inside(batch, campaign, probe, context.run)
    before = list(planned_sentinels(batch, campaign, "before", probe))
    heartbeat_loops = await _join_heartbeat_loops(
        [*before, *inside], batch.number, campaign, context
    )
    observed = await observe_all(before, campaign, context)
    during: list[Observation] = []
    sentinel_task = asyncio.create_task(_repeat_sentinels(batch, campaign, context, during))
    try:
        observed += await observe_all(inside, campaign, context)
    finally:
        sentinel_task.cancel()
        await asyncio.gather(sentinel_task, return_exceptions=True)
    after = await observe_all(planned_sentinels(batch, campaign, "after", probe), campaign, context)
    beaten = [
        seen for heartbeat_loop in heartbeat_loops for seen in heartbeat_loop.leave(batch.number)
    ]
    seen = observed + during + beaten + after
    return watch.recorded(campaign, batch.number, batch.way.profile, seen)


async def _join_heartbeat_loops(
    tries: Iterable[PlannedAttempt], batch: int, campaign: Campaign, context: MeasurementContext
) -> list[HeartbeatLoop]:
    """Join the heartbeat loops of these attempts, and measure the idle times that are unknown."""
    found = (
        heartbeat_loop_at(place, campaign, context)
        for place in dict.fromkeys(planned.target for planned in tries)
    )
    heartbeat_loops = [heartbeat_loop for heartbeat_loop in found if heartbeat_loop is not None]
    for heartbeat_loop in heartbeat_loops:
        heartbeat_loop.join(batch)
    await asyncio.gather(*(heartbeat_loop.measure(batch) for heartbeat_loop in heartbeat_loops))
    return heartbeat_loops


async def _repeat_sentinels(
    batch: Batch, campaign: Campaign, context: MeasurementContext, during: list[Observation]
) -> None:
    """Try the sentinels every ``context.sentinel_interval`` seconds until cancelled."""
    probe = context.probes[batch.way.probe]
    for turn in count(1):
        await asyncio.sleep(context.sentinel_interval)
        tries = planned_sentinels(batch, campaign, f"during-{turn}", probe)
        during += await observe_all(tries, campaign, context)


def _keys(campaign: str, item: Item, way: Way) -> tuple[AttemptKey, ...]:
    """The keys of all attempts on one item: on the control, and on each line of the way."""
    return tuple(
        AttemptKey(
            campaign=campaign,
            item=item.id,
            probe=way.probe,
            line=line,
            profile=way.profile,
            round=way.round,
        )
        for line in (CONTROL, *way.lines)
    )


def planned_items(batch: Batch, campaign: Campaign, probe: Probe) -> Iterator[PlannedAttempt]:
    """Yield the first attempts on the items of a batch: on the control, and on each line."""
    for item in batch.items:
        if fits(probe, item):  # a web probe would take the name of a vector for a host
            for key in _keys(campaign.campaign, item, batch.way):
                yield PlannedAttempt(key=key, item=item, role="item", batch=batch.number)


def planned_inside(
    batch: Batch, campaign: Campaign, probe: Probe, run: str
) -> list[PlannedAttempt]:
    """Return the first attempts between the sentinels of a batch.

    Of a probe that mixes sentinels they hold a further attempt on each sentinel, and ``run`` draws
    the order, so that nobody knows when a sentinel is tried.
    """
    items = list(planned_items(batch, campaign, probe))
    if not (items and probe.declares.mixes_sentinels):
        return items
    draw = ordering(f"sentinels between items {run} {batch.number}")
    mixed = [*items, *planned_sentinels(batch, campaign, "between", probe)]
    return sorted(mixed, key=lambda planned: draw(planned.item.id))


def sides_of(probe: Probe) -> tuple[str, ...]:
    """When the sentinels of a batch are tried, however short it is."""
    return ("before", *(["between"] if probe.declares.mixes_sentinels else []), "after")


def planned_sentinels(
    batch: Batch, campaign: Campaign, side: str, probe: Probe
) -> Iterator[PlannedAttempt]:
    """Yield the attempts on the sentinels of a batch; ``side`` is ``before``, ``after`` or so."""
    roles: tuple[Literal["must_allow", "must_block"], ...] = ("must_allow", "must_block")
    for role in roles:
        for place, one in sentinels_for(campaign, role, batch.way.probe, probe):
            item = item_of(one, f"{_NAMES[role]}-{place}@{batch.number}.{side}")
            for key in _keys(campaign.campaign, item, batch.way):
                yield PlannedAttempt(key=key, item=item, role=role, batch=batch.number)


_NAMES = {"must_allow": "sentinel-allow", "must_block": "sentinel-block"}
