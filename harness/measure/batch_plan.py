"""Lay the items of a campaign out in batches, and say which batches are still to be measured."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import count, islice

from harness.errors import UnfinishedError, UsageError
from harness.model.batch import AGAIN, Batch, Half, count_batches, is_tried, ways
from harness.model.campaign import Campaign
from harness.ports.network import Items
from harness.ports.storage import Journal


def plan_batches(campaign: Campaign, items: Items, first: int = 1) -> Iterator[Batch]:
    """Lay the items out in batches from number ``first`` on, each one way.

    Ways take turns, so that none is far in time. An item without a name (S4) is never tried, and
    a URL is tried by the probe of its own scheme.
    """
    way_list = ways(campaign)
    size = campaign.limits.batch
    block = (first - 1) // len(way_list)
    stream = items.starting_at(block * size)
    while taken := tuple(islice(stream, size)):
        for place, way in enumerate(way_list, block * len(way_list) + 1):
            if place >= first:
                items_of_way = tuple(item for item in taken if is_tried(item, way.probe))
                yield Batch(number=place, way=way, items=items_of_way)
        block += 1


def missing_batches(campaign: Campaign, items: Items, held: Collection[int]) -> Iterator[Batch]:
    """The batches that are not held yet, from the first of them on."""
    first = next(number for number in count(1) if number not in held)
    return (batch for batch in plan_batches(campaign, items, first) if batch.number not in held)


def repeat_batches(
    campaign: Campaign, items: Items, void: Iterable[int], held: Collection[int]
) -> Iterator[Batch]:
    """Once more the batches of ``void``, which is not read before the first of them is wanted."""
    total = count_batches(campaign, len(items))
    wanted = {number for number in void if number <= total and number + total not in held}
    last = max(wanted, default=0)
    for batch in plan_batches(campaign, items, min(wanted)) if wanted else ():
        if batch.number in wanted:
            yield repeat_batch(batch, total)
        if batch.number >= last:
            return


def own_half(half: Half, batches: Iterable[Batch]) -> Iterator[Batch]:
    """Those of the batches that are measured now; a second trial stays in its round's half."""
    parity = {"straight": 1, "swapped": 0}
    return (batch for batch in batches if half == "all" or batch.way.round % 2 == parity[half])


def repeat_batch(batch: Batch, total: int) -> Batch:
    """The same batch once more, after all ``total`` others, in a round of its own."""
    way = replace(batch.way, round=batch.way.round + AGAIN)
    return replace(batch, number=batch.number + total, way=way)


def require_first_half(half: Half, campaign: Campaign, items: Items, journal: Journal) -> None:
    """Raises UsageError if the cables are swapped before all odd rounds are measured."""
    missing = missing_batches(campaign, items, journal.batches())
    if half == "swapped" and any(own_half("straight", missing)):
        msg = "the rounds before the swap are not whole yet: measure them first, without --swapped"
        raise UsageError(msg)


def require_both_halves(campaign: Campaign, items: Items, journal: Journal) -> None:
    """Raises UnfinishedError, saying what to do, while the other half is to be measured."""
    if campaign.crossover and any(missing_batches(campaign, items, journal.batches())):
        msg = (
            "half of the rounds are measured: swap the two cables, then give the same command "
            "again with --swapped ('accredit doctor' with --swapped tries the sentinels first)"
        )
        raise UnfinishedError(msg)
