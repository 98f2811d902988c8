"""Weighted estimates: strata and popularity frames, with the weights published."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scipy.special import stdtrit

from harness.estimate.intervals import Bounds, effective_bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One counted item: was it a success, its design weight, its stratum."""

    success: bool
    weight: float = 1.0
    stratum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedRate:
    """A weighted rate, its bounds, and the effective number of items behind it."""

    value: float
    bounds: Bounds
    effective_n: float
    strata: int


def weighted_rate(draws: Iterable[Draw], alpha: float) -> WeightedRate:
    """The Hajek estimate of a rate from design weights, with bounds at the effective number.

    Horvitz & Thompson, JASA 47 (1952) 663-685, as a ratio of totals; variance by Taylor
    linearisation within strata (Lohr, Sampling, 2nd ed., 9.1). Bounds by Korn & Graubard
    (1998): a survey-t interval covers 90 % instead of 95 % near a rate of 1. A stratum with
    one draw gives no variance and leaves the rate without bounds. Raises ValueError without a
    draw or for weights that are not positive.
    """
    drawn = list(draws)
    if not drawn or any(draw.weight <= 0 for draw in drawn):
        msg = "a weighted rate needs draws with positive weights"
        raise ValueError(msg)
    total = math.fsum(draw.weight for draw in drawn)
    value = math.fsum(draw.weight * draw.success for draw in drawn) / total
    strata: dict[str, list[float]] = defaultdict(list)
    for draw in drawn:
        strata[draw.stratum].append(draw.weight * (draw.success - value) / total)
    kish = total**2 / math.fsum(draw.weight**2 for draw in drawn)
    bounds, items = _bounds(value, kish, list(strata.values()), alpha)
    return WeightedRate(value=value, bounds=bounds, effective_n=items, strata=len(strata))


def _bounds(
    value: float, kish: float, strata: list[list[float]], alpha: float
) -> tuple[Bounds, float]:
    """The bounds, and the number of independent items that would say as much."""
    n = sum(len(scores) for scores in strata)
    freedom = n - len(strata)
    if freedom < 1 or min(len(scores) for scores in strata) == 1:
        return Bounds(None, None), kish
    variance = math.fsum(_between(scores) for scores in strata)
    if variance == 0:
        return effective_bounds(value, kish, alpha), kish
    ratio = float(stdtrit(n - 1, 1 - alpha) / stdtrit(freedom, 1 - alpha))
    items = min(value * (1 - value) / variance * ratio**2, float(n))
    return effective_bounds(value, items, alpha), items


def _between(scores: list[float]) -> float:
    n = len(scores)
    mean = math.fsum(scores) / n
    return n / (n - 1) * math.fsum((score - mean) ** 2 for score in scores)
