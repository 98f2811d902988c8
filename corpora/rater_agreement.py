"""How far the people who labelled a corpus agree, beyond chance.

Krippendorff's alpha for nominal labels: 1 is perfect, 0 is chance, and missing ratings are
borne (Krippendorff, Content Analysis, 4th edition, ch. 12). The interval is a percentile
bootstrap over units (Efron 1979), seeded. The gates are Krippendorff's own: below 0.667 nothing
may be concluded, below 0.80 only tentatively.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

TENTATIVE = 0.667
RELIABLE = 0.80
RESAMPLES = 1000

Standing = Literal["reliable", "tentative", "unreliable", "unknown"]

_Pairs = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Alpha with its interval; None where nothing can be said (no two ratings, one label only).

    ``units`` are the items with at least two ratings; ``percent`` is the share of pairs of
    ratings that agree.
    """

    alpha: float | None
    lower: float | None
    upper: float | None
    percent: float | None
    units: int
    confidence: float

    @property
    def standing(self) -> Standing:
        """What alpha allows; unknown is not favourable."""
        if self.alpha is None:
            return "unknown"
        if self.alpha >= RELIABLE:
            return "reliable"
        return "tentative" if self.alpha >= TENTATIVE else "unreliable"


def agree(
    ratings: Mapping[str, Sequence[str]],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: str = "agreement",
) -> Agreement:
    """Measure agreement of ``ratings``: for each item the labels its raters gave, in any order."""
    units = [_pairs(labels) for _, labels in sorted(ratings.items()) if len(labels) > 1]
    total = _sum(units)
    weight = total.total()
    # a generator, not a secret: the same seed gives the same interval
    chance = random.Random(seed)  # noqa: S311
    drawn = (_alpha(_sum(chance.choices(units, k=len(units)))) for _ in range(resamples))
    known = sorted(value for value in drawn if value is not None) if units else []
    tail = (1 - confidence) / 2
    alpha = _alpha(total)
    has_interval = alpha is not None and bool(known)
    return Agreement(
        alpha=alpha,
        lower=known[int(tail * (len(known) - 1))] if has_interval else None,
        upper=known[-1 - int(tail * (len(known) - 1))] if has_interval else None,
        percent=sum(n for (a, b), n in total.items() if a == b) / weight if weight else None,
        units=len(units),
        confidence=confidence,
    )


def _pairs(labels: Sequence[str]) -> _Pairs:
    """The coincidences within one unit, each weighing 1/(m-1), in units of 1/60060.

    Whole numbers keep the sums exact; 60060 is divisible by all m-1 up to 7.
    """
    weight = _SCALE // (len(labels) - 1)
    pairs: _Pairs = Counter()
    for pair in permutations(labels, 2):
        pairs[pair] += weight
    return pairs


_SCALE = 60060


def _sum(units: Sequence[_Pairs]) -> _Pairs:
    total: _Pairs = Counter()
    for pairs in units:
        total.update(pairs)
    return total


def _alpha(pairs: _Pairs) -> float | None:
    """Alpha of a coincidence matrix: 1 - observed / expected disagreement."""
    values: Counter[str] = Counter()
    for (label, _), count in pairs.items():
        values[label] += count
    n = values.total() / _SCALE
    observed = sum(count for (a, b), count in pairs.items() if a != b) / _SCALE
    squares = sum((count / _SCALE) ** 2 for count in values.values())
    if n <= 1 or squares == n * n:
        return None  # one label only: there is nothing that raters could have disagreed about
    return 1 - (n - 1) * observed / (n * n - squares)
