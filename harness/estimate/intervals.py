"""Exact one-sided bounds for rates; ``None`` where nothing was counted.

Each bound is one-sided at level ``alpha``: the pair is a two-sided interval at ``1 - 2 alpha``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scipy import special


class Bounds(NamedTuple):
    """A lower and an upper one-sided bound; ``None`` means that nothing bounds that side."""

    lower: float | None
    upper: float | None


def clopper_pearson(k: int, n: int, alpha: float) -> Bounds:
    """Exact bounds of a rate of which ``k`` of ``n`` independent items were seen.

    Clopper & Pearson, Biometrika 26 (1934) 404-413; METHOD (c): L = B^-1(alpha; k, n-k+1),
    U = B^-1(1-alpha; k+1, n-k). Raises ValueError unless 0 <= k <= n.
    """
    _check(k, n)
    if n == 0:
        return Bounds(None, None)
    lower = 0.0 if k == 0 else float(special.betaincinv(k, n - k + 1, alpha))
    upper = 1.0 if k == n else float(special.betaincinv(k + 1, n - k, 1 - alpha))
    return Bounds(lower, upper)


def worst_case(k: int, n: int, indeterminate: int, alpha: float) -> Bounds:
    """Clopper-Pearson bounds that hold whatever the indeterminate items really were.

    The lower bound takes them all as failures, the upper one all as successes, both over
    ``n + indeterminate`` items (METHOD (c), "Uncertain outcomes").
    """
    if n == 0:
        return Bounds(None, None)
    whole = n + indeterminate
    lower = clopper_pearson(k, whole, alpha).lower
    upper = clopper_pearson(k + indeterminate, whole, alpha).upper
    return Bounds(lower, upper)


def effective_bounds(rate: float, items: float, alpha: float) -> Bounds:
    """Clopper-Pearson bounds of a rate that says as much as ``items`` independent items would.

    For clustered or weighted items, whose effective number is no whole one. Korn & Graubard,
    Survey Methodology 24 (1998) 193-201.
    """
    k = rate * items
    lower = 0.0 if rate <= 0 else float(special.betaincinv(k, items - k + 1, alpha))
    upper = 1.0 if rate >= 1 else float(special.betaincinv(k + 1, items - k, 1 - alpha))
    return Bounds(lower, upper)


def wilson(k: int, n: int, alpha: float) -> Bounds:
    """Score bounds: shorter than the exact ones, but only nominally of level ``alpha``.

    For tables and figures, never for a decision. Wilson, JASA 22 (1927) 209-212.
    """
    _check(k, n)
    if n == 0:
        return Bounds(None, None)
    z = float(special.ndtri(1 - alpha))
    rate = k / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return Bounds(max(0.0, centre - half), min(1.0, centre + half))


def quantile_bounds(
    ordered: Sequence[float], quantile: float, alpha: float, beyond: int = 0
) -> Bounds:
    """Distribution-free bounds of a quantile from sorted values.

    The upper bound is the smallest order statistic that the quantile exceeds with probability
    at most ``alpha``; mirror-wise the lower. ``beyond`` further values were not seen: they
    count as infinitely large for the upper bound and infinitely small for the lower one.
    Hahn & Meeker, Statistical Intervals (1991), section 5.2.
    """
    whole = len(ordered) + beyond
    if not ordered:
        return Bounds(None, None)
    above = _first_rank(whole, quantile, 1 - alpha)
    below = whole - _first_rank(whole, 1 - quantile, 1 - alpha)
    upper = ordered[above - 1] if 1 <= above <= len(ordered) else None
    lower = ordered[below - beyond] if below - beyond >= 0 and below < whole else None
    return Bounds(lower, upper)


def p_above_mark(within: int, n: int, quantile: float) -> float:
    """The smallest level at which the lower bound of a quantile is above a mark.

    ``within`` of ``n`` values are not above it, those that were not seen among them.
    """
    return float(special.bdtr(within, n, quantile))


def _first_rank(n: int, quantile: float, confidence: float) -> int:
    """The smallest r with P[Bin(n, quantile) <= r-1] >= confidence; n + 1 if there is none."""
    low, high = 1, n + 1
    while low < high:
        middle = (low + high) // 2
        if middle <= n and float(special.bdtr(middle - 1, n, quantile)) < confidence:
            low = middle + 1
        else:
            high = middle
    if low <= n:
        return low
    return n + 1


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n:
        msg = f"k = {k} of n = {n} is no count of successes"
        raise ValueError(msg)
