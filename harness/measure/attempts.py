"""Make one attempt: try an item once over a line, and record what happened as an observation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from msgspec.structs import replace

from harness.measure.concurrency_limiter import LineTraffic
from harness.measure.heartbeats import HeartbeatLoop, HeartbeatTarget, port_of, target_at
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Campaign, Limits, Sentinel
from harness.model.corpus import AGREED, SEALED, Item
from harness.model.facts import tag_of
from harness.model.marker import Marker, browser_number, mark, unmarked
from harness.model.observation import (
    CONTROL,
    TIMEOUTS,
    AttemptKey,
    Failure,
    Look,
    Observation,
    Role,
    Timings,
)
from harness.model.origin_zone import is_in
from harness.model.verdict import is_silent, is_trouble
from harness.ports.network import Attempt, Probe, ProbeResult, TakesTurns, address_of, left_by


def sentinels_for(
    campaign: Campaign, role: Literal["must_allow", "must_block"], name: str, probe: Probe
) -> Iterator[tuple[int, Sentinel]]:
    """The sentinels that a probe (called ``name``) tries, with their places in the file."""
    for position, sentinel in enumerate(campaign.sentinels.of(role), 1):
        if sentinel.is_for(name, address_of(probe, item_of(sentinel, "sentinel"))):
            yield position, sentinel


def item_of(sentinel: Sentinel, name: str) -> Item:
    """Return a sentinel as an item with the given id."""
    agreed = (f"{AGREED}{sentinel.mechanism.value}",) if sentinel.mechanism is not None else ()
    return Item(id=name, value=sentinel.at, labels=("CTRL", *agreed), kind=sentinel.item_kind)


GRACE = 5.0
"""Seconds beyond an attempt's own timeout after which the instrument is to blame."""


@dataclass(frozen=True, kw_only=True)
class PlannedAttempt:
    """What is tried, in which role, and the batch that the observation belongs to."""

    key: AttemptKey
    item: Item
    role: Role
    batch: int

    @cached_property
    def target(self) -> HeartbeatTarget:
        """The heartbeat target of the attempt."""
        return target_at(self.key, self.item)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptOptions:
    """How it is tried. ``look``: which kind of attempt; ``patience``: timeout in seconds.

    ``turn`` numbers the attempts on the same key.
    """

    look: Look
    patience: float
    turn: int = 1


async def attempt(
    planned: PlannedAttempt, options: AttemptOptions, limits: Limits, context: MeasurementContext
) -> Observation:
    """Make one attempt. Failures, of the network or our own, are part of the observation."""
    probe = context.probes[planned.key.probe]
    async with probe.turn() if isinstance(probe, TakesTurns) else nullcontext():
        return await _attempt(planned, options, limits, context)


async def _attempt(
    planned: PlannedAttempt, options: AttemptOptions, limits: Limits, context: MeasurementContext
) -> Observation:
    request = Attempt(
        key=planned.key,
        item=planned.item,
        limits=limits,
        timeout=options.patience,
        marker=marker_for(planned, options, context),
        sketch_key=context.sketch_key,
        browser=browser_number(context.seed, planned.key),
        may_lead=planned.role == "must_block" and planned.key.line != CONTROL,
    )
    heartbeat_loop = context.heartbeat_loops.get(planned.target)
    begun = context.clock.monotonic()
    started = context.clock.now()
    result = await _try(request, context)
    observation = make_observation(request, planned, options, context, result, started)
    if (
        heartbeat_loop is None
        or planned.role == "heartbeat"
        or not (is_silent(observation) or is_trouble(observation))
    ):
        return observation
    return with_heartbeats(observation, heartbeat_loop, begun)


def marker_for(
    planned: PlannedAttempt, options: AttemptOptions, context: MeasurementContext
) -> Marker | None:
    """Return the marker of a request to our own origin, or for a sealed entry; None for others.

    The requests of a sealed list program look alike, whether they are for a check entry or not.
    Requests to the zone of the plain twins never carry a nonce.
    """
    origin, is_sealed = context.origin, planned.item.kind == SEALED
    if origin is None or not (is_sealed or origin.covers(planned.item.host)):
        return None
    if origin.twin_zone and is_in(planned.item.host, origin.twin_zone):
        return unmarked(origin.key)
    return mark(origin.key, planned.key, planned.item.host, options.turn, context.run)


