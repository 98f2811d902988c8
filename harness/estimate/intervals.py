"""Confidence bounds of rates, list entries and weighted rates.

- Gaffke's bounds of a mean of domain rates: ``lower_bound``, ``upper_bound``, ``p_above``,
  ``p_below``.
- Exact bounds of a binomial rate (Clopper-Pearson) and their worst case under indeterminate items.
- Hypergeometric bounds of open entries in a list.
- Bounds of rates from design weights (Hajek, Korn and Graubard).

Each bound is one-sided at level ``alpha``: a pair is a two-sided interval at ``1 - 2 alpha``. A
bound is ``None`` where nothing was counted.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from harness.estimate.distributions import (
    beta_cdf,
    beta_quantile,
    hypergeometric_cdf,
    hypergeometric_sf,
    student_quantile,
)

Rates = Mapping[float, int]
"""Numbers of domains by their rate, between 0 and 1."""

MANY, GRID = 2_000, 10_000
"""If there are more than ``MANY`` distinct rates, they are rounded down to 1 / ``GRID``."""

PRECISION = 1e-11
"""The greatest error of a probability, and of a bound."""

LEVEL_PRECISION = 1e-9
"""The greatest error of a level that is found by bisection."""

_Groups = tuple[tuple[float, int], ...]
_NEGLIGIBLE = 32.0  # exp(-32) is 1e-14
_CHUNK = 2**21  # numbers in memory at a time


def lower_bound(rates: Rates, alpha: float) -> float:
    """Return Gaffke's lower bound of the mean domain rate at level ``alpha``.

    It is the ``alpha`` quantile of the sum of D_i y_i, where (D_0, ..., D_m) is Dirichlet(1, ...,
    1), y_1 to y_m are the rates and y_0 = 0. Gaffke 2005. Raises ValueError without a domain, or
    for a rate outside 0..1.
    """
    return _lower(_groups(rates), alpha)


def upper_bound(rates: Rates, alpha: float) -> float:
    """Return the upper bound at level ``alpha``: 1 minus the lower bound of the complements."""
    return 1.0 - lower_bound(mirrored(rates), alpha)


def p_above(rates: Rates, mark: float) -> float:
    """Return the smallest level at which the lower bound is above ``mark``.

    It bounds the probability of rates this high if the mean is at most ``mark``.
    """
    return _below(_groups(rates), mark)


def p_below(rates: Rates, mark: float) -> float:
    """Return the smallest level at which the upper bound is below ``mark``."""
    return p_above(mirrored(rates), 1.0 - mark)


def mirrored(rates: Rates) -> dict[float, int]:
    """Return the rates subtracted from 1."""
    return {1.0 - rate: number for rate, number in rates.items()}


def _groups(rates: Rates) -> _Groups:
    used = {rate: number for rate, number in rates.items() if number}
    if not used or min(used) < 0 or max(used) > 1:
        msg = "a bound needs at least one domain, and rates between 0 and 1"
        raise ValueError(msg)
    if len(used) > MANY:
        coarse: Counter[float] = Counter()
        for rate, number in used.items():
            coarse[math.floor(rate * GRID) / GRID] += number
        used = dict(coarse)
    return tuple(sorted(used.items()))


@lru_cache(maxsize=4096)
def _lower(groups: _Groups, alpha: float) -> float:
    positive = [(rate, number) for rate, number in groups if rate > 0]
    if not positive:
        return 0.0
    domains, with_positive = (sum(number for _, number in part) for part in (groups, positive))
    share = beta_quantile(with_positive, domains - with_positive + 1, alpha)
    low, high = positive[0][0] * share, positive[-1][0] * share  # all rates equal
    if len(positive) == 1:
        return high  # exact, and Clopper-Pearson for a rate of 1

    def excess(mark: float) -> float:
        return _below(groups, mark) - alpha

    if excess(low) >= 0 or excess(high) <= 0:  # the rates differ by rounding only
        return low if excess(low) >= 0 else high
    return _root(excess, low, high)


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Return where an increasing function is 0 between two ends, to within ``PRECISION``.

    By inverse quadratic interpolation where it surely converges, else by bisection (Chandrupatla,
    Advances in Engineering Software 28 (1997) 145-149). ``last`` is the newest place, ``other``
    one on the other side of the root, ``past`` the place before.
    """
    last, other = high, low
    at_last, at_other = excess(last), excess(other)
    part = 0.5
    while True:
        middle = last + part * (other - last)
        value = excess(middle)
        if (value < 0) == (at_last < 0):
            past, at_past = last, at_last
        else:
            past, at_past, other, at_other = other, at_other, last, at_last
        last, at_last = middle, value
        least = PRECISION / 2 / abs(other - last)
        if value == 0 or least > 0.5:  # noqa: PLR2004 - the ends are closer than the precision
            return last if abs(at_last) < abs(at_other) else other
        place = (last - other) / (past - other)
        height = (at_last - at_other) / (at_past - at_other)
        part = 0.5
        if height**2 < place and (1 - height) ** 2 < 1 - place:
            part = at_last / (at_other - at_last) * at_past / (at_other - at_past)
            part += (
                (past - last) / (other - last) * at_last / (at_past - at_last)
                * at_other / (at_past - at_other)
            )  # fmt: skip
        part = min(1 - least, max(least, part))


