"""The one convention for quantiles of samples: the smallest value that enough are at most."""

from __future__ import annotations

import math
from collections.abc import Sequence


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
