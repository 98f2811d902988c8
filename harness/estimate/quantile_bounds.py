"""Bounds of a quantile of times that come in spells, or of which several belong to one host.

A quantile is at most a mark if at least that share of times is. The times are divided in the order
of trial into equal blocks, each of which counts once with its own share: Gaffke's bound of the mean
share holds whatever the times of a block have in common. Blocks of one time give the order
statistics (Hahn & Meeker, Statistical Intervals (1991), section 5.2). Hosts with several times are
blocks in the same way; the wider of both bounds stands. The length of the blocks is proposed by
this project (docs/design/dd-066-spells-of-time.md).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.estimate.interval_choice import FEWEST, Numbers, is_in_runs, longest_stretch
from harness.estimate.intervals import Bounds, Rates, p_above, p_below, smallest
from harness.model.metric import Metric
from harness.model.order_statistic import quantile_of, rank_of
from harness.model.smallest_sample import MEDIAN, blocks_for, smallest_for_rate


@dataclass(frozen=True, kw_only=True)
class TimedSample:
    """Times in the order of trial: seconds, or logarithms of ratios; infinite if it never came.

    Where a time is known to lie between two ends, ``times`` are the later ones and ``least`` the
    earlier ones. ``hosts`` numbers the host of each time; empty if each has its own. Of ``unknown``
    further times nothing is known: they are in blocks of their own, all slow for the upper bound
    and all fast for the lower one. At the limit ``mark`` (without one: at the value) slow times are
    told from others to see how long their spells are.
    """

    times: Sequence[float]
    quantile: float
    alpha: float
    least: Sequence[float] = ()
    unknown: int = 0
    hosts: Sequence[int] = ()
    mark: float | None = None

    @cached_property
    def value(self) -> float | None:
        """The quantile of the known times; ``None`` without one, or if it never came."""
        return _finite(quantile_of(self._latest.ordered, self.quantile))

    @cached_property
    def spell(self) -> int:
        """How many times in a row a block holds: spells of that length do not deceive the bounds.

        It leaves enough blocks to decide. It is no shorter than the longest stretch of slow times
        if those come in fewer runs than independent ones would, as far as ``FEWEST`` blocks remain
        (15 for a median at alpha .05, so that it keeps a bound).
        """
        known = len(self.times)
        length = max(1, known // blocks_for(self.quantile, self.alpha))
        if not self._stretch:
            return length
        fewest = max(FEWEST, 3 * (smallest_for_rate(1 - self.quantile, self.alpha) or 1))
        return min(max(length, self._stretch), max(1, known // fewest))

    @cached_property
    def _stretch(self) -> int:
        """How long the longest stretch of slow times is; 0 if they do not come in spells."""
        times, value = np.asarray(self.times), math.inf if self.value is None else self.value
        is_slow = times >= value if self.mark is None else times > self.mark
        return longest_stretch(is_slow) if is_in_runs(is_slow) else 0

    @cached_property
    def bounds(self) -> Bounds:
        """The one-sided bounds at level ``alpha``; ``None`` where the side is unbounded."""
        known = len(self.times)
        if not known:
            return Bounds(None, None)
        middle = rank_of(self.quantile, known)
        most = smallest(middle + 1, known + 1, lambda rank: self._p_at_most(rank) <= self.alpha)
        least = (
            smallest(0, middle + 1, lambda rank: self._p_more(rank, self._divisions) > self.alpha)
            - 1
        )
        return Bounds(
            _finite(self._earliest.ordered[least]) if least >= 0 else None,
            _finite(self._latest.ordered[most - 1]) if most <= known else None,
        )

    def p_above(self, mark: float | None) -> float | None:
        """Return the smallest level at which the lower bound is above ``mark``.

        Here blocks are as long as the longest stretch of slow times, as far as ``FEWEST`` remain:
        no bound has to remain on this side. ``None`` without a mark or a known time.
        """
        if mark is None or not len(self.times):
            return None
        longest = min(self._stretch, len(self.times) // FEWEST)
        divisions = self._divided(max(self.spell, longest))
        return self._p_more(bisect_right(self._earliest.ordered, mark), divisions)

    def in_seconds(self, name: str, what: str = "") -> Metric:
        """Return the metric of the quantile, of ``what``: ``k`` of ``n`` known times came."""
        quantile = f"{self.quantile:g} quantile" + (f" of {what}" if what else "")
        return Metric(
            name=name,
            unit="s",
            value=self.value,
            k=sum(map(math.isfinite, self.times)),
            n=len(self.times),
            indeterminate=self.unknown,
            lower=self.bounds.lower,
            upper=self.bounds.upper,
            method=f"{quantile}, {self.method}",
            alpha=self.alpha,
            p_value=self.p_above(self.mark),
        )

    @property
    def method(self) -> str:
        """How the bounds were made, in words."""
        spells = f"slow spells of up to {self.spell} in a row are allowed for"
        hosts = f"; {self._divisions[1].number} hosts" if len(self._divisions) > 1 else ""
        return f"bounds by blocks of trials ({spells}{hosts})"

    @cached_property
    def _latest(self) -> _Ranked:
        return _Ranked(self.times)

    @cached_property
    def _earliest(self) -> _Ranked:
        return _Ranked(self.least) if len(self.least) else self._latest

    @cached_property
    def _divisions(self) -> tuple[_Division, ...]:
        return self._divided(self.spell)

    def _divided(self, length: int) -> tuple[_Division, ...]:
        """Blocks of so many times; and the hosts, if one has several times."""
        known = len(self.times)
        blocks = max(1, known // length)
        in_time = _Division(np.arange(known) * blocks // max(1, known), self.unknown)
        if not len(self.hosts):
            return (in_time,)
        by_host = _Division(np.unique(self.hosts, return_inverse=True)[1], self.unknown)
        return (in_time, by_host) if by_host.number < known else (in_time,)

    def _p_at_most(self, rank: int) -> float:
        """The level at which at least the quantile of times is among the ``rank`` smallest."""
        within = self._latest.order[:rank]
        return max(p_above(one.rates(within, 0), self.quantile) for one in self._divisions)

    def _p_more(self, rank: int, divisions: Sequence[_Division]) -> float:
        """The level at which fewer times than the quantile are among the ``rank`` smallest."""
        within = self._earliest.order[:rank]
        return max(p_below(one.rates(within, 1), self.quantile) for one in divisions)


class _Ranked:
    """Times in order of size: which ones, and how long."""

    def __init__(self, times: Sequence[float]) -> None:
        values = np.asarray(times, dtype=float)
        self.order: Numbers = np.argsort(values, kind="stable")
        self.ordered: list[float] = values[self.order].tolist()


class _Division:
    """Times divided into blocks or hosts; ``member`` is the number of each time's own."""

    def __init__(self, member: Numbers, unknown: int) -> None:
        self._member = member
        self._sizes = np.bincount(member)
        self.number = len(self._sizes)
        self._others = math.ceil(unknown * self.number / max(1, len(member)))

    def rates(self, within: Numbers, unknown: int) -> Rates:
        """How many blocks have which share of their times ``within``; unknown ones have 0 or 1."""
        counted = np.bincount(self._member[within], minlength=self.number)
        shares, numbers = np.unique(counted / self._sizes, return_counts=True)
        found = dict(zip(shares.tolist(), numbers.tolist(), strict=True))
        if self._others:
            found[float(unknown)] = found.get(float(unknown), 0) + self._others
        return found


def _finite(time: float | None) -> float | None:
    return float(time) if time is not None and math.isfinite(time) else None


def median_of(values: Sequence[float], alpha: float) -> Shift:
    """Return the median of values in the order of trial, with its bounds.

    Raises ValueError without a value.
    """
    sample = TimedSample(times=values, quantile=MEDIAN, alpha=alpha)
    if sample.value is None:
        msg = "no value to take the median of"
        raise ValueError(msg)
    return Shift(value=sample.value, bounds=sample.bounds, method="median")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A paired difference with its one-sided bounds."""

    value: float
    bounds: Bounds
    method: str
