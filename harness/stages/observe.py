"""Observes: tries each item of a batch over the service and the control, side by side.

A batch opens and closes with sentinels, whose fate was agreed beforehand; in a long one they
are tried every five minutes too. Whatever timed out is looked at a second time with a longer
patience, so that a slow answer never looks like a silent drop. Second looks pass a gate of
their own: waiting for silence costs nothing, and must not keep the next batch from being tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from itertools import count

from harness.instruments import Instruments
from harness.model.batch import Batch, Way
from harness.model.browser_choice import browser_number
from harness.model.campaign import Campaign, Limits
from harness.model.corpus import Item
from harness.model.marker import mark
from harness.model.observation import (
    CONTROL,
    AttemptKey,
    Failure,
    Observation,
    Role,
    Timings,
    WebFacts,
)
from harness.ports.asking import Attempt, Sighting, fits, left_by

TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})
ALOFT = 16
"""How many batches may be unfinished at once: what a killed process can lose."""

GRACE = 5.0
"""Seconds beyond an attempt's own timeout after which the instrument is to blame."""

STRAINED = 3
"""How often an attempt is made again after trouble of our own, each time with fewer in flight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    key: AttemptKey
    item: Item
    role: Role
    batch: int


async def observe(
    batches: Iterable[Batch], campaign: Campaign, instruments: Instruments
) -> AsyncGenerator[tuple[Batch, list[Observation]]]:
    """Observe batch after batch, each given whole when it is done, not always in order.

    While one batch waits for a silence to be confirmed, others go on.
    """
    aloft: set[asyncio.Task[tuple[Batch, list[Observation]]]] = set()
    try:
        for batch in batches:
            await instruments.gate.room()
            instruments.gate.announce(len(batch.items) * (1 + len(batch.way.lines)))
            aloft.add(asyncio.create_task(_observe_one(batch, campaign, instruments)))
            while (landed := {task for task in aloft if task.done()}) or len(aloft) >= ALOFT:
                if not landed:
                    landed, _ = await asyncio.wait(aloft, return_when=asyncio.FIRST_COMPLETED)
                for task in landed:
                    aloft.remove(task)
                    yield task.result()
        while aloft:
            landed, aloft = await asyncio.wait(aloft, return_when=asyncio.FIRST_COMPLETED)
            for task in landed:
                yield task.result()
    finally:
        for task in aloft:
            task.cancel()
        await asyncio.gather(*aloft, return_exceptions=True)


async def _observe_one(
    batch: Batch, campaign: Campaign, instruments: Instruments
) -> tuple[Batch, list[Observation]]:
    return batch, await observe_batch(batch, campaign, instruments)


async def observe_batch(
    batch: Batch, campaign: Campaign, instruments: Instruments
) -> list[Observation]:
    """Observe one batch between its brackets: items and sentinels, on the control and each line."""
    limits = campaign.limits
    probe = instruments.probes[batch.way.probe]
    inside = [
        _Try(key=key, item=item, role="item", batch=batch.number)
        for item in batch.items
        if fits(probe, item)  # a web probe would take the name of a vector for a host
        for key in _keys(campaign.campaign, item, batch.way)
    ]
    observed = await _observe_all(_sentinels(batch, campaign, "before"), limits, instruments)
    during: list[Observation] = []
    guard = asyncio.create_task(_guard(batch, campaign, instruments, during))
    try:
        observed += await _observe_all(inside, limits, instruments)
    finally:
        guard.cancel()
        await asyncio.gather(guard, return_exceptions=True)
    after = await _observe_all(_sentinels(batch, campaign, "after"), limits, instruments)
    return observed + during + after


async def _guard(
    batch: Batch, campaign: Campaign, instruments: Instruments, during: list[Observation]
) -> None:
    """Try the sentinels while a batch lasts, every ``instruments.sentinel_interval`` seconds."""
    for turn in count(1):
        await asyncio.sleep(instruments.sentinel_interval)
        tries = _sentinels(batch, campaign, f"during-{turn}")
        during += await _observe_all(tries, campaign.limits, instruments)


async def _observe_all(
    tries: Iterable[_Try], limits: Limits, instruments: Instruments
) -> list[Observation]:
    async def one(this: _Try, patience: float, turn: int) -> Observation:
        for _ in range(STRAINED):
            gate = instruments.gate if turn == 1 else instruments.second_gate
            async with instruments.courtesy.place(this.key.line, this.item), gate:
                seen = await _attempt(this, limits, patience, turn, instruments)
            if not _is_strained(seen):
                instruments.gate.praise()
                return seen
            instruments.gate.narrow()
        return seen

    tries = list(tries)
    first = await asyncio.gather(*(one(this, limits.timeout, 1) for this in tries))
    late = [place for place, seen in enumerate(first) if _timed_out(seen) or _is_strained(seen)]
    second = await asyncio.gather(
        *(one(tries[place], _longer_patience(first[place], limits), 2) for place in late)
    )
    for place, seen in zip(late, second, strict=True):
        if seen.key.line == CONTROL and not _timed_out(seen):
            instruments.gate.narrow()  # the control was slow, not dead: we ask too much at once
        first[place] = seen
    return first


async def _attempt(
    this: _Try, limits: Limits, patience: float, turn: int, instruments: Instruments
) -> Observation:
    marker = None
    origin = instruments.origin
    if origin is not None and origin.covers(this.item.host):
        marker = mark(origin.key, this.key, this.item.host, turn, instruments.run)
    attempt = Attempt(
        key=this.key,
        item=this.item,
        limits=limits,
        timeout=patience,
        marker=marker,
        sketch_key=instruments.sketch_key,
        browser=browser_number(instruments.seed, this.key),
    )
    started = instruments.clock.now()
    sighting = await _try(attempt, instruments)
    kept = sighting.evidence if this.item.sensitivity not in ("S3", "S4") else ()
    return Observation(
        key=this.key,
        item=this.item,
        started=started,
        batch=this.batch,
        role=this.role,
        timings=sighting.timings,
        failure=sighting.failure,
        facts=sighting.facts,
        nonce=marker.nonce if marker else "",
        tries=turn,
        left_by=left_by(instruments.lines[this.key.line, this.key.profile]),
        evidence=tuple(instruments.evidence.keep(evidence) for evidence in kept),
    )


async def _try(attempt: Attempt, instruments: Instruments) -> Sighting:
    probe = instruments.probes[attempt.key.probe]
    line = instruments.lines[attempt.key.line, attempt.key.profile]
    begun = instruments.clock.monotonic()
    try:
        async with asyncio.timeout(attempt.timeout + GRACE):
            sighting = await probe.try_item(attempt, line)
    except Exception as error:  # noqa: BLE001 - whatever a probe raises is our trouble, not the service's
        detail = f"{type(error).__name__}: {error}"[:200]
        return _instrument_trouble("instrument_error", detail)
    failure = sighting.failure
    if failure and failure.name in TIMEOUTS and instruments.watch.is_overloaded_since(begun):
        return _instrument_trouble("instrument_overload", f"our loop lagged: {failure.name}")
    return sighting


def _instrument_trouble(name: str, detail: str) -> Sighting:
    failure = Failure(name=name, stage="instrument", detail=detail)
    return Sighting(timings=Timings(), failure=failure)


def _keys(campaign: str, item: Item, way: Way) -> tuple[AttemptKey, ...]:
    """The attempts on one item: the control's, and one on each line of the way."""
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


