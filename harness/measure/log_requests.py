"""Make the requests that a service's log has to show, for each line and profile.

Requests at any time are made in batches between sentinels, as items are. Around a restart, or
without a connection, they are made one after the other with pauses, once each: nothing is repeated,
because it is the failed ones that show what happened.
"""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from msgspec.structs import replace

from harness.errors import UsageError
from harness.measure.attempts import AttemptOptions, attempt
from harness.measure.measurement_context import MeasurementContext
from harness.measure.observe import observe, planned_items, planned_sentinels
from harness.measure.repeated_attempts import observe_all
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign, LineDeclaration
from harness.model.corpus import Item
from harness.model.log_case import Situation, log_case, log_items
from harness.model.observation import Observation
from harness.model.origin_zone import with_host
from harness.model.plain_twin import next_number
from harness.model.service_log import ROUND
from harness.ports.network import Origin, Probe
from harness.ports.storage import Journal

PAGES: Literal["log"] = "log"
NAMES: Literal["dns"] = "dns"
"""The probes that make the requests: for pages, and for names where all else asks names."""

NAME_SERVER = "resolver"
"""The type of lines whose service is a name server."""

Pause = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSending:
    """What one command sends: how many requests for each line and profile, and when.

    ``number`` counts the sendings of a journal from 1; ``requests`` are those of each line and
    profile.
    """

    number: int
    situation: Situation
    requests: int


def planned_batches(
    campaign: Campaign,
    probes: Mapping[str, Probe],
    origin: Origin,
    sending: LogSending,
    run: str,
    first: int,
) -> Iterator[Batch]:
    """Yield the batches of a sending, numbered from ``first``: one line and profile each.

    ``probes`` are those of the campaign; ``run`` draws the hosts.
    """
    size = campaign.limits.batch if sending.situation == "ordinary" else sending.requests
    ways = _planned_ways(campaign, probes, origin, sending, run)
    return batches_of(ways, size, first)


def batches_of(
    ways: Iterable[tuple[Way, Sequence[Item]]], size: int, first: int
) -> Iterator[Batch]:
    """Yield the items of each way in batches of at most ``size``, numbered from ``first``."""
    for way, items in ways:
        for start in range(0, len(items), size):
            yield Batch(number=first, way=way, items=tuple(items[start : start + size]))
            first += 1


def _planned_ways(
    campaign: Campaign,
    probes: Mapping[str, Probe],
    origin: Origin,
    sending: LogSending,
    run: str,
) -> Iterator[tuple[Way, Sequence[Item]]]:
    blocked = _blocked_host(campaign)
    for declared in campaign.lines:
        for profile in campaign.profiles:
            probe = probe_for(campaign, declared, probes)
            draw = f"{run} {declared.name} {profile} {sending.situation} {sending.number}"
            items = [
                _placed(item, origin)
                for item in log_items(
                    draw, sending.situation, sending.requests, blocked, names=probe == NAMES
                )
            ]
            way = Way(
                probe=probe,
                lines=(declared.name,),
                profile=profile,
                round=ROUND + sending.number,
            )
            yield way, items


async def send_requests(
    campaign: Campaign,
    context: MeasurementContext,
    journal: Journal,
    sending: LogSending,
    pause: Pause,
) -> None:
    """Make all requests of a sending, and write them to the journal.

    ``pause`` is awaited between two requests around a restart or without a connection.
    """
    assert context.origin is not None
    batches = planned_batches(
        campaign,
        context.probes,
        context.origin,
        sending,
        context.run,
        next_number(journal.batches()),
    )
    if sending.situation == "ordinary":
        await send_batches(batches, campaign, context, journal)
        return
    await asyncio.gather(
        *(_one_by_one(batch, campaign, context, journal, pause) for batch in batches)
    )


async def send_batches(
    batches: Iterable[Batch], campaign: Campaign, context: MeasurementContext, journal: Journal
) -> None:
    """Make the requests of batches between sentinels, and write them to the journal."""
    async with aclosing(observe(batches, campaign, context)) as observed:
        async for batch, seen in observed:
            await to_thread(journal.append, batch.number, _as_logged(seen))


async def _one_by_one(
    batch: Batch,
    campaign: Campaign,
    context: MeasurementContext,
    journal: Journal,
    pause: Pause,
) -> None:
    """Make the requests of a batch one after the other, between sentinels."""
    probe = context.probes[batch.way.probe]
    seen = await observe_all(planned_sentinels(batch, campaign, "before", probe), campaign, context)
    options = AttemptOptions(look="alone", patience=campaign.limits.timeout)
    items = groupby(planned_items(batch, campaign, probe), key=lambda one: one.item.id)
    for _, planned in items:
        for one in planned:
            seen.append(await attempt(one, options, campaign.limits, context))
        await pause()
    seen += await observe_all(planned_sentinels(batch, campaign, "after", probe), campaign, context)
    await to_thread(journal.append, batch.number, _as_logged(seen))


def _as_logged(seen: Iterable[Observation]) -> list[Observation]:
    return [one if one.role == "heartbeat" else replace(one, role="logged") for one in seen]


def _placed(item: Item, origin: Origin) -> Item:
    """The item on a host of the origin; one without a mark on a host of the plain twins."""
    found = log_case(item.stratum)
    if found is None or found.case.blocked:
        return item
    return without_mark(item, origin) if found.case.is_plain else at_home(item, origin)


def at_home(item: Item, origin: Origin) -> Item:
    """The item at its place in the zones of the origin."""
    return replace(item, value=with_host(item.value, item.host, origin.home_of(item.host)))


def without_mark(item: Item, origin: Origin) -> Item:
    """The item on a host of the plain twins, whose requests bear no mark of a test.

    Raises UsageError for an origin without a zone for them.
    """
    twin = origin.twin_of(at_home(item, origin))
    if twin is None:
        msg = "the origin has no zone for plain twins, so no requests can be made without a mark"
        raise UsageError(msg)
    return twin


def _blocked_host(campaign: Campaign) -> str:
    """The first host that must be blocked and is tried by itself; empty if there is none."""
    hosts = (one.host for one in campaign.sentinels.must_block if "://" not in one.at)
    return next(hosts, "")


def probe_for(
    campaign: Campaign, line: LineDeclaration, probes: Mapping[str, Probe]
) -> Literal["log", "dns"]:
    """Return the probe for a line: ``dns`` if its service answers questions for names alone.

    It does if all probes of the line ask names, or if the line is a name server (``type:
    resolver``), whose log shows names even if pages are fetched from the addresses that it gives.
    """
    asks = [probes[name].declares.needs == "ask" for name in campaign.probes_on(line)]
    is_name_server = line.type == NAME_SERVER and any(asks)
    return NAMES if all(asks) or is_name_server else PAGES
