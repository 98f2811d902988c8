"""Gaffke's bound: a one-sided bound of the mean of values between 0 and 1.

Each registrable domain gives one value, the share of its items that were blocked, so pages of
one domain are never taken as independent. Gaffke, Math. Methods of Statistics 14 (2005) 451-467;
proved for values of two kinds, without a known counter-example for others (Stark, StatNotes;
Learned-Miller and Thomas, arXiv:1905.06208).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy import optimize, special

Rates = Mapping[float, int]
"""How many domains have which rate, each between 0 and 1."""

MANY, GRID = 2_000, 10_000
"""More distinct rates than ``MANY`` are rounded down to multiples of 1 / ``GRID``."""

PRECISION = 1e-11
"""The greatest error of a probability, and of a bound."""

_Groups = tuple[tuple[float, int], ...]
_NEGLIGIBLE = 32.0  # exp(-32) is 1e-14
_CHUNK = 2**21  # numbers in memory at a time


def lower_bound(rates: Rates, alpha: float) -> float:
    """The lower bound at level ``alpha``: that quantile of the sum of D_i y_i.

    (D_0, ..., D_m) is Dirichlet(1, ..., 1) and y_0 = 0: the sample, and one more domain that is
    wholly open. Raises ValueError for a rate that is none, or without a domain.
    """
    return _lower(_groups(rates), alpha)


def upper_bound(rates: Rates, alpha: float) -> float:
    """The upper bound at level ``alpha``, the mirror of the lower one."""
    return 1.0 - lower_bound(mirrored(rates), alpha)


def p_above(rates: Rates, mark: float) -> float:
    """The smallest level at which the lower bound is above ``mark``.

    How likely so high rates are, at the most, if the mean is ``mark`` or less.
    """
    return _below(_groups(rates), mark)


def p_below(rates: Rates, mark: float) -> float:
    """The smallest level at which the upper bound is below ``mark``."""
    return p_above(mirrored(rates), 1.0 - mark)


def mirrored(rates: Rates) -> dict[float, int]:
    """The same domains with what was blocked and what was open exchanged."""
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
    some = [(rate, number) for rate, number in groups if rate > 0]
    if not some:
        return 0.0
    domains, with_some = (sum(number for _, number in each) for each in (groups, some))
    share = float(special.betaincinv(with_some, domains - with_some + 1, alpha))
    low, high = some[0][0] * share, some[-1][0] * share  # all as low as the lowest, or as high
    if len(some) == 1:
        return high  # exact, and Clopper-Pearson for a rate of 1

    def excess(mark: float) -> float:
        return _below(groups, mark) - alpha

    if excess(low) >= 0 or excess(high) <= 0:  # rates so alike that rounding decides
        return low if excess(low) >= 0 else high
    return float(optimize.brentq(excess, low, high, xtol=PRECISION))


@lru_cache(maxsize=65536)
def _below(groups: _Groups, mark: float) -> float:
    """The probability that the sum of D_i y_i is at most ``mark``.

    With exponential E_i it is that of sum E_i (y_i - mark) <= 0.
    """
    if mark <= 0:
        return float(mark == 0 and groups[-1][0] == 0)
    if mark >= groups[-1][0]:
        return 1.0
    some = [(rate, number) for rate, number in groups if rate > 0]
    if len(some) == 1:
        ((rate, number),) = some
        domains = sum(number for _, number in groups)
        return float(special.betainc(number, domains - number + 1, mark / rate))
    values = np.array([0.0, *(rate for rate, _ in groups)]) - mark
    numbers = np.array([1, *(number for _, number in groups)], dtype=float)
    return min(1.0, max(0.0, 0.5 - _gil_pelaez(values, numbers) / math.pi))


def _gil_pelaez(values: np.ndarray, numbers: np.ndarray) -> float:
    """The integral over u > 0 of Im(phi(u)) / u, phi that of the weighted sum of exponentials.

    Gil-Pelaez, Biometrika 38 (1951) 481-482; the integrand as in Imhof, Biometrika 48 (1961)
    419-426. By the trapezoidal rule after u = exp(x - exp(-x)), whose error falls exponentially
    with the number of points; these are doubled until two sums agree.
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


def _sum(places: np.ndarray, values: np.ndarray, numbers: np.ndarray) -> float:
    steps = np.exp(places - np.exp(-places))
    angle, size = np.zeros(len(steps)), np.zeros(len(steps))
    chunk = max(1, _CHUNK // len(steps))
    for start in range(0, len(values), chunk):
        part = slice(start, start + chunk)
        turned = np.outer(steps, values[part])
        angle += np.arctan(turned) @ numbers[part]
        size += np.log1p(turned**2) @ numbers[part]
    return float(np.sum(np.sin(angle) * np.exp(-size / 2) * (1 + np.exp(-places))))
