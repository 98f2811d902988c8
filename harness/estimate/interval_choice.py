"""Choose the bounds of a rate: exact, by registrable domain, by spells, or valid at any time.

In each case indeterminate items count as failures for the lower bound and as successes for the
upper bound. ``harness.estimate.intervals`` has the bounds of the first three kinds, and
``harness.estimate.e_process`` those that stay valid when read after every item.

Items of one registrable domain are not independent, and neither are trials of one bad minute. Where
the rarer result comes in spells, trials are divided into blocks as long as the longest one, each of
which counts once; the wider bounds stand (docs/design/dd-066-spells-of-time.md).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.estimate.distributions import hypergeometric_masses
from harness.estimate.e_process import anytime_bounds, anytime_p_above, anytime_p_below
from harness.estimate.intervals import (
    Bounds,
    Rates,
    clopper_pearson,
    lower_bound,
    p_above,
    p_below,
    upper_bound,
)
from harness.estimate.outcome_groups import GroupResult, total
from harness.model.campaign import Campaign
from harness.model.metric import Span, Spread
from harness.model.outcome_group import DomainComposition
from harness.model.scheme import DecisionRule, Threshold
from harness.ports.judging import CountedVerdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredRate:
    """A rate of clustered items: ``k`` of ``n`` items in ``clusters``, and its design effect."""

    k: int
    n: int
    clusters: int
    design_effect: float

    @property
    def effective_n(self) -> float:
        """The number of independent items with the same variance."""
        return self.n / self.design_effect


def clustered_rate(
    counts: Mapping[tuple[int, int], int] | Iterable[tuple[int, int]],
) -> ClusteredRate:
    """Return the rate of clusters of (successes, items), with a design effect of at least 1.

    ``counts`` maps such pairs to numbers of clusters, or lists one pair for each cluster. The
    design effect is the variance of the ratio between clusters (Taylor linearisation) divided by
    that of independent items; Kish, Survey Sampling (1965), 8.2. With one cluster, or a rate of 0
    or 1, it is the mean number of items of a cluster.
    """
    used = {pair: number for pair, number in Counter(counts).items() if pair[1]}
    k = sum(k * number for (k, _), number in used.items())
    n = sum(n * number for (_, n), number in used.items())
    m = sum(used.values())
    if not n:
        return ClusteredRate(k=0, n=0, clusters=0, design_effect=1.0)
    rate = k / n
    independent = rate * (1 - rate) / n
    if m == 1 or independent == 0:
        return ClusteredRate(k=k, n=n, clusters=m, design_effect=n / m)
    squares = math.fsum(
        number * (successes - rate * items) ** 2 for (successes, items), number in used.items()
    )
    between = m / (m - 1) * squares / n**2
    return ClusteredRate(k=k, n=n, clusters=m, design_effect=max(1.0, between / independent))


EXACT = "Clopper-Pearson, exact, one-sided, indeterminates worst case"
BY_DOMAIN = "Gaffke, {domains} domains counted once each, one-sided, indeterminates worst case"
ANYTIME = "e-process, one-sided at any time, indeterminates worst case"
ANYTIME_BY_DOMAIN = "e-process, {domains} domains counted once each, {rest}"

DomainCounts = Counter[tuple[int, int, int]]
"""Numbers of domains by their items: (counted, not counted, indeterminate)."""

Numbers = NDArray[np.int64]

Order = Callable[[Collection[int]], Sequence[int]]
"""Gives the outcome group of each item of some groups, in the order of trial."""

DOUBTFUL = 2
"""The number of the part of indeterminate trials, after those counted and not counted."""
FEWEST = 5
"""How many blocks remain, at least, however long the spells are."""
BY_CHANCE = 0.05
"""How often independent trials may look as if they came in spells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBounds:
    """Bounds, their method, and the further fields of ``harness.model.metric.Metric``."""

    bounds: Bounds
    method: str
    p_value: float | None = None
    spread: Spread | None = None
    pooled: Span | None = None
    decided: Span | None = None
    alone: Span | None = None
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class _Sample:
    """Domain rates with indeterminate items not counted (``least``) and counted (``most``)."""

    least: Rates
    most: Rates
    is_sequential: bool

    def bounds(self, alpha: float) -> Bounds:
        if self.is_sequential:
            least, most = (anytime_bounds(*_sums(rates), alpha) for rates in self._both)
            return Bounds(least.lower, most.upper)
        if {*self.least, *self.most} <= {0.0, 1.0}:  # where Gaffke's bound is Clopper-Pearson's
            n = sum(self.least.values())
            low, high = (clopper_pearson(rates.get(1.0, 0), n, alpha) for rates in self._both)
            return Bounds(low.lower, high.upper)
        return Bounds(lower_bound(self.least, alpha), upper_bound(self.most, alpha))

    @property
    def _both(self) -> tuple[Rates, Rates]:
        return self.least, self.most

    def p_value(self, threshold: Threshold) -> float:
        """Return the smallest level at which a bound is on the wrong side of the threshold.

        A threshold with two sides tests each at half the level (Bonferroni). It is 1 for a
        threshold that no rate can miss.
        """
        p_values: list[float] = []
        if threshold.at_least is not None and threshold.at_least > 0:
            p_values.append(self.p_below(threshold.at_least))
        if threshold.at_most is not None and threshold.at_most < 1:
            p_values.append(self.p_above(threshold.at_most))
        return min(1.0, len(p_values) * min(p_values)) if p_values else 1.0

    def p_below(self, mark: float) -> float:
        """Return the smallest level at which the upper bound is below ``mark``."""
        if self.is_sequential:
            return anytime_p_below(*_sums(self.most), mark)
        return p_below(self.most, mark)

    def p_above(self, mark: float) -> float:
        """Return the smallest level at which the lower bound is above ``mark``."""
        if self.is_sequential:
            return anytime_p_above(*_sums(self.least), mark)
        return p_above(self.least, mark)


