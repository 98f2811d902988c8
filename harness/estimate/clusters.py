"""The design effect: how many items of shared domains say as much as one independent item.

Filters decide per registrable domain, so pages of one domain fall together. The design effect
tells how much; it decides nothing (see ``gaffke`` for what does).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered:
    """A rate of clustered items: ``k`` of ``n`` in ``clusters``, and what that costs."""

    k: int
    n: int
    clusters: int
    design_effect: float

    @property
    def effective_n(self) -> float:
        """How many independent items would say as much."""
        return self.n / self.design_effect


def clustered(counts: Mapping[tuple[int, int], int] | Iterable[tuple[int, int]]) -> Clustered:
    """The design effect of (successes, items) per cluster, never below 1.

    ``counts`` says how many clusters have which counts, or names those of each cluster.
    Variance of the ratio between clusters (Taylor linearisation) over that of independent
    items; Kish, Survey Sampling (1965), 8.2. With one cluster, or a rate of 0 or 1 that shows
    no variance, the clusters themselves are taken as the items.
    """
    used = {alike: number for alike, number in Counter(counts).items() if alike[1]}
    k = sum(k * number for (k, _), number in used.items())
    n = sum(n * number for (_, n), number in used.items())
    m = sum(used.values())
    if not n:
        return Clustered(k=0, n=0, clusters=0, design_effect=1.0)
    rate = k / n
    independent = rate * (1 - rate) / n
    if m == 1 or independent == 0:
        return Clustered(k=k, n=n, clusters=m, design_effect=n / m)
    squares = math.fsum(
        number * (successes - rate * items) ** 2 for (successes, items), number in used.items()
    )
    between = m / (m - 1) * squares / n**2
    return Clustered(k=k, n=n, clusters=m, design_effect=max(1.0, between / independent))
