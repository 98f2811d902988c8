"""Observes: tries each item of a batch over the service and the control, side by side.

A batch opens and closes with sentinels, whose fate was agreed beforehand. Whatever timed out
is looked at a second time with a longer patience, so that a slow answer never looks like a
silent drop. Second looks pass a gate of their own: waiting for silence costs nothing, and must
not keep the next batch from being tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from harness.gate import Gate
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign, Limits, Sentinels
from harness.model.corpus import Item
from harness.model.marker import mark
from harness.model.observation import (
    CONTROL,
    AttemptKey,
    Failure,
    Observation,
    Role,
    Timings,
)
from harness.ports.asking import Attempt, Line, Origin, Probe, Sighting
from harness.ports.keeping import Clock, EvidenceStore

TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})
ALOFT = 16
"""How many batches may be unfinished at once: what a killed process can lose."""

GRACE = 5.0
"""Seconds beyond an attempt's own timeout after which the instrument is to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """Probes by name, and lines by (name, profile); the control is a line like any other."""

    probes: Mapping[str, Probe]
    lines: Mapping[tuple[str, str], Line]
    origin: Origin | None
    evidence: EvidenceStore
    clock: Clock
    gate: Gate
    second_gate: Gate

    async def open(self, stack: AsyncExitStack) -> None:
        """Open every line, to be closed by ``stack``."""
        for line in {id(line): line for line in self.lines.values()}.values():
            await stack.enter_async_context(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    key: AttemptKey
    item: Item
    role: Role
    batch: int


async def observe(
    batches: Iterable[Batch], campaign: Campaign, equipment: Equipment
) -> AsyncGenerator[tuple[Batch, list[Observation]]]:
    """Observe batch after batch, each given whole when it is done, not always in order.

    While one batch waits for a silence to be confirmed, others go on.
    """
    aloft: set[asyncio.Task[tuple[Batch, list[Observation]]]] = set()
    try:
        for batch in batches:
            await equipment.gate.room()
            equipment.gate.announce(len(batch.items) * (1 + len(batch.way.lines)))
            aloft.add(asyncio.create_task(_observe_one(batch, campaign, equipment)))
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
    batch: Batch, campaign: Campaign, equipment: Equipment
) -> tuple[Batch, list[Observation]]:
    return batch, await observe_batch(batch, campaign, equipment)


async def observe_batch(
    batch: Batch, campaign: Campaign, equipment: Equipment
) -> list[Observation]:
    """Observe one batch between its brackets: items and sentinels, on the control and each line."""
    before = _sentinels(batch, campaign, "before")
    inside = [
        _Try(key=key, item=item, role="item", batch=batch.number)
        for item in batch.items
        for key in _keys(campaign.campaign, item, batch.way)
    ]
    after = _sentinels(batch, campaign, "after")
    observed: list[Observation] = []
    for tries in (before, inside, after):
        observed += await _observe_all(tries, campaign.limits, equipment)
    return observed


async def _observe_all(
    tries: Iterable[_Try], limits: Limits, equipment: Equipment
) -> list[Observation]:
    async def one(this: _Try, patience: float, turn: int) -> Observation:
        async with equipment.gate if turn == 1 else equipment.second_gate:
            return await _attempt(this, limits, patience, turn, equipment)

    tries = list(tries)
    first = await asyncio.gather(*(one(this, limits.timeout, 1) for this in tries))
    late = [place for place, seen in enumerate(first) if _timed_out(seen)]
    second = await asyncio.gather(
        *(one(tries[place], limits.confirmation_timeout, 2) for place in late)
    )
    for place, seen in zip(late, second, strict=True):
        first[place] = seen
    return first


async def _attempt(
    this: _Try, limits: Limits, patience: float, turn: int, equipment: Equipment
) -> Observation:
    marker = None
    origin = equipment.origin
    if origin is not None and origin.covers(this.item.host):
        marker = mark(origin.key, this.key, this.item.host, turn)
    attempt = Attempt(key=this.key, item=this.item, limits=limits, timeout=patience, marker=marker)
    started = equipment.clock.now()
    sighting = await _try(attempt, equipment)
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
        evidence=tuple(equipment.evidence.keep(evidence) for evidence in kept),
    )


async def _try(attempt: Attempt, equipment: Equipment) -> Sighting:
    probe = equipment.probes[attempt.key.probe]
    line = equipment.lines[attempt.key.line, attempt.key.profile]
    try:
        async with asyncio.timeout(attempt.timeout + GRACE):
            return await probe.try_item(attempt, line)
    except Exception as error:  # noqa: BLE001 - whatever a probe raises is our trouble, not the service's
        detail = f"{type(error).__name__}: {error}"[:200]
        failure = Failure(name="instrument_error", stage="instrument", detail=detail)
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
    hosts: Sentinels = campaign.sentinels
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
