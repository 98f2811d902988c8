"""Which bounds a count of items gets: exact, robust to clusters, or readable at any time.

Whichever it is, indeterminate items are taken as failures for the lower bound and as successes
for the upper one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.fate import MakeUp
from harness.model.scheme import DecisionRule
from harness.stages.estimate.clusters import clustered, korn_graubard
from harness.stages.estimate.fold import Lot
from harness.stages.estimate.intervals import Bounds, worst_case
from harness.stages.estimate.sequential import anytime_bounds

EXACT = "Clopper-Pearson, exact, one-sided, indeterminates worst case"
ANYTIME = "e-process, one-sided at any time, indeterminates worst case"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """Bounds, and by which method."""

    bounds: Bounds
    method: str


def bounded(
    domains: Iterable[tuple[MakeUp, int]],
    counted: Iterable[Lot],
    others: Iterable[Lot],
    doubtful: Iterable[Lot],
    rule: DecisionRule,
    alpha: float,
) -> Bounded:
    """Bounds of the share of ``counted`` among ``counted`` and ``others``.

    Items of one registrable domain fall together (METHOD TQ-04): as soon as one domain has
    several, the bounds are those of Korn & Graubard, or those at any time of as many items as
    would say as much.
    ``domains`` are those of the line.
    """
    alike = shares(domains, (counted, others, doubtful))
    k, no, doubt = (sum(one[part] * many for one, many in alike.items()) for part in range(3))
    n = k + no
    if n == 0:
        return Bounded(bounds=Bounds(None, None), method=EXACT)
    if sum(alike.values()) == n + doubt:
        if rule == "sequential":
            return Bounded(
                bounds=_at_any_time(k, k + doubt, n + doubt, 1, 1, alpha), method=ANYTIME
            )
        return Bounded(bounds=worst_case(k, n, doubt, alpha), method=EXACT)
    least: Counter[tuple[int, int]] = Counter()
    most: Counter[tuple[int, int]] = Counter()
    for (yes, other, open_), number in alike.items():
        least[yes, yes + other + open_] += number
        most[yes + open_, yes + other + open_] += number
    low, high = clustered(least), clustered(most)
    effect = f"design effect {low.design_effect:.2f} over {low.clusters} domains"
    if rule == "sequential":
        effects = low.design_effect, high.design_effect
        bounds = _at_any_time(k, k + doubt, n + doubt, *effects, alpha)
        return Bounded(bounds=bounds, method=f"{ANYTIME}, {effect}")
    lower, upper = korn_graubard(low, alpha).lower, korn_graubard(high, alpha).upper
    method = f"Korn-Graubard, {effect}, one-sided, indeterminates worst case"
    return Bounded(bounds=Bounds(lower, upper), method=method)


def _at_any_time(
    least: int, most: int, n: int, low_effect: float, high_effect: float, alpha: float
) -> Bounds:
    """Bounds of ``least`` to ``most`` successes, taken as of the independent items they equal."""
    lower = anytime_bounds(least / low_effect, n / low_effect, alpha).lower
    upper = anytime_bounds(most / high_effect, n / high_effect, alpha).upper
    return Bounds(lower, upper)


def design_effect(
    domains: Iterable[tuple[MakeUp, int]], counted: Iterable[Lot], others: Iterable[Lot]
) -> float:
    """How many independent items one item costs, by registrable domain."""
    counts: Counter[tuple[int, int]] = Counter()
    for (yes, no, _), number in shares(domains, (counted, others, ())).items():
        counts[yes, yes + no] += number
    return clustered(counts).design_effect


def shares(
    domains: Iterable[tuple[MakeUp, int]], parts: tuple[Iterable[Lot], Iterable[Lot], Iterable[Lot]]
) -> Counter[tuple[int, int, int]]:
    """How many domains have so many items of each of the three parts, and any at all."""
    places = {lot.fate.number: place for place, part in enumerate(parts) for lot in part}
    alike: Counter[tuple[int, int, int]] = Counter()
    for makeup, number in domains:
        found = [0, 0, 0]
        for fate, items in makeup:
            if (place := places.get(fate)) is not None:
                found[place] += items
        if any(found):
            alike[found[0], found[1], found[2]] += number
    return alike
