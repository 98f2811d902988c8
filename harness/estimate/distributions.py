"""Probabilities and quantiles of the binomial, beta, Student, normal and hypergeometric laws.

Relative errors are below 1e-12 for probabilities from 1e-300 and for quantiles, for up to ten
million items and for parameters that are not whole:

- A mass is made of deviances and of Stirling's remainders, not of differences of large logarithms
  (Loader, Fast and accurate computation of binomial probabilities, 2000).
- A tail is that mass times a continued fraction (DiDonato & Morris, ACM TOMS 18 (1992) 360-373,
  algorithm 708), always on the side of the mean on which it converges; the other tail is the rest.
- A quantile is found by Halley's method for the logarithm of the smaller tail, within a bracket.

Probabilities and levels are shares of 1.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_EPSILON = 2.0**-53
_SPLITTER = 2.0**27 + 1  # Dekker, Numerische Mathematik 18 (1971) 224-242
_NEAR = 0.2
"""Up to this size of v / (2 + v) a logarithm of 1 + v is a series."""

_LOGARITHM = tuple(2 / (2 * j + 3) for j in range(12, -1, -1))
"""Coefficients of the series of 2 artanh(s) from s**3 on, the last first."""

_LARGE = 16
"""From here on Stirling's remainder is a series."""

_STIRLING = (
    43867 / 244188, -3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260,
    -1 / 360, 1 / 12,
)  # fmt: skip
"""Coefficients of the remainder (Abramowitz & Stegun 6.1.41), the last first."""

_CLOSE = 1e-5
"""Halley's step from so small a difference of logarithms has an error below 1e-15."""

_FEW = 32
"""If so few are marked or drawn, or are not, their ways are counted by whole numbers."""

_STOP = 4 * _EPSILON
_MOST_STEPS = 100_000
_TINY = 1e-300
"""Smaller quantiles are 0."""

_NORMAL = NormalDist()


class _Tails(NamedTuple):
    """Both tails of a beta law at x, and its density there times x (1 - x)."""

    lower: float
    upper: float
    slope: float


def normal_cdf(deviation: float) -> float:
    """Return the probability that a standard normal variable is at most ``deviation``."""
    return math.erfc(-deviation / math.sqrt(2)) / 2


def normal_quantile(level: float) -> float:
    """Return the standard normal deviation that is exceeded with probability 1 - ``level``.

    Wichura, Applied Statistics 37 (1988) 477-484. Raises ValueError unless 0 < level < 1.
    """
    return _NORMAL.inv_cdf(level) if 0 < level < 1 else _refuse_level(level)


def binomial_cdf(k: int, n: int, rate: float) -> float:
    """Return P[X <= k] for X ~ Bin(n, rate).

    Raises ValueError for a negative n, or a rate outside 0..1.
    """
    _check_binomial(n, rate)
    if k < 0 or k >= n:
        return float(k >= n)
    return _tails(k + 1, n - k, rate, 1 - rate).upper


def binomial_sf(k: int, n: int, rate: float) -> float:
    """Return P[X > k] for X ~ Bin(n, rate).

    Raises ValueError for a negative n, or a rate outside 0..1.
    """
    _check_binomial(n, rate)
    if k < 0 or k >= n:
        return float(k < 0)
    return _tails(k + 1, n - k, rate, 1 - rate).lower


def binomial_masses(most: int, n: int, rate: float) -> NDArray[np.float64]:
    """Return P[X = x] for X ~ Bin(n, rate) and x from 0 to ``most``.

    Each comes from its neighbour by their ratio, from the most likely one outwards. Raises
    ValueError unless 0 <= most <= n, or for a rate outside 0..1.
    """
    _check_binomial(n, rate)
    if not 0 <= most <= n:
        msg = f"{most} of {n} items cannot be"
        raise ValueError(msg)
    x = np.arange(most + 1, dtype=np.float64)
    if rate in {0.0, 1.0}:
        return np.asarray(x == n * rate, dtype=np.float64)
    start = min(most, int((n + 1) * rate))
    ratios = (n - x[:-1]) * rate / ((x[1:]) * (1 - rate))
    return _outwards(start, _mass(start, n - start, rate, 1 - rate), ratios)


def binomial_rate(k: int, n: int, level: float) -> float:
    """Return the rate at which P[X <= k] is ``level`` for X ~ Bin(n, rate).

    Raises ValueError unless 0 <= k < n and 0 <= level <= 1.
    """
    return _quantile(k + 1, n - k, 1 - level, level)[0]


