"""The levels at which the re-tests of a plan are judged, and how many fresh items each needs.

All re-tests of a plan together spend the level alpha of its requirement: try k is judged at alpha /
(k (k + 1)), so that k tries spend k / (k + 1) of it (proposed by this project; the sum bounds the
probability of a wrong result by Boole's inequality). See dd-067. Without ``harness.estimate``,
because a page of the hub and a machine that only measures show it too.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from harness.model.order_statistic import binomial_at_most

GOOD_SHARE = 0.5
"""A planned fix misses so much of what the requirement allows: 95 % right where 90 % is needed."""

POWER = 0.8
"""With this probability a fix of that quality passes a re-test of the proposed size."""

MOST = 20_000
"""More fresh items of a kind than this are never proposed."""


class SampleRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a sample decides a requirement: what a re-test of its findings has to show.

    ``alpha`` is the level of the whole plan, ``rate`` the rate of right results that is required
    (T, or 1 - U; 0 where no rate is), ``n_min`` the agreed least number of items. With
    ``by_group`` each category is decided by itself, and each has to pass.
    """

    alpha: float
    rate: float = 0.0
    n_min: int = 0
    by_group: bool = False

    @property
    def good(self) -> float:
        """The rate of right results of a fix that is as good as re-tests are planned for."""
        return 1 - (1 - self.rate) * GOOD_SHARE


def level_of_try(alpha: float, number: int) -> float:
    """Return the one-sided level of a plan's try ``number`` (from 1)."""
    return alpha / (number * (number + 1))


def confidence(level: float) -> str:
    """Return a level as the confidence of its bounds: "97.5 %"."""
    return f"{(1 - level) * 100:.6g} %"


@lru_cache(maxsize=256)
def proposed_size(rule: SampleRule, number: int, groups: int = 1) -> int | None:
    """Return the fresh items of each group with which a good fix passes try ``number``.

    All ``groups`` together pass with probability POWER. ``None`` where no rate is required, or if
    MOST items are too few.
    """
    if not 0 < rule.rate < 1:
        return None
    level, wanted = level_of_try(rule.alpha, number), POWER ** (1 / groups)
    size = 1
    for misses in range(MOST):
        size = _fewest(max(size, misses + 1), misses, 1 - rule.rate, level)
        if size > MOST:
            return None
        if binomial_at_most(misses, size, 1 - rule.good) >= wanted:
            return max(size, rule.n_min)
    return None


def chance_of_passing(rule: SampleRule, number: int, size: int, groups: int = 1) -> float | None:
    """Return the probability that a good fix passes try ``number`` with ``size`` items a group.

    It holds for independent items that are all decided. ``None`` where no rate is required.
    """
    if not 0 < rule.rate < 1:
        return None
    allowed = allowed_misses(size, rule.rate, level_of_try(rule.alpha, number))
    if allowed is None or size < rule.n_min:
        return 0.0
    return binomial_at_most(allowed, size, 1 - rule.good) ** groups


def allowed_misses(size: int, rate: float, level: float) -> int | None:
    """Return how many of ``size`` items may be missed to show a rate; ``None`` if none may be."""
    found = None
    for misses in range(size):
        if binomial_at_most(misses, size, 1 - rate) > level:
            break
        found = misses
    return found


def _fewest(start: int, misses: int, miss: float, level: float) -> int:
    """Return the smallest size from ``start`` with which so many misses pass; MOST + 1 if none."""
    low, high = start - 1, start
    while binomial_at_most(misses, high, miss) > level:
        if high > MOST:
            return MOST + 1
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if binomial_at_most(misses, middle, miss) > level else (low, middle)
        )
    return high
