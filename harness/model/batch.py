"""Batches: a few items tried the same way, close in time, between two groups of sentinels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model.campaign import Campaign
from harness.model.corpus import Item

AGAIN = 1000
"""Added to the round of a repeated batch, so that its attempt keys are new."""

Half = Literal["all", "straight", "swapped"]
"""Which rounds are measured: all, or the odd (straight) or even (swapped) ones of a crossover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A probe for a profile in one round, over all lines that use the probe.

    The lines share one control observation of each item, made close in time.
    """

    probe: str
    lines: tuple[str, ...]
    profile: str
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Items tried the same way, close in time, with sentinels before and after."""

    number: int
    way: Way
    items: tuple[Item, ...]


def turn_of(number: int) -> int:
    """Return the campaign's round, from the round of a batch or of its repetition."""
    return (number - 1) % AGAIN + 1


def count_batches(campaign: Campaign, items: int) -> int:
    """Return the number of batches for ``items`` items, tried every way."""
    return -(-items // campaign.limits.batch) * len(ways(campaign))


def ways(campaign: Campaign) -> tuple[Way, ...]:
    """Return all ways in which a campaign tries its items."""
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
