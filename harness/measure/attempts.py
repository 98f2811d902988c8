"""One attempt: an item tried once over a line, and what it left behind as an observation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from harness.measure.concurrency_limiter import Traffic
from harness.measure.heartbeats import Place, Pulse, place_at, port_of
from harness.measure.measurement_context import Instruments
from harness.model.campaign import Campaign, Limits
from harness.model.corpus import AGREED, Item
from harness.model.facts import tag_of
from harness.model.marker import Marker, browser_number, mark
from harness.model.observation import (
    CONTROL,
    AttemptKey,
    Failure,
    Look,
    Observation,
    Role,
    Timings,
)
from harness.model.sentinel import Sentinel
from harness.model.verdict import TIMEOUTS, is_silent, is_trouble
from harness.ports.network import Attempt, Probe, Sighting, address_of, left_by


def sentinels_for(
    campaign: Campaign, role: Literal["must_allow", "must_block"], name: str, probe: Probe
) -> Iterator[tuple[int, Sentinel]]:
    """The sentinels that a probe (called ``name``) tries, each with its place in the file."""
    for place, one in enumerate(campaign.sentinels.of(role), 1):
        if one.is_for(name, address_of(probe, item_of(one, "sentinel"))):
            yield place, one


def item_of(one: Sentinel, name: str) -> Item:
    """A sentinel as an item, under a name."""
    agreed = (f"{AGREED}{one.mechanism.value}",) if one.mechanism is not None else ()
    return Item(id=name, value=one.at, labels=("CTRL", *agreed), kind=one.item_kind)


GRACE = 5.0
"""Seconds beyond an attempt's own timeout after which the instrument is to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What is tried, for what, and in which batch it is kept."""

    key: AttemptKey
    item: Item
    role: Role
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How it is tried: which look, with how much patience (seconds), as which turn (a number)."""

    look: Look
    patience: float
    turn: int = 1


async def attempt(this: Try, manner: Manner, limits: Limits, tools: Instruments) -> Observation:
    """Try once. Network trouble, and trouble of our own, are facts of the observation."""
    asked = Attempt(
        key=this.key,
        item=this.item,
        limits=limits,
        timeout=manner.patience,
        marker=marker_for(this, manner, tools),
        sketch_key=tools.sketch_key,
        browser=browser_number(tools.seed, this.key),
        may_lead=this.role == "must_block" and this.key.line != CONTROL,
    )
    pulse = tools.pulses.get(place_of(this))
    begun = tools.clock.monotonic()
    started = tools.clock.now()
    sighting = await _try(asked, tools)
    seen = observed(asked, this, manner, tools, sighting, started)
    if pulse is None or this.role == "heartbeat" or not (is_silent(seen) or is_trouble(seen)):
        return seen
    return beside(seen, pulse, begun)


def marker_for(this: Try, manner: Manner, tools: Instruments) -> Marker | None:
    """What marks the request for a host of our own origin; other hosts get no mark."""
    origin = tools.origin
    if origin is None or not origin.covers(this.item.host):
        return None
    return mark(origin.key, this.key, this.item.host, manner.turn, tools.run)


async def sighted(trying: Awaitable[Sighting], seconds: float) -> Sighting:
    """What came of a try; an exception, or more than so many seconds, is trouble of our own."""
    try:
        async with asyncio.timeout(seconds + GRACE):
            return await trying
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not the service's
        return _instrument_trouble("instrument_error", f"{type(error).__name__}: {error}"[:200])


def observed(
    asked: Attempt,
    this: Try,
    manner: Manner,
    tools: Instruments,
    sighting: Sighting,
    started: datetime,
) -> Observation:
    """What an attempt left behind, with the evidence kept; of S3 and S4 items there is none."""
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
        nonce=asked.marker.nonce if asked.marker else "",
        tries=manner.turn,
        left_by=left_by(tools.lines[this.key.line, this.key.profile]),
        evidence=tuple(tools.evidence.keep(evidence) for evidence in kept),
        look=manner.look,
    )


def beside(seen: Observation, pulse: Pulse, begun: float) -> Observation:
    """The observation with the heartbeats that began since ``begun`` (monotonic seconds)."""
    return replace(seen, heartbeats=pulse.since(begun))


def place_of(this: Try) -> Place:
    """Where the heartbeats of an attempt are made."""
    return place_at(this.key, this.item)


def traffic_of(line: str, limits: Limits, tools: Instruments) -> Traffic:
    """The traffic on a line."""
    found = tools.traffic.get(line)
    if found is None:
        found = tools.traffic[line] = Traffic(limits, tools.clock)
    return found


def pulse_of(place: Place, campaign: Campaign, tools: Instruments) -> Pulse | None:
    """The pulse of a place; None where no must-allow sentinel fits it."""
    found = tools.pulses.get(place)
    if found is not None:
        return found
    sentinel = _sentinel_at(place, campaign, tools)
    if sentinel is None:
        return None

    async def send(batch: int, number: int, drawn: Item | None) -> Observation:
        name = f"heartbeat-{number}@{batch}"
        item = item_of(sentinel, name) if drawn is None else replace(drawn, id=name)
        key = AttemptKey(
            campaign=campaign.campaign,
            item=item.id,
            probe=place.probe,
            line=place.line,
            profile=place.profile,
        )
        this = Try(key=key, item=item, role="heartbeat", batch=batch)
        manner = Manner(look="first", patience=campaign.limits.timeout)
        return await attempt(this, manner, campaign.limits, tools)

    traffic = traffic_of(place.line, campaign.limits, tools)
    passed = tools.passing[place]
    tools.pulses[place] = Pulse(send, passed, traffic, tools.clock, campaign.limits)
    return tools.pulses[place]


def _sentinel_at(place: Place, campaign: Campaign, tools: Instruments) -> Sentinel | None:
    """The first must-allow sentinel that a probe tries on a port."""
    tried = sentinels_for(campaign, "must_allow", place.probe, tools.probes[place.probe])
    return next((one for _, one in tried if port_of(item_of(one, "")) == place.port), None)


async def _try(asked: Attempt, tools: Instruments) -> Sighting:
    probe = tools.probes[asked.key.probe]
    line = tools.lines[asked.key.line, asked.key.profile]
    begun = tools.clock.monotonic()
    sighting = await sighted(probe.try_item(asked, line), asked.timeout)
    failure = sighting.failure
    if failure and failure.name in TIMEOUTS and tools.watch.is_overloaded_since(begun):
        return _instrument_trouble("instrument_overload", f"our loop lagged: {failure.name}")
    left = tag_of(sighting.facts)
    if left not in ("", probe.declares.facts):  # other rules would judge them
        detail = f"the probe left facts of kind {left!r}, not {probe.declares.facts!r} as declared"
        return _instrument_trouble("instrument_error", detail)
    return sighting


def _instrument_trouble(name: str, detail: str) -> Sighting:
    failure = Failure(name=name, stage="instrument", detail=detail)
    return Sighting(timings=Timings(), failure=failure)
