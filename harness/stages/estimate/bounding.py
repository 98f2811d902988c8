"""Which bounds a count of items gets: exact, robust to clusters, or readable at any time.

Whichever it is, indeterminate items are taken as failures for the lower bound and as successes
for the upper one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.corpus import Item
from harness.model.scheme import DecisionRule
from harness.stages.estimate.clusters import clustered, korn_graubard
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
    counted: Iterable[Item],
    others: Iterable[Item],
    doubtful: Iterable[Item],
    rule: DecisionRule,
    alpha: float,
) -> Bounded:
    """Bounds of the share of ``counted`` among ``counted`` and ``others``.

    Items of one registrable domain fall together (METHOD TQ-04): as soon as one domain has
    several, the bounds are those of Korn & Graubard, or those at any time of as many items as
    would say as much.
    """
    yes, no, open_ = _domains(counted), _domains(others), _domains(doubtful)
    k, n, doubt = sum(yes.values()), sum(yes.values()) + sum(no.values()), sum(open_.values())
    domains = yes.keys() | no.keys() | open_.keys()
    if n == 0:
        return Bounded(bounds=Bounds(None, None), method=EXACT)
    if len(domains) == n + doubt:
        if rule == "sequential":
            return Bounded(
                bounds=_at_any_time(k, k + doubt, n + doubt, 1, 1, alpha), method=ANYTIME
            )
        return Bounded(bounds=worst_case(k, n, doubt, alpha), method=EXACT)
    sizes = {one: yes.get(one, 0) + no.get(one, 0) + open_.get(one, 0) for one in domains}
    low = clustered([(yes.get(one, 0), size) for one, size in sizes.items()])
    high = clustered([(yes.get(one, 0) + open_.get(one, 0), size) for one, size in sizes.items()])
    effect = f"design effect {low.design_effect:.2f} over {len(domains)} domains"
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


def design_effect(items: Iterable[tuple[Item, bool]]) -> float:
    """How many independent items one item costs, by registrable domain."""
    counts: dict[str, tuple[int, int]] = {}
    for item, success in items:
        k, n = counts.get(_domain(item), (0, 0))
        counts[_domain(item)] = (k + success, n + 1)
    return clustered(list(counts.values())).design_effect


def _domains(items: Iterable[Item]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in items:
        name = _domain(item)
        counts[name] = counts.get(name, 0) + 1
    return counts


def _domain(item: Item) -> str:
    return item.registrable or item.id