def rate_bounds(
    domains: Iterable[tuple[DomainComposition, int]],
    counted: Iterable[GroupResult],
    others: Iterable[GroupResult],
    doubtful: Iterable[GroupResult],
    rule: DecisionRule,
    alpha: float,
    threshold: Threshold | None = None,
    *,
    order: Order | None = None,
) -> RateBounds:
    """Return bounds of the share of ``counted`` among ``counted`` and ``others``.

    If any domain has several items, each counts once (METHOD TQ-04). ``domains`` are those of the
    line, by composition. Spells need the ``order`` of trial, and no sequential rule.
    """
    parts = tuple(counted), tuple(others), tuple(doubtful)
    domain_counts = count_by_domain(domains, parts)
    k, no, doubtful_items = (
        sum(counts[part] * number for counts, number in domain_counts.items()) for part in range(3)
    )
    n, m = k + no, domain_counts.total()
    if n == 0:
        return RateBounds(bounds=Bounds(None, None), method=EXACT)
    is_sequential = rule == "sequential"
    is_spread = m < n + doubtful_items
    found = _in_order(parts, None if is_sequential else order)
    spells = in_spells(found)
    divisions = _divided(domain_counts, spells)
    unnamed = total(result for part in parts for result in part if result.group.alone)
    as_single_items = DomainCounts({(1, 0, 0): k, (0, 1, 0): no, (0, 0, 1): doubtful_items})
    samples = [_sample(one, is_sequential=is_sequential) for one in divisions]
    method = _method(domain_counts, unnamed, is_sequential=is_sequential)
    return RateBounds(
        bounds=_widest(samples, alpha),
        method=method + (spells.words if spells else ""),
        p_value=max(one.p_value(threshold) for one in samples) if threshold else None,
        spread=_spread(domain_counts) if is_spread else None,
        pooled=Span(k / (n + doubtful_items), (k + doubtful_items) / (n + doubtful_items))
        if is_spread
        else None,
        decided=_span(_without_doubt(domain_counts, found), alpha, is_sequential=is_sequential)
        if doubtful_items
        else None,
        alone=_span([as_single_items], alpha, is_sequential=is_sequential)
        if is_spread or spells
        else None,
        unnamed=unnamed,
    )


def order_of_trial(
    verdict_counts: CountedVerdicts, profile: str, campaign: Campaign | None
) -> Order | None:
    """Return the order in which a profile tried items; ``None`` if it is that of their pack.

    Neighbours in a list may be alike, so that missing them together shows no spell of time.
    """
    if campaign is not None and campaign.keeps_order_of_pack:
        return None
    return partial(verdict_counts.in_order, profile=profile)


def design_effect(
    domains: Iterable[tuple[DomainComposition, int]],
    counted: Iterable[GroupResult],
    others: Iterable[GroupResult],
) -> float:
    """Return the design effect of items clustered by registrable domain."""
    return _effect(count_by_domain(domains, (counted, others, ())))