@lru_cache(maxsize=65536)
def _below(groups: _Groups, mark: float) -> float:
    """Return the probability that the sum of D_i y_i is at most ``mark``.

    It equals P[sum E_i (y_i - mark) <= 0] for independent exponential E_i.
    """
    if mark <= 0:
        return float(mark == 0 and groups[-1][0] == 0)
    if mark >= groups[-1][0]:
        return 1.0
    positive = [(rate, number) for rate, number in groups if rate > 0]
    if len(positive) == 1:
        ((rate, number),) = positive
        domains = sum(number for _, number in groups)
        return beta_cdf(number, domains - number + 1, mark / rate)
    values = np.array([0.0, *(rate for rate, _ in groups)]) - mark
    numbers = np.array([1, *(number for _, number in groups)], dtype=float)
    return min(1.0, max(0.0, 0.5 - _gil_pelaez(values, numbers) / math.pi))


def _gil_pelaez(values: np.ndarray, numbers: np.ndarray) -> float:
    """Return the integral over u > 0 of Im(phi(u)) / u.

    phi is the characteristic function of the sum of ``numbers`` exponentials weighted by
    ``values``.

    Gil-Pelaez, Biometrika 38 (1951) 481-482; the integrand as in Imhof, Biometrika 48 (1961)
    419-426. Trapezoidal rule after the substitution u = exp(x - exp(-x)), whose error falls
    exponentially with the number of points; these are doubled until the sum is stable twice.
    """
    values = values / math.sqrt(float(numbers @ values**2))  # a standard deviation of 1
    low, high = -3.6, 2.0
    while float(numbers @ np.log1p((values * math.exp(high)) ** 2)) / 2 < _NEGLIGIBLE:
        high += 0.5
    points = 64
    step = (high - low) / points
    total = _sum(low + step * np.arange(points + 1), values, numbers)
    integral, agreed = step * total, 0
    while points < 2**16:
        total += _sum(low + step * (np.arange(points) + 0.5), values, numbers)
        points, step = points * 2, step / 2
        before, integral = integral, step * total
        agreed = agreed + 1 if abs(integral - before) < PRECISION else 0
        if agreed == 2:  # noqa: PLR2004 - once may be chance
            break
    return integral