async def run_attempt(trying: Awaitable[ProbeResult], seconds: float) -> ProbeResult:
    """Await an attempt; an exception, or more than ``seconds`` + GRACE, is a failure of our own."""
    try:
        async with asyncio.timeout(seconds + GRACE):
            return await trying
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not the service's
        return _instrument_trouble("instrument_error", f"{type(error).__name__}: {error}"[:200])


def make_observation(
    request: Attempt,
    planned: PlannedAttempt,
    options: AttemptOptions,
    context: MeasurementContext,
    result: ProbeResult,
    started: datetime,
) -> Observation:
    """Make the observation of an attempt.

    The evidence of S3 and S4 items is not kept, nor that of checks of availability: a month of them
    would fill a folder with equal block pages, and their facts show what was seen.
    """
    is_kept = not planned.item.is_sensitive and planned.role != "availability"
    kept = result.evidence if is_kept else ()
    return Observation(
        key=planned.key,
        item=planned.item,
        started=started,
        batch=planned.batch,
        role=planned.role,
        timings=result.timings,
        failure=result.failure,
        facts=result.facts,
        nonce=request.marker.nonce if request.marker else "",
        tries=options.turn,
        left_by=left_by(context.lines[planned.key.line, planned.key.profile]),
        evidence=tuple(context.evidence.keep(evidence) for evidence in kept),
        look=options.look,
    )


def with_heartbeats(
    observation: Observation, heartbeat_loop: HeartbeatLoop, begun: float
) -> Observation:
    """Add the heartbeats that began since ``begun`` (monotonic seconds)."""
    return replace(observation, heartbeats=heartbeat_loop.since(begun))


def line_traffic(line: str, limits: Limits, context: MeasurementContext) -> LineTraffic:
    """Return the traffic of a line; it is created on first use."""
    found = context.traffic.get(line)
    if found is None:
        found = context.traffic[line] = LineTraffic(limits, context.clock)
    return found


def heartbeat_loop_at(
    target: HeartbeatTarget, campaign: Campaign, context: MeasurementContext
) -> HeartbeatLoop | None:
    """Return the heartbeat loop of a target; None where no must-allow sentinel fits it."""
    found = context.heartbeat_loops.get(target)
    if found is not None:
        return found
    sentinel = _sentinel_at(target, campaign, context)
    if sentinel is None:
        return None

    async def send(batch: int, number: int, drawn: Item | None) -> Observation:
        name = f"heartbeat-{number}@{batch}"
        item = item_of(sentinel, name) if drawn is None else replace(drawn, id=name)
        key = AttemptKey(
            campaign=campaign.campaign,
            item=item.id,
            probe=target.probe,
            line=target.line,
            profile=target.profile,
        )
        planned = PlannedAttempt(key=key, item=item, role="heartbeat", batch=batch)
        options = AttemptOptions(look="first", patience=campaign.limits.timeout)
        return await attempt(planned, options, campaign.limits, context)

    traffic = line_traffic(target.line, campaign.limits, context)
    passed = context.passed_items[target]
    context.heartbeat_loops[target] = HeartbeatLoop(
        send, passed, traffic, context.clock, campaign.limits
    )
    return context.heartbeat_loops[target]


def _sentinel_at(
    target: HeartbeatTarget, campaign: Campaign, context: MeasurementContext
) -> Sentinel | None:
    """The first must-allow sentinel that the probe tries on that port."""
    tried = sentinels_for(campaign, "must_allow", target.probe, context.probes[target.probe])
    return next(
        (sentinel for _, sentinel in tried if port_of(item_of(sentinel, "")) == target.port), None
    )


async def _try(request: Attempt, context: MeasurementContext) -> ProbeResult:
    probe = context.probes[request.key.probe]
    line = context.lines[request.key.line, request.key.profile]
    begun = context.clock.monotonic()
    result = await run_attempt(probe.try_item(request, line), request.timeout)
    failure = result.failure
    if failure and failure.name in TIMEOUTS and context.lag_monitor.is_overloaded_since(begun):
        return _instrument_trouble("instrument_overload", f"our loop lagged: {failure.name}")
    left = tag_of(result.facts)
    if left not in ("", probe.declares.facts):  # other rules would judge them
        detail = f"the probe left facts of kind {left!r}, not {probe.declares.facts!r} as declared"
        return _instrument_trouble("instrument_error", detail)
    return result


def _instrument_trouble(name: str, detail: str) -> ProbeResult:
    failure = Failure(name=name, stage="instrument", detail=detail)
    return ProbeResult(timings=Timings(), failure=failure)