def count_by_domain(
    domains: Iterable[tuple[DomainComposition, int]],
    parts: tuple[Iterable[GroupResult], Iterable[GroupResult], Iterable[GroupResult]],
) -> DomainCounts:
    """Count domains by their items in each of three parts; domains without any are left out."""
    part_of = _part_of(parts)
    domain_counts: DomainCounts = Counter()
    for composition, number in domains:
        counts = [0, 0, 0]
        for group, items in composition:
            if (part := part_of.get(group)) is not None:
                counts[part] += items
        if any(counts):
            domain_counts[counts[0], counts[1], counts[2]] += number
    return domain_counts


def _part_of(parts: Iterable[Iterable[GroupResult]]) -> dict[int, int]:
    """Return which part each outcome group belongs to."""
    return {result.group.number: part for part, results in enumerate(parts) for result in results}


def _sample(domain_counts: DomainCounts, *, is_sequential: bool) -> _Sample:
    least: Counter[float] = Counter()
    most: Counter[float] = Counter()
    for (yes, no, doubt), number in domain_counts.items():
        least[yes / (yes + no + doubt)] += number
        most[(yes + doubt) / (yes + no + doubt)] += number
    return _Sample(least, most, is_sequential)


def _span(all_counts: Iterable[DomainCounts], alpha: float, *, is_sequential: bool) -> Span:
    used = (
        DomainCounts({key: number for key, number in counts.items() if number})
        for counts in all_counts
    )
    return Span(*_widest([_sample(one, is_sequential=is_sequential) for one in used], alpha))


def _widest(samples: Sequence[_Sample], alpha: float) -> Bounds:
    bounds = [one.bounds(alpha) for one in samples]
    lowers = [one.lower for one in bounds if one.lower is not None]
    uppers = [one.upper for one in bounds if one.upper is not None]
    return Bounds(min(lowers, default=None), max(uppers, default=None))


class TrialShare:
    """A share of trials that are no items: each was found so or not, or is undecided (``None``).

    They are in the order of trial; spells are allowed for.
    """

    def __init__(self, found: Iterable[bool | None]) -> None:
        parts = [DOUBTFUL if one is None else int(not one) for one in found]
        self.k, no, self.undecided = (parts.count(part) for part in range(3))
        self.n = self.k + no
        self._spells = in_spells(np.array(parts, dtype=np.int64))
        singles = DomainCounts({(1, 0, 0): self.k, (0, 1, 0): no, (0, 0, 1): self.undecided})
        self._samples = [
            _sample(one, is_sequential=False) for one in _divided(singles, self._spells)
        ]

    def bounds(self, alpha: float) -> Bounds:
        """Return the bounds; without a decided trial there are none."""
        return _widest(self._samples, alpha) if self.n else Bounds(None, None)

    def alone(self, alpha: float) -> Span | None:
        """Return the bounds of independent trials, where spells make others wider."""
        return Span(*self._samples[0].bounds(alpha)) if self._spells else None

    def p_below(self, mark: float) -> float:
        """Return the smallest level at which the upper bound is below ``mark``."""
        return max(one.p_below(mark) for one in self._samples) if self.n else 1.0

    def p_above(self, mark: float) -> float:
        """Return the smallest level at which the lower bound is above ``mark``."""
        return max(one.p_above(mark) for one in self._samples) if self.n else 1.0

    @property
    def method(self) -> str:
        """How the bounds were made, in words."""
        return "Clopper-Pearson" + (self._spells.words if self._spells else "")


class Spells(NamedTuple):
    """Trials in blocks: how many blocks have which counts, and how many trials a block holds."""

    counts: DomainCounts
    length: int

    @property
    def words(self) -> str:
        """What is added to the method of bounds."""
        blocks = self.counts.total()
        return f"; the rarer result comes in spells: {blocks} blocks of {self.length} count once"


