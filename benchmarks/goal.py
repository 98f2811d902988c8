"""A goal, what was measured of it, and the topics under which goals are measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One goal measured: ``value`` against ``bound``, with the figures behind it."""

    goal: str
    value: float
    unit: str
    bound: float
    is_least: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the goal is met."""
        return self.value >= self.bound if self.is_least else self.value <= self.bound


class SkippedError(Exception):
    """What is needed to measure is not here."""


Topic = Callable[[], Iterable[Result]]
TOPICS: dict[str, Topic] = {}
USUAL: list[str] = []
"""The topics that are measured when none is named."""


def topic(name: str, *, is_usual: bool = True) -> Callable[[Topic], Topic]:
    """Register a function that measures some goals, if ``is_usual`` also when none is named."""

    def keep(measure: Topic) -> Topic:
        TOPICS[name] = measure
        USUAL.extend([name] if is_usual else [])
        return measure

    return keep


def ratio(ours: Sequence[float], anchor: Sequence[float]) -> float:
    """The median over rounds of ours divided by the anchor's of the same round."""
    return statistics.median(one / other for one, other in zip(ours, anchor, strict=True))
