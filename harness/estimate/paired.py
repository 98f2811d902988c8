"""Paired comparisons: before and after, service and control, twin and twin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.estimate.intervals import Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A paired difference with its one-sided bounds."""

    value: float
    bounds: Bounds
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Discordant pairs between two campaigns and the probability of such an imbalance.

    ``gained`` pairs turned from wrong to right, ``lost`` from right to wrong; ``difference`` is
    the change of the rate.
    """

    gained: int
    lost: int
    pairs: int
    p_value: float
    difference: float


def hodges_lehmann(differences: Sequence[float], alpha: float) -> Shift:
    """The pseudo-median, with bounds by the signed-rank distribution.

    That is the median of all pairwise means: the shift of paired differences, and their median
    only where they are symmetric. Hodges & Lehmann, Ann. Math. Stat. 34 (1963)
    598-611; bounds as in Hollander & Wolfe (1999) section 3.4, normal approximation of the
    rank sum. Raises ValueError without a difference.
    """
    values = np.asarray(differences, dtype=float)
    if not len(values):
        msg = "no difference to estimate from"
        raise ValueError(msg)
    first, second = np.triu_indices(len(values))
    means = np.sort((values[first] + values[second]) / 2)
    n, whole = len(values), len(means)
    spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    rank = math.floor(whole / 2 - float(special.ndtri(1 - alpha)) * spread)
    if rank < 1:
        bounds = Bounds(None, None)
    else:
        bounds = Bounds(float(means[rank - 1]), float(means[whole - rank]))
    return Shift(
        value=float(np.median(means)), bounds=bounds, method="pseudo-median (Hodges-Lehmann)"
    )


def p_above(differences: Sequence[float], mark: float) -> float:
    """The smallest level at which the lower bound of ``hodges_lehmann`` is above ``mark``."""
    values = np.asarray(differences, dtype=float)
    first, second = np.triu_indices(len(values))
    within = int(np.count_nonzero((values[first] + values[second]) / 2 <= mark))
    n, whole = len(values), len(first)
    spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    return float(special.ndtr(-(whole / 2 - within - 1) / spread))


def is_not_inferior(shift: Shift, margin: float) -> bool | None:
    """Whether the upper bound of an added cost stays within ``margin``; ``None`` if open.

    ``False`` only if the lower bound exceeds it. Piaggio et al., JAMA 308 (2012) 2594-2604.
    """
    lower, upper = shift.bounds
    if upper is not None and upper <= margin:
        return True
    return False if lower is not None and lower > margin else None


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> Change:
    """The exact McNemar test of the same items in two campaigns, two-sided.

    McNemar, Psychometrika 12 (1947) 153-157: under no change the discordant pairs fall either
    way like a coin. Raises ValueError if the campaigns differ in length.
    """
    pairs = list(zip(before, after, strict=True))
    gained = sum(not was and now for was, now in pairs)
    lost = sum(was and not now for was, now in pairs)
    discordant = gained + lost
    # Under the null either side is as likely, so the exact test doubles the smaller tail.
    tail = float(special.bdtr(min(gained, discordant - gained), discordant, 0.5))
    p_value = min(1.0, 2 * tail) if discordant else 1.0
    return Change(
        gained=gained,
        lost=lost,
        pairs=len(pairs),
        p_value=p_value,
        difference=(gained - lost) / len(pairs) if pairs else 0.0,
    )
