"""A batch is a handful of items tried one way, close in time, between two brackets of sentinels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model.campaign import Campaign
from harness.model.corpus import Item

AGAIN = 1000
"""Added to the round of a batch that is tried again, so that its attempt keys are new."""

Half = Literal["all", "straight", "swapped"]
"""Which rounds are measured: all, or of a crossover the odd ones, or the even ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of trying: a probe for a profile in one round, over all lines that carry it.

    The lines share one control observation an item, made beside theirs.
    """

    probe: str
    lines: tuple[str, ...]
    profile: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Items tried one way, close in time, between two brackets of sentinels."""

    number: int
    way: Way
    items: tuple[Item, ...]


def turn_of(number: int) -> int:
    """The round that a campaign asked for, given the number of it or of its second trial."""
    return (number - 1) % AGAIN + 1


def count_batches(campaign: Campaign, items: int) -> int:
    """How many batches ``items`` items make, tried every way."""
    return -(-items // campaign.limits.batch) * len(ways(campaign))


def ways(campaign: Campaign) -> tuple[Way, ...]:
    """All ways of trying that a campaign asks for."""
    lines: dict[str, list[str]] = {}
    for line in campaign.lines:
        for probe in campaign.probes_on(line):
            lines.setdefault(probe, []).append(line.name)
    return tuple(
        Way(probe=probe, lines=tuple(names), profile=profile, round=turn)
        for turn in range(1, campaign.rounds + 1)
        for profile in campaign.profiles
        for probe, names in lines.items()
    )
