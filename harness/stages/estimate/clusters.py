"""Items that hang together: several pages of one domain are not so many independent items.

Filters decide per registrable domain, so pages of one domain fall together. Ten pages of each
of 50 domains pass a 90 % threshold by luck 10 % of the time at an intra-class correlation of
0.1, if they are taken as 500 independent items (METHOD (c), "Independence").
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scipy.special import stdtrit

from harness.stages.estimate.intervals import Bounds, effective_bounds


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


def korn_graubard(found: Clustered, alpha: float) -> Bounds:
    """Clopper-Pearson bounds at the effective number of items, adjusted for few clusters.

    Korn & Graubard, Survey Methodology 24 (1998) 193-201: n* = n / deff (t_n-1 / t_m-1)^2.
    """
    if not found.n:
        return Bounds(None, None)
    if found.k in {0, found.n} or found.clusters in {1, found.n}:
        items = float(found.clusters)  # no spread between clusters to learn from
    else:
        ratio = stdtrit(found.n - 1, 1 - alpha) / stdtrit(found.clusters - 1, 1 - alpha)
        items = min(found.effective_n * float(ratio) ** 2, float(found.n))
    return effective_bounds(found.k / found.n, items, alpha)