def in_spells(found: Numbers) -> Spells | None:
    """Divide trials into blocks if the rarer result comes in spells; else ``None``.

    ``found`` has the trials in their order: 0 counted, 1 not counted, 2 indeterminate. The rarer
    result is whatever is not the most frequent of the first two.
    """
    is_rare = found != np.argmax(np.bincount(found, minlength=3)[:DOUBTFUL])
    if not is_in_runs(is_rare):
        return None
    length = min(longest_stretch(is_rare), len(found) // FEWEST)
    if length <= 1:
        return None
    number = len(found) // length
    member = np.arange(len(found)) * number // len(found)
    counts = np.bincount(member * 3 + found, minlength=number * 3).reshape(number, 3)
    return Spells(DomainCounts((yes, no, doubt) for yes, no, doubt in counts.tolist()), length)


def _divided(domain_counts: DomainCounts, spells: Spells | None) -> list[DomainCounts]:
    """Return the ways in which items are divided: into domains, and into blocks if in spells."""
    return [domain_counts, spells.counts] if spells else [domain_counts]


def _in_order(parts: Sequence[Sequence[GroupResult]], order: Order | None) -> Numbers:
    """Return the part of each item in the order of trial; none if a spell cannot be among them."""
    sizes = [total(results) for results in parts]
    if order is None or sum(sizes) - max(sizes[:DOUBTFUL]) <= 1:
        return np.array([], dtype=np.int64)
    part_of = _part_of(parts)
    lookup = np.zeros(max(part_of) + 1, dtype=np.int64)
    lookup[list(part_of)] = list(part_of.values())
    return lookup[np.asarray(order(part_of), dtype=np.int64)]


def is_in_runs(is_rare: NDArray[np.bool_]) -> bool:
    """Whether rare trials make fewer runs than in a random order, at level ``BY_CHANCE``.

    Given the numbers of both, the runs have a hypergeometric distribution (Stevens, Annals of
    Eugenics 9 (1939) 10-17). It is exact, because a few rare trials are far from normal.
    """
    rare = int(is_rare.sum())
    if rare <= 1 or rare == len(is_rare):
        return False
    runs = int(is_rare[0]) + int((is_rare[1:] & ~is_rare[:-1]).sum())
    return float(chances_of_runs(len(is_rare), rare)[:runs].sum()) <= BY_CHANCE


def chances_of_runs(trials: int, rare: int) -> NDArray[np.float64]:
    """The chance of 1, 2, ... runs of the rare ones among so many trials in a random order."""
    return hypergeometric_masses(trials, trials - rare + 1, rare)


def longest_stretch(is_rare: NDArray[np.bool_]) -> int:
    """Return how many trials in a row the longest stretch of mostly rare ones has.

    In it the share of rare ones is at least halfway from that of all trials to 1.
    """
    sums = np.concatenate(([0.0], np.cumsum(is_rare - (1 + is_rare.mean()) / 2)))
    later = np.maximum.accumulate(sums[::-1])[::-1]
    last = np.searchsorted(-later, -sums + 1e-9, side="right") - 1
    return int(np.max(last - np.arange(len(sums))))


def _without_doubt(domain_counts: DomainCounts, found: Numbers) -> list[DomainCounts]:
    """Return the ways in which decided items alone are divided."""
    return _divided(_decided(domain_counts), in_spells(found[found < DOUBTFUL]))


def _decided(domain_counts: DomainCounts) -> DomainCounts:
    """Return domains that have a decided item, without indeterminate items."""
    decided: DomainCounts = Counter()
    for (yes, no, _), number in domain_counts.items():
        if yes + no:
            decided[yes, no, 0] += number
    return decided


def _spread(domain_counts: DomainCounts) -> Spread:
    decided = _decided(domain_counts)
    sample = _sample(domain_counts, is_sequential=False)
    decided_sum, domains = _sums(_sample(decided, is_sequential=False).least)
    least, tried = _sums(sample.least)
    most, _ = _sums(sample.most)
    rate = decided_sum / domains if domains else None
    return Spread(domains=domains, rate=rate, tried=tried, least=least, most=most)


def _sums(rates: Rates) -> tuple[float, int]:
    """Return the sum of the domains' rates, and the number of domains."""
    return sum(rate * number for rate, number in rates.items()), sum(rates.values())


def _effect(domain_counts: DomainCounts) -> float:
    counts: Counter[tuple[int, int]] = Counter()
    for (yes, no, _), number in domain_counts.items():
        counts[yes, yes + no] += number
    return clustered_rate(counts).design_effect


def _method(domain_counts: DomainCounts, unnamed: int, *, is_sequential: bool) -> str:
    """Return the method's name, with the assumption on items without a registrable domain."""
    m = domain_counts.total()
    is_spread = any(sum(key) > 1 for key in domain_counts)
    name = ANYTIME if is_sequential else EXACT
    if is_spread:
        name = BY_DOMAIN.format(domains=m)
        if is_sequential:
            name = ANYTIME_BY_DOMAIN.format(domains=m, rest=ANYTIME.partition(", ")[2])
        name += f", design effect {_effect(domain_counts):.2f}"
    if unnamed:
        name += f"; {unnamed} items without a registrable domain are taken as independent"
    return name
