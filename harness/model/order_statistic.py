"""The one convention for quantiles of samples, and the binomial distribution of their ranks.

Without ``harness.estimate``, for pages of the hub and machines that only measure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence


def rank_of(quantile: float, number: int) -> int:
    """Return which of ``number`` sorted values is the quantile, from 0.

    It is the smallest value that at least the share ``quantile`` of all values are at most
    (definition 1 of Hyndman and Fan, American Statistician 50 (1996) 361-365).
    """
    return max(0, math.ceil(quantile * number - 1e-9) - 1)  # 0.1 * 30 is a little more than 3


def order_statistic(ordered: Sequence[float], quantile: float) -> float:
    """Return a quantile of sorted values. Raises IndexError if there is none."""
    return ordered[rank_of(quantile, len(ordered))]


def quantile_of(ordered: Sequence[float], quantile: float, later: int = 0) -> float | None:
    """Return a quantile of sorted values and ``later`` ones, each larger than all of them.

    ``None`` if it is one of the later ones, or there is no value.
    """
    rank = rank_of(quantile, len(ordered) + later)
    return ordered[rank] if rank < len(ordered) else None


def binomial_at_most(k: int, n: int, rate: float) -> float:
    """Return P[X <= k] for X ~ Bin(n, rate)."""
    if k < 0:
        return 0.0
    if k >= n or rate <= 0:
        return 1.0
    return 0.0 if rate >= 1 else min(1.0, math.fsum(_binomial_chances(k, n, rate)))


def _binomial_chances(k: int, n: int, rate: float) -> Iterator[float]:
    """Yield P[X = x] for x from 0 to k."""
    whole, log_rate, log_rest = math.lgamma(n + 1), math.log(rate), math.log1p(-rate)
    for x in range(k + 1):
        ways = whole - math.lgamma(x + 1) - math.lgamma(n - x + 1)
        yield math.exp(ways + x * log_rate + (n - x) * log_rest)
