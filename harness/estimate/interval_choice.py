"""Choose the bounds of a rate: exact, by registrable domain, or valid at any time.

In each case indeterminate items count as failures for the lower bound and as successes for the
upper bound. ``harness.estimate.intervals`` has the bounds of the first two kinds, and
``harness.estimate.e_process`` those that stay valid when read after every item.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
from harness.model.metric import Span, Spread
from harness.model.outcome_group import DomainComposition
from harness.model.scheme import DecisionRule, Threshold


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
        below, above = (anytime_p_below, anytime_p_above)
        p_values: list[float] = []
        if threshold.at_least is not None and threshold.at_least > 0:
            limit = threshold.at_least
            p_values.append(
                below(*_sums(self.most), limit) if self.is_sequential else p_below(self.most, limit)
            )
        if threshold.at_most is not None and threshold.at_most < 1:
            limit = threshold.at_most
            p_values.append(
                above(*_sums(self.least), limit)
                if self.is_sequential
                else p_above(self.least, limit)
            )
        return min(1.0, len(p_values) * min(p_values)) if p_values else 1.0


def rate_bounds(
    domains: Iterable[tuple[DomainComposition, int]],
    counted: Iterable[GroupResult],
    others: Iterable[GroupResult],
    doubtful: Iterable[GroupResult],
    rule: DecisionRule,
    alpha: float,
    threshold: Threshold | None = None,
) -> RateBounds:
    """Return bounds of the share of ``counted`` among ``counted`` and ``others``.

    Items of one registrable domain are not independent (METHOD TQ-04). If any domain has several
    items, each domain counts once, with its own rate. ``domains`` are those of the line: numbers
    of domains by their composition.
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
    sample = _sample(domain_counts, is_sequential=is_sequential)
    is_spread = m < n + doubtful_items
    unnamed = total(result for part in parts for result in part if result.group.alone)
    as_single_items = DomainCounts({(1, 0, 0): k, (0, 1, 0): no, (0, 0, 1): doubtful_items})
    return RateBounds(
        bounds=sample.bounds(alpha),
        method=_method(domain_counts, unnamed, is_sequential=is_sequential),
        p_value=None if threshold is None else sample.p_value(threshold),
        spread=_spread(domain_counts) if is_spread else None,
        pooled=Span(k / (n + doubtful_items), (k + doubtful_items) / (n + doubtful_items))
        if is_spread
        else None,
        decided=_span(_decided(domain_counts), alpha, is_sequential=is_sequential)
        if doubtful_items
        else None,
        alone=_span(as_single_items, alpha, is_sequential=is_sequential) if is_spread else None,
        unnamed=unnamed,
    )


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
    part_of = {
        result.group.number: part for part, results in enumerate(parts) for result in results
    }
    domain_counts: DomainCounts = Counter()
    for composition, number in domains:
        counts = [0, 0, 0]
        for group, items in composition:
            if (part := part_of.get(group)) is not None:
                counts[part] += items
        if any(counts):
            domain_counts[counts[0], counts[1], counts[2]] += number
    return domain_counts


def _sample(domain_counts: DomainCounts, *, is_sequential: bool) -> _Sample:
    least: Counter[float] = Counter()
    most: Counter[float] = Counter()
    for (yes, no, doubt), number in domain_counts.items():
        least[yes / (yes + no + doubt)] += number
        most[(yes + doubt) / (yes + no + doubt)] += number
    return _Sample(least, most, is_sequential)


def _span(domain_counts: DomainCounts, alpha: float, *, is_sequential: bool) -> Span:
    used = DomainCounts({key: number for key, number in domain_counts.items() if number})
    return Span(*_sample(used, is_sequential=is_sequential).bounds(alpha))


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