def beta_cdf(a: float, b: float, x: float) -> float:
    """Return the probability that a variable ~ Beta(a, b) is at most ``x``.

    It is the regularised incomplete beta function. Raises ValueError unless a and b are positive,
    and 0 <= x <= 1.
    """
    _check_beta(a, b)
    if not 0 <= x <= 1:
        _refuse_level(x)
    return _tails(a, b, x, 1 - x).lower


def beta_quantile(a: float, b: float, level: float) -> float:
    """Return what a variable ~ Beta(a, b) is at most with probability ``level``.

    Raises ValueError unless a and b are positive, and 0 <= level <= 1.
    """
    return _quantile(a, b, level, 1 - level)[0]


def student_quantile(freedom: float, level: float) -> float:
    """Return what Student's t, of so many degrees of freedom, is at most with a probability.

    t**2 / (freedom + t**2) ~ Beta(1/2, freedom / 2): Abramowitz & Stegun 26.5.27. Raises
    ValueError unless freedom is positive, and 0 < level < 1.
    """
    if not 0 < level < 1:
        _refuse_level(level)
    both = 2 * min(level, 1 - level)
    share, rest = _quantile(0.5, freedom / 2, 1 - both, both)
    return math.copysign(math.sqrt(freedom * share / rest), level - 0.5)


def hypergeometric_cdf(k: int, population: int, marked: int, drawn: int) -> float:
    """Return the probability that at most ``k`` of the items that are drawn are marked.

    They are ``drawn`` without replacement from a ``population``. Raises ValueError unless marked
    and drawn are 0..population.
    """
    return _hypergeometric_tails(k, population, marked, drawn)[0]


def hypergeometric_sf(k: int, population: int, marked: int, drawn: int) -> float:
    """Return the probability that more than ``k`` of the items that are drawn are marked.

    They are ``drawn`` without replacement from a ``population``. Raises ValueError unless marked
    and drawn are 0..population.
    """
    return _hypergeometric_tails(k, population, marked, drawn)[1]


