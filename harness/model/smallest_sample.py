"""The smallest number of items with which a requirement can be met at all.

With fewer items no service conforms, because the bound of "n of n right" stays below the threshold
(METHOD (c), table 1, column m = 0). This module does not use ``harness.estimate``, so that a scheme
can be checked and a campaign announced on a machine that only measures.

n counts independent units: registrable domains for a rate, pairs or timed events for a duration.
``alpha`` is the one-sided level of the decision.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

from harness.model.metric_spec import spec_of
from harness.model.scheme import DecisionRule, Requirement, Threshold

MEDIAN = 0.5
"""The quantile of a duration where a measure names none."""

BETS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""The betting fractions of the e-process, mixed in equal parts (METHOD (c), "Repeated looks")."""

LAST = 64
"""How many last events are searched for the lowest point of a waiting time's band."""

NOT_COUNTED: frozenset[DecisionRule] = frozenset({"report", "evidence"})
"""Rules that count no items: nothing to sample, or documents."""

EACH_COUNTS: frozenset[DecisionRule] = frozenset({"census", "functional", "grade", "gate"})
"""Rules by which each item counts, so that one item is enough."""


def smallest_sample(requirement: Requirement, alpha: float) -> int | None:
    """Return the fewest items with which ``requirement`` can be met; ``None`` if none suffice.

    0 for rules that count no items. Each category, stratum or language that a metric
    ``..._by_...`` compares needs this number: a pass asks every group at level alpha
    (intersection-union, Berger 1982), so alpha is not divided.
    """
    if requirement.rule in NOT_COUNTED or requirement.threshold is None:
        return 0
    if requirement.rule in EACH_COUNTS:
        return 1
    return _for_bounds(requirement, alpha)


def smallest_for_rate(threshold: float, alpha: float) -> int | None:
    """Return the items without a failure that show "rate >= T".

    It is ln(alpha) / ln(threshold), rounded up: 29 at T = .90, 59 at .95, 149 at .98 and 299 at
    .99 with alpha .05 (Clopper & Pearson 1934, k = n; the same for m registrable domains, Gaffke
    2005). ``None`` for a threshold of 1: no sample shows that nothing is open.
    """
    if threshold >= 1:
        return None
    if threshold <= 0:
        return 1
    near = max(1, math.ceil(math.log(alpha) / math.log(threshold)))
    return near - 1 if near > 1 and threshold ** (near - 1) <= alpha else near


def smallest_for_threshold(threshold: Threshold, alpha: float) -> int | None:
    """Return ``smallest_for_rate`` for a threshold of either kind: T = 1 - U for "at most U".

    ``None`` if no sample can show it: T = 1, or a threshold that is no rate.
    """
    rates = [threshold.at_least] if threshold.at_least is not None else []
    rates += [1 - threshold.at_most] if threshold.at_most is not None else []
    rate = max(rates, default=0.0)
    return None if rate < 0 else smallest_for_rate(rate, alpha)


def smallest_at_any_time(threshold: float, alpha: float) -> int | None:
    """Return the items without a failure with which the e-process shows "rate >= T".

    53 at T = .90: bounds that hold at any time need more items than bounds that are read once
    (Ville 1939; Ramdas et al., Statistical Science 38 (2023)). ``None`` for a threshold of 1.
    """
    if threshold >= 1:
        return None
    if threshold <= 0:
        return 1
    gains = [math.log1p(bet * (1 - threshold) / threshold) for bet in BETS]
    mark = math.log(len(BETS) / alpha)
    return _first(lambda n: _log_sum([n * gain for gain in gains]) >= mark)


@lru_cache(maxsize=64)
def blocks_for(quantile: float, alpha: float) -> int:
    """Return into how many blocks the times of a sample are divided, if there are so many.

    Half as many again as can decide, so that a few slow times leave a bound (89 for the 95 %
    quantile at alpha .05), and at least 30 (proposed by this project).
    """
    return max(30, math.ceil(1.5 * (smallest_for_rate(quantile, alpha) or 1)))


@lru_cache(maxsize=64)
def smallest_for_waiting(quantile: float, alpha: float) -> int:
    """Return the uncensored waiting times from which a quantile has an upper bound.

    37 for the 90 % quantile at alpha .05. Kaplan-Meier with the log-log band (Brookmeyer &
    Crowley, Biometrics 38 (1982)); the largest of 29 bounds it as an order statistic.
    """
    z = NormalDist().inv_cdf(1 - alpha)
    return _first(
        lambda n: any(_waiting(n, i, z) <= 1 - quantile for i in range(max(1, n - LAST), n))
    )


def _waiting(n: int, i: int, z: float) -> float:
    """Return the upper bound of the share still waiting after ``i`` of ``n`` events."""
    log = math.log((n - i) / n)
    deviation = math.sqrt(i / (n * (n - i))) / -log
    return math.exp(log * math.exp(-z * deviation))


def _for_bounds(requirement: Requirement, alpha: float) -> int | None:
    """Return the number for the metric's bounds: rate, median, waiting time or quantile."""
    measure, rule = requirement.measure, requirement.rule
    spec = spec_of(measure.metric)
    if spec.is_rate or spec.bounds == "margin":
        return _for_rate(requirement, alpha)
    if spec.bounds == "median" or rule == "noninferiority":
        return smallest_for_rate(MEDIAN, alpha)
    if rule == "survival":
        return smallest_for_waiting(measure.quantile or MEDIAN, alpha)
    if rule == "quantile" or measure.quantile is not None:
        return _for_quantile(requirement, measure.quantile or MEDIAN, alpha)
    if spec.unit == "share" and spec.bounds != "observed":
        return _for_rate(requirement, alpha)
    return 1


def _for_rate(requirement: Requirement, alpha: float) -> int | None:
    find = smallest_at_any_time if requirement.rule == "sequential" else smallest_for_rate
    return _largest(requirement, lambda threshold: find(threshold, alpha))


def _for_quantile(requirement: Requirement, quantile: float, alpha: float) -> int | None:
    """Return the number for a quantile: a rate of ``quantile`` below an upper limit, or above."""
    threshold = requirement.threshold
    numbers = []
    if threshold is not None and threshold.at_most is not None:
        numbers.append(smallest_for_rate(quantile, alpha))
    if threshold is not None and threshold.at_least is not None:
        numbers.append(smallest_for_rate(1 - quantile, alpha))
    return _most(numbers)


def _largest(requirement: Requirement, find: Callable[[float], int | None]) -> int | None:
    """Return the larger number of both sides of a threshold, with T = 1 - U for "at most U"."""
    threshold = requirement.threshold
    numbers = []
    if threshold is not None and threshold.at_least is not None:
        numbers.append(find(threshold.at_least))
    if threshold is not None and threshold.at_most is not None:
        numbers.append(find(1 - threshold.at_most))
    return _most(numbers)


def _most(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return max(known, default=1) if len(known) == len(numbers) else None


def _log_sum(logs: list[float]) -> float:
    """Return the logarithm of the sum of exponentials."""
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs))


def _first(holds: Callable[[int], bool]) -> int:
    """Return the smallest number from 1 for which the monotone ``holds`` is true."""
    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
