"""How much larger a sample has to be that decides what a smaller one left undecided.

METHOD (d): an undecided sample is no failure; it is extended, by a computed number. The larger
sample is drawn anew and judged alone, as the plan's next try and at the level of that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.estimate.planning import decision_limits
from harness.model.metric import Metric
from harness.model.outcome import Conformity, Outcome
from harness.model.scheme import Threshold

MOST = 20_000
"""A sample larger than this is never asked for."""


def size_to_decide(n: int, misses: float, threshold: float, alpha: float) -> int | None:
    """Return a sample of at least ``n`` items that decides "rate >= threshold".

    It is the size at which the same share of misses would show that the rate is reached, or that it
    is not. ``None`` if that share is the threshold's, or needs more than MOST items.
    Raises ValueError for a threshold that no sample can decide.
    """
    share = misses / n

    def decides(size: int) -> bool:
        limits = decision_limits(size, threshold, alpha)
        if share < 1 - threshold:
            return limits.passes is not None and math.ceil(share * size) <= limits.passes
        return limits.fails is not None and math.floor(share * size) >= limits.fails

    if math.isclose(share, 1 - threshold) or not decides(MOST):
        return None
    low, high = n - 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def times_larger(outcome: Outcome, alpha: float) -> float | None:
    """Return by what factor a sample must grow to decide an outcome that it left undecided.

    ``alpha`` is the level at which the larger sample is judged. ``None`` if the outcome is decided,
    is no rate of a sample, or a larger sample would not help.
    """
    threshold = outcome.requirement.threshold
    if outcome.conformity is not Conformity.INSUFFICIENT or threshold is None:
        return None
    metric = outcome.metric
    parts = [part.metric for part in metric.parts] or [metric]
    factors = [factor for part in parts for factor in _factors(part, threshold, alpha)]
    if not factors or None in factors:
        return None
    return max(factor for factor in factors if factor is not None)


def _factors(metric: Metric, threshold: Threshold, alpha: float) -> Iterator[float | None]:
    """Yield the factor for each side of the threshold that the metric leaves undecided."""
    if metric.unit != "share" or metric.value is None or not metric.counted:
        return
    n = metric.counted
    sides = []
    if threshold.at_least is not None:
        sides.append((threshold.at_least, 1 - metric.value, metric.lower, metric.upper))
    if threshold.at_most is not None:
        upper = None if metric.upper is None else 1 - metric.upper
        lower = None if metric.lower is None else 1 - metric.lower
        sides.append((1 - threshold.at_most, metric.value, upper, lower))
    for rate, missed, low, high in sides:
        is_open = low is not None and high is not None and low < rate <= high
        if is_open and 0 < rate < 1:
            size = size_to_decide(n, missed * n, rate, alpha)
            yield None if size is None else max(1.0, size / n)