def _sentinels(batch: Batch, campaign: Campaign, side: str) -> list[_Try]:
    hosts = campaign.sentinels
    named: list[tuple[Role, str, str]] = [
        ("must_allow", f"sentinel-allow-{place}@{batch.number}.{side}", host)
        for place, host in enumerate(hosts.must_allow, 1)
    ]
    named += [
        ("must_block", f"sentinel-block-{place}@{batch.number}.{side}", host)
        for place, host in enumerate(hosts.must_block, 1)
    ]
    return [
        _Try(key=key, item=item, role=role, batch=batch.number)
        for role, name, host in named
        for item in (Item(id=name, value=host, labels=("CTRL",)),)
        for key in _keys(campaign.campaign, item, batch.way)
    ]


def _timed_out(seen: Observation) -> bool:
    return seen.failure is not None and seen.failure.name in TIMEOUTS


def _longer_patience(seen: Observation, limits: Limits) -> float:
    """Seconds for the second look; an answer that had begun is read for longer."""
    if isinstance(seen.facts, WebFacts) and seen.facts.status is not None:
        return max(limits.confirmation_timeout, limits.reading_timeout)
    return limits.confirmation_timeout


def _is_strained(seen: Observation) -> bool:
    """Whether fewer attempts in flight may help; a probe that is broken stays broken."""
    failure = seen.failure
    return failure is not None and failure.is_instrument and failure.name != "instrument_error"
