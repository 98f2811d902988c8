"""Poll timed events: try each place between sentinels, on the control and on each line.

A poll is a batch of its own for each probe and profile, numbered above all others. Its observations
have the role ``poll`` and carry what is known of their events, so that the journal alone tells what
happened when.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from harness.errors import UsageError
from harness.measure.measurement_context import MeasurementContext
from harness.measure.observe import observe
from harness.model.batch import Batch, ways
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.observation import Observation
from harness.model.plain_twin import next_number
from harness.model.timed_event import MOST_POLLS, ROUND, EventNote
from harness.ports.network import Probe, can_measure
from harness.ports.storage import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPolls:
    """The polls that a journal holds: how many rounds, and when each event happened."""

    rounds: int
    happened: Mapping[str, datetime]

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> EarlierPolls:
        """Read the observations other than those of items."""
        rounds, happened = 0, dict[str, datetime]()
        for one in observations:
            if one.role == "poll":
                rounds = max(rounds, one.key.round - ROUND)
                if one.event is not None and one.event.at is not None:
                    happened[one.item.id] = one.event.at
        return cls(rounds=rounds, happened=happened)


def require_probes(items: Iterable[Item], campaign: Campaign, probes: Mapping[str, Probe]) -> None:
    """Raise UsageError if no probe of a line can try an event's place and see the event."""
    used = sorted({way.probe for way in ways(campaign)})
    for item in items:
        if not any(can_measure(probes[name], item) for name in used):
            msg = (
                f"event {item.id!r}: no probe of the campaign can try {item.value} and see what "
                f"changes there (probes: {', '.join(used)}); add one"
            )
            raise UsageError(msg)


async def poll_events(
    campaign: Campaign,
    items: Collection[Item],
    notes: Mapping[str, EventNote],
    context: MeasurementContext,
    journal: Journal,
    number: int,
) -> None:
    """Make the poll of that number (from 1) of all items, and write it to the journal.

    ``notes`` are what is known of the event of each item, by its id. Raises UsageError after
    ``MOST_POLLS``.
    """
    if number > MOST_POLLS:
        msg = f"the journal holds {MOST_POLLS} polls, the most that it can"
        raise UsageError(msg)
    batches = _batches(campaign, tuple(items), context, number, next_number(journal.batches()))
    async with aclosing(observe(batches, campaign, context)) as observed:
        async for batch, seen in observed:
            polls = [_as_poll(one, notes) for one in seen]
            await to_thread(journal.append, batch.number, polls)


def _batches(
    campaign: Campaign,
    items: tuple[Item, ...],
    context: MeasurementContext,
    number: int,
    first: int,
) -> Iterator[Batch]:
    """One batch for each probe and profile, of the items that the probe can try and see."""
    for way in ways(campaign.model_copy(update={"rounds": 1})):
        probe = context.probes[way.probe]
        seen = tuple(one for one in items if can_measure(probe, one))
        if seen:
            yield Batch(number=first, way=replace(way, round=ROUND + number), items=seen)
            first += 1


def _as_poll(observation: Observation, notes: Mapping[str, EventNote]) -> Observation:
    if observation.role == "heartbeat":
        return observation
    note = notes.get(observation.item.id)
    return msgspec.structs.replace(observation, role="poll", event=note)
