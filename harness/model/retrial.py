"""Retrials: items that are tried again when their first answers are at hand.

Measuring makes them, and judging asks whether they were made, so both speak of the same number
and the same keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from harness.model.observation import AttemptKey, Look

SAMPLE = 59
"""Items of a group that are tried again at least (all, if there are fewer): if one in twenty would
pass, one of 59 does with 95 % probability (0.95 ** 59 < 0.05)."""

DOUBTED_TURN = 3
"""From this turn on an item is tried with patience because another silent one was answered."""

ROUNDS: dict[Look, int] = {
    "patience": 100_000,
    "at_once": 200_000,
    "at_end": 300_000,
    "other_client": 400_000,
}
"""Added to the round of an attempt that is made again in this manner, so that its key is new; a
multiple of ``harness.model.batch.AGAIN``, so that the round itself can still be told."""


DONE = 1_000_000_000
"""The number of the empty batch that says that all retrials of a campaign are made, above that of
every batch that is planned, or tried again because it was void or undecided. Retrials follow."""


def next_number(held: Iterable[int]) -> int:
    """The number of a batch that no campaign has planned, above those that are ``held``."""
    return 1 + max({DONE, *held})


class Group(NamedTuple):
    """What the silences of one kind are drawn from: a line, a profile and a probe."""

    line: str
    profile: str
    probe: str


class Spot(NamedTuple):
    """An item at a place, whatever the round."""

    item: str
    line: str
    profile: str
    probe: str


def key_again(key: AttemptKey, look: Look) -> AttemptKey:
    """The key of an attempt that is made again."""
    return replace(key, round=key.round + ROUNDS[look])


def group_of(key: AttemptKey) -> Group:
    """The group of an attempt."""
    return Group(line=key.line, profile=key.profile, probe=key.probe)


def spot_of(key: AttemptKey) -> Spot:
    """The item of an attempt at its place."""
    return Spot(item=key.item, line=key.line, profile=key.profile, probe=key.probe)
