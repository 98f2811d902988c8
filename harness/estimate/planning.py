"""How many items a test needs, and what a given number of items can decide.

METHOD (c), tables 1 to 3: a service passes "rate >= T" with at most m misses of n if the exact
lower bound reaches T, that is P[X <= m | n, 1 - T] <= alpha. For over-blocking, ``misses`` are
wrongly blocked items and T = 1 - U.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.estimate.distributions import (
    binomial_cdf,
    binomial_masses,
    binomial_rate,
    normal_quantile,
)
from harness.estimate.interval_choice import BY_CHANCE, TrialShare, chances_of_runs
from harness.estimate.stopping_tests import Sprt, SprtPlan

ORDERS = 200
"""How many orders that look like spells are tried."""
NEGLIGIBLE = 1e-4
"""Numbers of misses that are rarer are taken as if none of their orders looked like spells."""
CERTAIN = 5
"""After so many numbers of misses all of whose orders conform, those of fewer misses do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLimits:
    """What n items can decide: pass with at most ``passes`` misses, fail with at least ``fails``.

    ``passes`` is ``None`` if no service can pass, ``fails`` is ``None`` if none can fail.
    ``true_rate`` is the rate at which a service passes with the wanted power.
    """

    n: int
    passes: int | None
    fails: int | None
    true_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPlan:
    """A plan that tests ``n`` items and accepts at most ``misses``."""

    n: int
    misses: int


def fewest_items(threshold: float, misses: int, alpha: float = 0.05) -> int:
    """Return the smallest n with which ``misses`` misses pass (METHOD table 1).

    Raises ValueError for a threshold of 1: no sample can show that nothing is open.
    """
    _check(threshold)
    miss = 1 - threshold
    # A Poisson mean (Wilson & Hilferty 1931), and the items with about as many.
    root = 3 * math.sqrt(misses + 1)
    mean = (misses + 1) * (1 - 1 / root**2 - normal_quantile(alpha) / root) ** 3
    guess = math.ceil(mean * (1 / miss - 0.5) + misses / 2)
    return _first(misses + 1, guess, lambda n: binomial_cdf(misses, n, miss) <= alpha)


def decision_limits(
    n: int, threshold: float, alpha: float = 0.05, power: float = 0.9
) -> DecisionLimits:
    """Return how many of n items may be missed to pass, or must be to fail.

    METHOD table 2. A pass needs the lower bound at the threshold, a fail the upper bound below it.
    ``power`` is the probability for which ``true_rate`` is computed.
    """
    _check(threshold)
    miss = 1 - threshold
    middle, apart = n * miss, -normal_quantile(alpha) * math.sqrt(n * miss * threshold)
    below, above = math.floor(middle - apart), math.ceil(middle + apart)
    passes = _first(0, below, lambda m: binomial_cdf(m, n, miss) > alpha) - 1
    fails = _first(0, above, lambda m: m > n or 1 - binomial_cdf(m - 1, n, miss) < alpha)
    return DecisionLimits(
        n=n,
        passes=passes if passes >= 0 else None,
        fails=fails if fails <= n else None,
        true_rate=rate_for_power(n, passes, power) if passes >= 0 else None,
    )


def rate_for_power(n: int, misses: int, power: float = 0.9) -> float:
    """Return the true rate at which at most ``misses`` of ``n`` have probability ``power``."""
    if misses >= n:
        return 0.0
    return 1 - binomial_rate(misses, n, power)


def power_at(n: int, threshold: float, true_rate: float, alpha: float = 0.05) -> float:
    """Return the probability that a service of ``true_rate`` passes a test of ``n`` items."""
    passes = decision_limits(n, threshold, alpha).passes
    return 0.0 if passes is None else binomial_cdf(passes, n, 1 - true_rate)


def power_with_undecided(
    n: int,
    threshold: float,
    true_rate: float,
    undecided: float,
    *,
    alpha: float = 0.05,
    limit: float = 0.02,
) -> float:
    """Return the probability that a service passes if a share of its items stays undecided.

    Of ``n`` items U ~ Bin(n, ``undecided``) are, at random, and the rest are right with
    probability ``true_rate``. Each undecided one counts as a miss, and no outcome conforms where
    surely more than the share ``limit`` is undecided (``harness.model.coverage.undecided``).
    Items come in a random order, which looks at times as if misses came in spells.
    """
    passes = decision_limits(n, threshold, alpha).passes
    if passes is None:
        return 0.0
    chances: NDArray[np.float64] = np.zeros(passes + 1)  # by how many are missed or undecided
    for lost, chance in enumerate(binomial_masses(passes, n, undecided).tolist()):
        is_over = lost > limit * n and 1 - binomial_cdf(lost - 1, n, limit) <= alpha
        if chance and not is_over:
            among = binomial_masses(passes - lost, n - lost, 1 - true_rate)
            chances[lost:] = chances[lost:] + chance * among
    refused, whole = 0.0, 0
    for rare in range(passes, 1, -1):
        if chances[rare] >= NEGLIGIBLE and whole < CERTAIN:
            share = _refused(n, rare, threshold, alpha)
            whole = 0 if share else whole + 1
            refused += float(chances[rare]) * share
    return min(1.0, math.fsum(chances) - refused)