def hypergeometric_masses(population: int, marked: int, drawn: int) -> NDArray[np.float64]:
    """Return the probability of each possible number of marked ones among those drawn, in order.

    The least is 0, or as many as are drawn beyond those not marked. Raises ValueError unless
    marked and drawn are 0..population.
    """
    least, most = _support(population, marked, drawn)
    x = np.arange(least, most, dtype=np.float64)
    ratios = (marked - x) * (drawn - x) / ((x + 1) * (population - marked - drawn + x + 1))
    mode = min(most, max(least, (marked + 1) * (drawn + 1) // (population + 2)))
    chance = _hypergeometric_mass(mode, population, marked, drawn)
    return _outwards(mode - least, chance, ratios)


def _outwards(start: int, mass: float, ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """The masses around that at ``start``; ``ratios`` are of each mass to the one before it."""
    masses = np.empty(len(ratios) + 1)
    masses[start] = mass
    with np.errstate(under="ignore"):
        masses[start + 1 :] = mass * np.cumprod(ratios[start:])
        masses[:start] = (mass * np.cumprod(1 / ratios[:start][::-1]))[::-1]
    return masses


def _tails(a: float, b: float, x: float, y: float) -> _Tails:
    """Both tails of Beta(a, b) at x = 1 - y, of which the smaller is exact."""
    if x <= 0 or y <= 0:
        return _Tails(float(y <= 0), float(x <= 0), 0.0)
    gap = _gap(a, b, x, y)
    slope = _mass(a, b, x, y, gap) * a * b / (a + b)
    if gap < 0:
        upper = min(1.0, slope * _tail_by_slope(b, a, y, x, -gap))
        return _Tails(1 - upper, upper, slope)
    lower = min(1.0, slope * _tail_by_slope(a, b, x, y, gap))
    return _Tails(lower, 1 - lower, slope)


def _tail_by_slope(a: float, b: float, x: float, y: float, gap: float) -> float:
    """The lower tail of Beta(a, b) divided by the slope, where x is at most the mean."""
    return _sum_by_slope(a, b, x) if a < 1 else _fraction(a, b, x, y, gap)


def _sum_by_slope(a: float, b: float, x: float) -> float:
    """The same by a series of positive terms (Abramowitz & Stegun 26.5.4)."""
    term, total, n = 1.0, 1.0, 0
    while term > total * _EPSILON / 4 and n < _MOST_STEPS:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return total / a


def _fraction(a: float, b: float, x: float, y: float, gap: float) -> float:
    """The same by the continued fraction of DiDonato & Morris, equation 9; ``gap`` as in _gap."""
    start, odds, shift, rise = 1 + gap, b / a, 1 / a - 1, 1 + y
    below = start / (2 + shift)
    value = 1 / below
    old_above, old_below = 0.0, value
    last, place = 1.0, a + 1
    for n in range(1, _MOST_STEPS):
        ahead = 1 + n / a
        product = n * (b - n) * x
        share = a / place
        alpha = last * (last + odds) * share * share * product * x
        beta = n + product / place + ahead / (2 * ahead + shift) * (start + n * rise)
        last, place = ahead, place + 2
        below = alpha * old_below + beta
        before, value = value, (alpha * old_above + beta * value) / below
        if -_STOP < value / before - 1 < _STOP:
            break
        old_above, old_below = before / below, 1 / below
    return value


def _mass(a: float, b: float, x: float, y: float, gap: float | None = None) -> float:
    """C(a + b, a) x**a y**b, for parameters that may not be whole."""
    gap = _gap(a, b, x, y) if gap is None else gap
    n = a + b
    deviance = _deviance(a, n * x, -gap) + _deviance(b, n * y, gap)
    return _stirling(n) / (_stirling(a) * _stirling(b)) * math.exp(-deviance)


def _gap(a: float, b: float, x: float, y: float) -> float:
    """Return a - (a + b) x, rounded once, because its error is multiplied by a deviation."""
    if x > y:
        return -_gap(b, a, y, x)
    n = a + b
    rest = n - a
    lost = (a - (n - rest)) + (b - rest)  # of the sum; Knuth, TAOCP 2, 4.2.2
    product = n * x
    high = n * _SPLITTER
    high -= high - n
    x_high = x * _SPLITTER
    x_high -= x_high - x
    low, x_low = n - high, x - x_high
    error = ((high * x_high - product) + high * x_low + low * x_high) + low * x_low
    return math.fsum((a, -product, -error, -lost * x))


def _deviance(found: float, expected: float, gap: float) -> float:
    """Return found log(found / expected) + gap, never negative; gap = expected - found."""
    if found == 0:
        return expected
    v = gap / found
    s = v / (2 + v)
    if abs(s) > _NEAR:
        return gap - found * math.log(expected / found)
    square, series = s * s, 0.0
    for coefficient in _LOGARITHM:
        series = series * square + coefficient
    return found * (v * s - s * square * series)


def _stirling(z: float) -> float:
    """Gamma(z + 1) (e / z)**z, which grows as the root of 2 pi z."""
    if z < _LARGE:
        return math.gamma(z + 1) * math.exp(z) / float(z**z)
    square, series = 1 / (z * z), 0.0
    for coefficient in _STIRLING:
        series = series * square + coefficient
    return math.sqrt(math.tau * z) * math.exp(series / z)


def _quantile(a: float, b: float, lower: float, upper: float) -> tuple[float, float]:
    """Where Beta(a, b) has these tails, of which the smaller is exact: x and 1 - x."""
    _check_beta(a, b)
    if not 0 <= lower <= 1:
        _refuse_level(lower)
    if lower == 0 or upper == 0:
        return float(upper == 0), float(lower == 0)
    if a == 1:
        log = math.log(upper) if upper < lower else math.log1p(-lower)
        return -math.expm1(log / b), float(upper ** (1 / b))
    if b == 1:
        return _quantile(b, a, upper, lower)[::-1]
    x, y = _start(a, b, lower, upper)
    if x > y:
        return _quantile_from(b, a, upper, lower, y)[::-1]
    return _quantile_from(a, b, lower, upper, x)


def _quantile_from(a: float, b: float, lower: float, upper: float, x: float) -> tuple[float, float]:
    """The same, from a first guess, by Halley's method for log x and the log of a tail."""
    sign, target = (1, lower) if lower <= upper else (-1, upper)
    least, most = 0.0, 1.0
    for _step in range(200):
        if x < _TINY:
            return 0.0, 1.0
        tails = _tails(a, b, x, 1 - x)
        tail = tails.lower if sign > 0 else tails.upper
        excess = math.log(tail / target) if tail > 0 else -math.inf
        least, most = (x, most) if sign * excess < 0 else (least, x)
        following = math.nan
        if tails.slope > 0 and tail > 0:
            pace = tails.slope / ((1 - x) * tail)
            bend = a - (b - 1) * x / (1 - x) - sign * pace
            step = sign * excess / pace
            step /= min(2.0, max(0.5, 1 - step * bend / 2))
            following = x * math.exp(min(50.0, -step))
        is_done = abs(excess) < _CLOSE
        if not (least < following < most or is_done):
            following = (least + most) / 2 if least else most / 1024
        x = following
        if is_done:
            break
    return x, 1 - x


def _start(a: float, b: float, lower: float, upper: float) -> tuple[float, float]:
    """A first guess of a quantile of Beta(a, b): x and 1 - x."""
    if min(a, b) < 1:  # by powers at both ends, as in Numerical Recipes, 3rd ed., 6.4
        left, right = ((z / (a + b)) ** z / z for z in (a, b))
        is_left = lower * (left + right) <= left
        power, tail = (a, lower) if is_left else (b, upper)
        log = math.log(power * (left + right) * tail) / power
        near = math.exp(min(-0.01, log))
        return (near, 1 - near) if is_left else (1 - near, near)
    # Abramowitz & Stegun 26.5.22
    z = _NORMAL.inv_cdf(upper) if upper < lower else -_NORMAL.inv_cdf(lower)
    by_a, by_b = 1 / (2 * a - 1), 1 / (2 * b - 1)
    h, third = 2 / (by_a + by_b), (z * z - 3) / 6
    w = z * math.sqrt(max(0.0, h + third)) / h - (by_b - by_a) * (third + 5 / 6 - 2 / (3 * h))
    odds = a / b * math.exp(-2 * w)
    return odds / (1 + odds), 1 / (1 + odds)


def _hypergeometric_tails(k: int, population: int, marked: int, drawn: int) -> tuple[float, float]:
    """P[X <= k] and P[X > k]; the smaller is a sum of terms that become smaller."""
    least, most = _support(population, marked, drawn)
    if k < least or k >= most:
        return float(k >= most), float(k < least)
    few = [min(one, population - one) for one in (marked, drawn)]
    if min(few) <= _FEW:
        one, other = (marked, drawn) if few[1] <= few[0] else (drawn, marked)
        return _whole_tails(k, population, one, other)
    others = population - marked - drawn
    is_below = k * population < marked * drawn
    x = k if is_below else k + 1
    term = total = _hypergeometric_mass(x, population, marked, drawn)
    while term > total * _EPSILON / 4:
        if is_below:
            term *= x * (others + x) / ((marked - x + 1) * (drawn - x + 1))
            x -= 1
        else:
            term *= (marked - x) * (drawn - x) / ((x + 1) * (others + x + 1))
            x += 1
        total += term
    total = min(1.0, total)
    return (total, 1 - total) if is_below else (1 - total, total)


def _whole_tails(k: int, population: int, marked: int, drawn: int) -> tuple[float, float]:
    """Both, by whole numbers: a level such as 1/20 is met exactly by 50 of 1,000 items."""
    least, _ = _support(population, marked, drawn)
    whole, others = math.comb(population, drawn), population - marked - drawn
    ways = below = math.comb(marked, least) * math.comb(population - marked, drawn - least)
    for x in range(least, k):
        ways = ways * (marked - x) * (drawn - x) // ((x + 1) * (others + x + 1))
        below += ways
    return below / whole, (whole - below) / whole


def _hypergeometric_mass(x: int, population: int, marked: int, drawn: int) -> float:
    """P[X = x]: the deviance of a table of two by two, and Stirling's remainders."""
    others, left = population - marked, population - drawn
    gap = (marked * drawn - x * population) / population
    cells = (x, marked - x, drawn - x, others - drawn + x)
    expected = (marked * drawn, marked * left, others * drawn, others * left)
    deviance, remainders = 0.0, _stirling(population)
    for found, product, sign in zip(cells, expected, (1, -1, -1, 1), strict=True):
        deviance += _deviance(found, product / population, sign * gap)
        remainders *= _stirling(found)
    whole = _stirling(marked) * _stirling(others) * _stirling(drawn) * _stirling(left)
    return whole / remainders * math.exp(-deviance)


def _support(population: int, marked: int, drawn: int) -> tuple[int, int]:
    """The least and the most marked ones that may be drawn."""
    if not (0 <= marked <= population and 0 <= drawn <= population):
        msg = f"{drawn} drawn and {marked} marked of {population} items cannot be"
        raise ValueError(msg)
    return max(0, drawn - (population - marked)), min(marked, drawn)


def _check_binomial(n: int, rate: float) -> None:
    if n < 0 or not 0 <= rate <= 1:
        msg = f"{n} items at a rate of {rate} are no binomial distribution"
        raise ValueError(msg)


def _check_beta(a: float, b: float) -> None:
    if not (0 < a < math.inf and 0 < b < math.inf):
        msg = f"a = {a} and b = {b} are no beta distribution"
        raise ValueError(msg)


def _refuse_level(level: float) -> float:
    msg = f"{level} is no probability"
    raise ValueError(msg)
