"""The outcome of a requirement, from the items or records that are selected for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress
from typing import TypeVar

from harness.assess.outcomes import assess
from harness.estimate.estimate import function_of
from harness.estimate.item_selection import Selection
from harness.model.metric_spec import spec_of
from harness.model.outcome import Measurement, Outcome
from harness.model.scheme import Decision

One = TypeVar("One")


def spread(found: int, number: int) -> list[bool]:
    """Trials of which so many were found so, as far from each other as they can be."""
    return [place * found // number < (place + 1) * found // number for place in range(number)]


def some_changed(
    made: Iterable[One], test: Callable[[One], bool], how: Callable[[One], One], most: int
) -> list[One]:
    """All of them, ``most`` of those for which ``test`` holds changed, which lie evenly."""
    held = list(made)
    places = [place for place, one in enumerate(held) if test(one)]
    is_changed = spread(min(most, len(places)), len(places))
    for place in compress(places, is_changed):
        held[place] = how(held[place])
    return held


def measured(chosen: Selection) -> Measurement:
    """The measurement of the selection's requirement."""
    found = function_of(spec_of(chosen.requirement.measure.metric))(chosen)
    return Measurement(
        requirement=chosen.requirement,
        profile=chosen.profile,
        line=chosen.line,
        metric=found.metric,
        witnesses=found.witnesses,
        barred=found.barred,
        conditions=found.conditions,
    )


def outcome(chosen: Selection) -> Outcome:
    """The outcome of the selection's requirement, decided alone."""
    return assess([measured(chosen)], Decision())[0]