def _sum(points: np.ndarray, values: np.ndarray, numbers: np.ndarray) -> float:
    steps = np.exp(points - np.exp(-points))
    angle, size = np.zeros(len(steps)), np.zeros(len(steps))
    chunk = max(1, _CHUNK // len(steps))
    for start in range(0, len(values), chunk):
        part = slice(start, start + chunk)
        scaled = np.outer(steps, values[part])
        angle += np.arctan(scaled) @ numbers[part]
        size += np.log1p(scaled**2) @ numbers[part]
    return float(np.sum(np.sin(angle) * np.exp(-size / 2) * (1 + np.exp(-points))))


class Bounds(NamedTuple):
    """A lower and an upper one-sided bound; ``None`` means that the side is unbounded."""

    lower: float | None
    upper: float | None


def clopper_pearson(k: int, n: int, alpha: float) -> Bounds:
    """Return the exact bounds of a rate, from ``k`` of ``n`` independent items.

    Clopper & Pearson, Biometrika 26 (1934) 404-413; METHOD (c): L = B^-1(alpha; k, n-k+1),
    U = B^-1(1-alpha; k+1, n-k). Raises ValueError unless 0 <= k <= n.
    """
    _check(k, n)
    if n == 0:
        return Bounds(None, None)
    lower = 0.0 if k == 0 else beta_quantile(k, n - k + 1, alpha)
    upper = 1.0 if k == n else beta_quantile(k + 1, n - k, 1 - alpha)
    return Bounds(lower, upper)


def worst_case(k: int, n: int, indeterminate: int, alpha: float) -> Bounds:
    """Return Clopper-Pearson bounds that hold whatever the indeterminate items really were.

    The lower bound takes them all as failures, the upper one all as successes, both over
    ``n + indeterminate`` items (METHOD (c), "Uncertain outcomes").
    """
    if n == 0:
        return Bounds(None, None)
    total = n + indeterminate
    lower = clopper_pearson(k, total, alpha).lower
    upper = clopper_pearson(k + indeterminate, total, alpha).upper
    return Bounds(lower, upper)


def effective_bounds(rate: float, items: float, alpha: float) -> Bounds:
    """Return Clopper-Pearson bounds of a rate with ``items`` effective items, not always whole.

    For clustered or weighted items. Korn & Graubard,
    Survey Methodology 24 (1998) 193-201.
    """
    k = rate * items
    lower = 0.0 if k <= 0 else beta_quantile(k, items - k + 1, alpha)
    upper = 1.0 if k >= items else beta_quantile(k + 1, items - k, 1 - alpha)
    return Bounds(lower, upper)


def smallest_level(is_missed: Callable[[float], bool]) -> float:
    """Return the smallest level at which a bound is on the wrong side of its mark, to within 1e-9.

    ``is_missed`` says of a level whether it is: from some level on it always is. 1 if it never is.
    """
    if not is_missed(1 - LEVEL_PRECISION):
        return 1.0
    low, high = 0.0, 1.0
    while high - low > LEVEL_PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if is_missed(middle) else (middle, high)
    return high


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n:
        msg = f"k = {k} of n = {n} is no count of successes"
        raise ValueError(msg)


def open_entries(size: int, sampled: int, misses: int, alpha: float) -> Bounds:
    """Return exact one-sided bounds of the number of open entries in a list of ``size``.

    ``misses`` of ``sampled`` entries drawn without replacement were open (hypergeometric).
    Buonaccorsi, American Statistician 41 (1987) 215-218. Raises ValueError unless
    0 <= misses <= sampled <= size.
    """
    if not 0 <= misses <= sampled <= size:
        msg = f"{misses} misses in {sampled} of {size} entries cannot be"
        raise ValueError(msg)
    if sampled == 0:
        return Bounds(None, None)
    low, high = misses, size - sampled + misses

    def is_plausibly_as_many(many: int) -> bool:
        """Whether at least so many misses have a probability above alpha with ``many`` open."""
        return hypergeometric_sf(misses - 1, size, many, sampled) > alpha

    def is_too_many(many: int) -> bool:
        """Whether at most so many misses have a probability of at most alpha with one more open."""
        return hypergeometric_cdf(misses, size, many + 1, sampled) <= alpha

    return Bounds(
        float(smallest(low, high, is_plausibly_as_many)), float(smallest(low, high, is_too_many))
    )


def items_for_none_open(size: int, alpha: float = 0.05) -> int:
    """Return how many entries must be tried, all blocked, to show that none of ``size`` is open.

    METHOD (c): 5,700 of 6,000, or 950 of 1,000.
    """
    return smallest(1, size, lambda n: open_entries(size, n, 0, alpha).upper == 0)


def smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest of low..high for which the monotone ``holds`` is true, else ``high``."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedItem:
    """One counted item: whether it is a success, its design weight and its stratum."""

    success: bool
    weight: float = 1.0
    stratum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedRate:
    """A weighted rate, its bounds, the effective number of items and the number of strata."""

    value: float
    bounds: Bounds
    effective_n: float
    strata: int


def weighted_rate(weighted_items: Iterable[WeightedItem], alpha: float) -> WeightedRate:
    """Return the Hajek estimate of a rate from design weights, with Korn-Graubard bounds.

    Horvitz & Thompson, JASA 47 (1952) 663-685, as a ratio of totals; variance by Taylor
    linearisation within strata (Lohr, Sampling, 2nd ed., 9.1). Bounds by Korn & Graubard
    (1998): a survey-t interval covers 90 % instead of 95 % near a rate of 1. A stratum with
    one item has no variance, so the rate then has no bounds. Raises ValueError without items, or
    for weights that are not positive.
    """
    items_drawn = list(weighted_items)
    if not items_drawn or any(item.weight <= 0 for item in items_drawn):
        msg = "a weighted rate needs items with positive weights"
        raise ValueError(msg)
    total = math.fsum(item.weight for item in items_drawn)
    value = math.fsum(item.weight * item.success for item in items_drawn) / total
    strata: dict[str, list[float]] = defaultdict(list)
    for item in items_drawn:
        strata[item.stratum].append(item.weight * (item.success - value) / total)
    kish = total**2 / math.fsum(item.weight**2 for item in items_drawn)
    bounds, items = _bounds(value, kish, list(strata.values()), alpha)
    return WeightedRate(value=value, bounds=bounds, effective_n=items, strata=len(strata))


def _bounds(
    value: float, kish: float, strata: list[list[float]], alpha: float
) -> tuple[Bounds, float]:
    """Return the bounds, and the effective number of items."""
    n = sum(len(scores) for scores in strata)
    freedom = n - len(strata)
    if freedom < 1 or min(len(scores) for scores in strata) == 1:
        return Bounds(None, None), kish
    variance = math.fsum(_variance_of_total(scores) for scores in strata)
    if variance == 0:
        return effective_bounds(value, kish, alpha), kish
    ratio = student_quantile(n - 1, 1 - alpha) / student_quantile(freedom, 1 - alpha)
    items = min(value * (1 - value) / variance * ratio**2, float(n))
    return effective_bounds(value, items, alpha), items


def _variance_of_total(scores: list[float]) -> float:
    n = len(scores)
    mean = math.fsum(scores) / n
    return n / (n - 1) * math.fsum((score - mean) ** 2 for score in scores)
