"""Finite lists: what a sample without replacement, or a census, says of every entry."""

from __future__ import annotations

from collections.abc import Callable

from scipy.stats import hypergeom

from harness.estimate.intervals import Bounds


def open_entries(size: int, sampled: int, misses: int, alpha: float) -> Bounds:
    """Exact one-sided bounds of the number of open entries in a list of ``size``.

    ``misses`` of ``sampled`` entries drawn without replacement were open (hypergeometric).
    Buonaccorsi, American Statistician 41 (1987) 215-218. Raises ValueError for numbers that
    no sample can give.
    """
    if not 0 <= misses <= sampled <= size:
        msg = f"{misses} misses in {sampled} of {size} entries cannot be"
        raise ValueError(msg)
    if sampled == 0:
        return Bounds(None, None)
    low, high = misses, size - sampled + misses

    def is_plausibly_as_many(many: int) -> bool:
        """Whether seeing so many misses is likelier than alpha with ``many`` open."""
        return bool(hypergeom.sf(misses - 1, size, many, sampled) > alpha)

    def is_too_many(many: int) -> bool:
        """Whether seeing so few misses is at most alpha likely with one more open."""
        return bool(hypergeom.cdf(misses, size, many + 1, sampled) <= alpha)

    return Bounds(
        float(_smallest(low, high, is_plausibly_as_many)), float(_smallest(low, high, is_too_many))
    )


def items_for_none_open(size: int, alpha: float = 0.05) -> int:
    """How many entries must be tried, all blocked, to be sure that none of ``size`` is open.

    METHOD (c): 5,700 of 6,000, 950 of 1,000: hence a census, or a weaker claim.
    """
    return _smallest(1, size, lambda n: open_entries(size, n, 0, alpha).upper == 0)


def _smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number in low..high for which ``holds``; ``high`` if none below does."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