@cache
def _refused(n: int, rare: int, threshold: float, alpha: float) -> float:
    """How often a random order of so many misses does not conform, though their number does.

    That their runs are few enough for spells is computed; which of these orders do not conform is
    seen in ``ORDERS`` of them.
    """
    runs = chances_of_runs(n, rare)
    in_spells = runs[np.cumsum(runs) <= BY_CHANCE]
    if not in_spells.size:
        return 0.0
    random = np.random.default_rng((n, rare))
    numbers = random.choice(len(in_spells), ORDERS, p=in_spells / in_spells.sum()) + 1
    orders = (_order(n, rare, int(number), random) for number in numbers)
    refused = sum(TrialShare(order.tolist()).p_above(threshold) > alpha for order in orders)
    return float(in_spells.sum()) * refused / ORDERS


def _order(n: int, rare: int, runs: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Any order of n trials in which the rare, ``False``, make so many runs; each as likely."""
    lengths = _parts(rare, runs, random)
    between = _parts(n - rare + 2, runs + 1, random)
    between[[0, -1]] -= 1  # the order may begin and end with a run
    both = np.zeros(2 * runs + 1, dtype=np.int64)
    both[::2], both[1::2] = between, lengths
    return np.repeat(np.arange(2 * runs + 1) % 2 == 0, both)


def _parts(whole: int, number: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Divide a whole into so many parts of at least 1; each division is as likely."""
    cuts = np.sort(random.choice(whole - 1, number - 1, replace=False)) + 1
    return np.diff(cuts, prepend=0, append=whole)


def items_for_power(
    threshold: float, true_rate: float, power: float = 0.9, alpha: float = 0.05
) -> int:
    """Return the smallest n with which a service of ``true_rate`` passes with ``power``.

    Raises ValueError unless ``true_rate`` is above ``threshold``.
    """
    _check(threshold)
    if not threshold < true_rate <= 1:
        msg = f"a true rate of {true_rate:g} cannot be shown to reach {threshold:g}"
        raise ValueError(msg)
    misses = 0
    while True:
        n = fewest_items(threshold, misses, alpha)
        if binomial_cdf(misses, n, 1 - true_rate) >= power:
            return n
        misses += 1


def fixed_plan(
    threshold: float, good_rate: float, alpha: float = 0.05, beta: float = 0.05
) -> FixedPlan:
    """Return the smallest plan with risk alpha at ``threshold`` and beta at ``good_rate``.

    METHOD table 3; Wald, Sequential Analysis (1947), section 1.3.
    """
    misses = 0
    while True:
        n = fewest_items(threshold, misses, alpha)
        if binomial_cdf(misses, n, 1 - good_rate) >= 1 - beta:
            return FixedPlan(n=n, misses=misses)
        misses += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a stopping test ends: the probabilities, and how many items it takes on average.

    ``fails_among`` is the probability that a failure is proven by the end, for a requirement whose
    p-value is to be at most a ``level``: also where all items were tried and the test is open.
    """

    passes: float
    fails: float
    items: float
    fails_among: float


def course(plan: SprtPlan, rate: float, most: int, level: float | None = None) -> Course:
    """Follow every number of misses of a service through a test of at most ``most`` items; exact.

    ``level`` is that of ``Course.fails_among``, by default the plan's alpha.
    """
    level = plan.alpha if level is None else level
    passes = fails = proven = items = 0.0
    going = np.zeros((2, most + 2))  # not yet proven at the level, and proven; by misses
    going[0, 0], fewest, shown = 1.0, 0, 0
    for n in range(1, most + 1):
        items += float(going.sum())
        going[:, 1:] = going[:, 1:] * rate + going[:, :-1] * (1 - rate)
        going[:, 0] *= rate
        fewest = _showing(plan, n, fewest, plan.fail_at)
        shown = _showing(plan, n, shown, level)
        going[1, shown:] += going[0, shown:]
        going[0, shown:] = 0.0
        ended = _passing(plan, n)
        passes += float(going[:, :ended].sum())
        fails += float(going[:, fewest:].sum())
        proven += float(going[1, fewest:].sum())
        going[:, :ended] = going[:, fewest:] = 0.0
    return Course(
        passes=passes, fails=fails, items=items, fails_among=proven + float(going[1].sum())
    )


def _showing(plan: SprtPlan, n: int, start: int, level: float) -> int:
    """Return how few misses of n items, from ``start``, show a rate below ``bad`` at a level."""
    misses = start
    while misses <= n and Sprt(plan=plan, blocked=n - misses, missed=misses).p_value > level:
        misses += 1
    return misses


def _passing(plan: SprtPlan, n: int) -> int:
    """Return how many numbers of misses of n items, from 0, end the test as a pass."""
    most = (plan.pass_at - n * plan.block_step) / (plan.miss_step - plan.block_step)
    return max(0, math.floor(most + 1e-12) + 1)


def zero_miss_items(threshold: float, alpha: float = 0.05) -> int:
    """Return the items without a miss that show "rate >= threshold".

    It is ln(alpha) / ln(threshold), rounded up. Showing less than 0.001 % failures
    needs 299,573 (RFC 9411, METHOD PRF-04).
    """
    _check(threshold)
    return math.ceil(math.log(alpha) / math.log(threshold))


def _first(start: int, guess: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest number from ``start`` for which the monotone ``holds`` is true.

    It takes few calls if ``guess`` is near.
    """
    low, high, step = max(start, guess) - 1, max(start, guess), 1
    if holds(high):
        while low >= start and holds(low):
            step *= 2
            low, high = max(start - 1, low - step), low
    else:
        low, high = high, high + 1
        while not holds(high):
            step *= 2
            low, high = high, high + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _check(threshold: float) -> None:
    if not 0 < threshold < 1:
        msg = f"no sample can decide a threshold of {threshold:g}: take a census"
        raise ValueError(msg)
