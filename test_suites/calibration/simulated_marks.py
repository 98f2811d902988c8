"""Services exactly at their marks, row by row and all rows of a scheme at once.

``errors_of`` reads from the outcomes of the real metrics how many misses of one group conform and how
many fail; the probabilities of both follow exactly, because misses are binomial. ``at_the_mark``
draws what was measured of a row, with misses that come together in some ``Way``: ``accused`` does so
for all rows of a scheme at once, ``granted`` for one group of a row while the others are perfect.
Items go through estimate, other trials through the bounds that their metrics use, and EML-01 as one
share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.assess.outcomes import assess, is_sampled
from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.estimate import estimate
from harness.estimate.interval_choice import TrialShare
from harness.estimate.intervals import smallest_level
from harness.estimate.item_selection import Selection
from harness.estimate.log_metrics import MOST_WRONG
from harness.estimate.log_selection import census, rate
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.viewpoints import difference_bounds
from harness.model.alert_case import CELLS
from harness.model.metric import Metric
from harness.model.metric_spec import spec_of
from harness.model.outcome import Conformity, Measurement
from harness.model.scheme import Requirement, Scheme
from harness.model.smallest_sample import MEDIAN
from test_suites.calibration.simulated_counts import (
    PHASES,
    Design,
    Random,
    Row,
    VerdictCounts,
    scheme,
)
from test_suites.calibration.simulated_rows import block, overblock
from test_suites.kit.campaigns.memory_fold import MemoryFold

Missed = NDArray[np.bool_]
"""Which trials are missed, in their order."""

Missing = Callable[[str, int], Conformity]
"""The outcome if so many of a group were missed, and none of the others."""


class Errors(NamedTuple):
    """Probabilities at the mark: that one group alone conforms, and that all are accused."""

    conforms: float
    accused: float


def errors_of(sizes: Mapping[str, int], miss_rate: float, outcome: Missing) -> Errors:
    """The errors of a row of groups of these sizes; more misses are never better.

    ``conforms`` is that of the group at the mark that conforms most often, the others perfect.
    """
    conforms, spared = 0.0, 1.0
    for name, n in sizes.items():
        passing, failing = _first_ends(n, partial(outcome, name))
        conforms = max(conforms, _at_most(passing - 1, n, miss_rate))
        spared *= _at_most(failing - 1, n, miss_rate)
    return Errors(conforms, 1 - spared)


def _first_ends(n: int, outcome: Callable[[int], Conformity]) -> tuple[int, int]:
    """The fewest misses that no longer conform, and the fewest that fail."""
    return (
        _first(n, lambda missed: outcome(missed) is not Conformity.CONFORMS),
        _first(n, lambda missed: outcome(missed) is Conformity.DOES_NOT_CONFORM),
    )


def _at_most(misses: int, n: int, miss_rate: float) -> float:
    return 0.0 if misses < 0 else float(special.bdtr(misses, n, miss_rate))


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """The smallest number of 0..n for which the monotone ``holds`` is true; n + 1 if none."""
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How misses come together: in spells of so many trials, or in domains and hosts.

    The trials of a spell are missed together, and so are pages of a host; in a domain items are
    alike with a correlation of .5.
    """

    name: str
    spell: int = 1
    cluster: int = 1

    def draw(self, random: Random, number: int, missed: float) -> Missed:
        """Draw which of ``number`` trials are missed, at a mean rate of ``missed``."""
        spell = (np.arange(number) + random.integers(self.spell)) // self.spell
        is_missed: Missed = random.random(spell[-1] + 1) < missed
        return np.asarray(is_missed[spell])

    def draw_by_host(
        self, random: Random, number: int, missed: float
    ) -> tuple[Missed, tuple[int, ...]]:
        """Draw which trials are missed, and the host of each (none if each has its own)."""
        if self.cluster == 1:
            return self.draw(random, number, missed), ()
        host = random.permutation(np.arange(number) // self.cluster)
        is_missed: Missed = random.random(host.max() + 1) < missed
        return is_missed[host], tuple(host.tolist())


INDEPENDENT, SPELLS, CLUSTERS = WAYS = (
    Way(name="independent"),
    Way(name="in spells of 5", spell=5),
    Way(name="in domains and hosts of 3", cluster=3),
)


def sampled_rows(scheme: Scheme) -> list[Requirement]:
    """The binding rows that a sample decides."""
    return [row for row in scheme.requirements if row.binding and is_sampled(row)]


def is_of_items(row: Requirement) -> bool:
    """Whether a row is a rate of items."""
    spec = spec_of(row.measure.metric)
    return spec.is_rate and spec.counts_items


def has_clusters(row: Requirement) -> bool:
    """Whether what a row counts has domains or hosts."""
    return is_of_items(row) or row.measure.metric == "first_byte_overhead"


def has_order(row: Requirement) -> bool:
    """Whether trials of a row follow each other, so that they can come in spells."""
    return spec_of(row.measure.metric).bounds != "margin" and row.rule != "availability"


def groups_of(row: Requirement) -> int:
    """How many groups a row asks of."""
    if row.measure.metric == "worst_alert_recall":
        return len(CELLS)
    if row.measure.categories:
        return len(row.measure.categories)
    return 3 if spec_of(row.measure.metric).decides_by_worst else 1


def miss_rate(row: Requirement) -> float:
    """The share of trials that a service exactly at the mark misses."""
    threshold = row.threshold
    assert threshold is not None
    if row.rule == "census":
        return MOST_WRONG
    if not _is_share(row):
        return 1 - (row.measure.quantile or MEDIAN)
    return threshold.at_most or 0.0 if threshold.at_least is None else 1 - threshold.at_least


def _is_share(row: Requirement) -> bool:
    spec = spec_of(row.measure.metric)
    return spec.unit == "share" and spec.bounds != "median" and row.measure.quantile is None


def at_the_mark(
    row: Requirement,
    alpha: float,
    random: Random,
    way: Way = INDEPENDENT,
    *,
    number: int = 0,
    others_are_perfect: bool = False,
) -> Measurement:
    """What was measured of a service exactly at the mark of a row, in each of its groups.

    Each has ``number`` trials; without it, thrice as many as the row needs.
    """
    number = number or 3 * max(row.n_min, 20)
    missed = [miss_rate(row)] + [0.0 if others_are_perfect else miss_rate(row)] * (
        groups_of(row) - 1
    )
    if is_of_items(row):
        return _of_items(row, alpha, random, way, number, missed)
    selection = Selection(
        requirement=row, results=(), alpha=alpha, verdict_counts=MemoryFold(()), line="a"
    )
    groups = [_group(row, random, way, number, each) for each in missed]
    groups = [replace(group, label=str(place)) for place, group in enumerate(groups)]
    metric = worst_of_groups(selection, groups)
    return Measurement(requirement=row, profile="p", line="a", metric=metric)


def _of_items(
    row: Requirement, alpha: float, random: Random, way: Way, number: int, missed: Sequence[float]
) -> Measurement:
    """A rate of items, through estimate."""
    threshold = row.threshold
    assert threshold is not None
    is_least = threshold.at_least is not None
    limit = 1 - miss_rate(row) if is_least else miss_rate(row)
    wanted, codes = _wanted(limit, row.n_min, alpha, len(missed), is_least=is_least)
    design = Design(name="", sizes=(way.cluster,) * number, correlation=0.5)
    rows = []
    for code, each in zip(codes, missed, strict=True):
        if way.cluster > 1 and 0 < each < 1:
            domains = design.domains(random, 1 - each if is_least else each)
            rows.append(Row(category=code, domains=domains))
        else:
            is_open = way.draw(random, number, each) == is_least
            rows.append(Row(category=code, order=is_open.astype(int).tolist()))
    (found,) = estimate(VerdictCounts(rows), wanted, PHASES).measurements
    return replace(found, requirement=row)


@lru_cache(maxsize=512)
def _wanted(
    limit: float, n_min: int, alpha: float, groups: int, *, is_least: bool
) -> tuple[Scheme, tuple[str, ...]]:
    """A scheme of one row of items, with categories of our own."""
    codes = tuple(f"{'B' if is_least else 'A'}{place}" for place in range(groups))
    make, name = (block, "block_rate") if is_least else (overblock, "overblock_rate")
    more = {
        "alpha": alpha,
        "n_min": n_min,
        "threshold": {"at_least" if is_least else "at_most": limit},
    }
    return scheme(make(name if groups == 1 else f"{name}_by_category", *codes) | more), codes


def _group(row: Requirement, random: Random, way: Way, number: int, missed: float) -> Group:
    draw = way.draw_by_host if has_clusters(row) else INDEPENDENT.draw_by_host
    if has_order(row) and way.spell > 1:
        draw = way.draw_by_host
    drawn, hosts = draw(random, number, missed)
    if spec_of(row.measure.metric).bounds == "margin":
        sides = random.multinomial(number, [missed + 0.05, 0.05, 0.9 - missed])
        return _measured(lambda at: _difference(at, *map(int, sides)))
    if row.rule == "census":
        return _measured(lambda at: _lesser(at, drawn))
    if not _is_share(row):
        return _measured(lambda at: _times(at, drawn, hosts))
    is_least = row.threshold is not None and row.threshold.at_least is not None
    found, name = (drawn != is_least).tolist(), row.measure.metric
    return _measured(lambda at: rate(at, name, found, is_least=is_least))


def _measured(measure: Callable[[Selection], Metric]) -> Group:
    return Group(label="", of_items=False, measure=measure)


def _times(selection: Selection, is_over: Missed, hosts: Sequence[int]) -> Metric:
    """Times in the order of trial, some of them longer than the limit, as metrics of time do."""
    limit, quantile = selection.at_most or 1.0, selection.measure.quantile or MEDIAN
    times = np.where(is_over, limit * 2, limit / 2).tolist()
    sample = TimedSample(
        times=times, quantile=quantile, alpha=selection.alpha, mark=limit, hosts=hosts
    )
    name = selection.measure.metric
    return replace(sample.in_seconds(name), unit=spec_of(name).unit)


def _difference(selection: Selection, first: int, second: int, alike: int) -> Metric:
    """OVB-09: pairs of which the one side alone is blocked, the other, or neither or both."""
    bounds = difference_bounds(first, second, alike, 0, selection.alpha)
    n, limit = first + second + alike, selection.at_most or 0.0
    return Metric(
        name=selection.measure.metric, unit="share", value=abs(first - second) / n, k=first, n=n,
        indeterminate=0, lower=bounds.lower, upper=bounds.upper, method="difference",
        alpha=selection.alpha,
        p_value=smallest_level(
            lambda alpha: (difference_bounds(first, second, alike, 0, alpha).lower or 0.0) > limit
        ),
    )  # fmt: skip


def _lesser(selection: Selection, is_wrong: Missed) -> Metric:
    """LOG-02 of requests with lesser errors, which count if more than 0.5 % surely are wrong."""
    trials = TrialShare(is_wrong.tolist())
    bounds = trials.bounds(selection.alpha)
    surely, perhaps = (bound is not None and bound > MOST_WRONG for bound in bounds)
    name, k = selection.measure.metric, trials.k if surely else 0
    unsure = max(1, trials.k) if perhaps and not surely else 0
    metric = census(selection, name, k, trials.n, unsure, method="lesser errors")
    return replace(metric, p_value=trials.p_above(MOST_WRONG))


def accused(
    scheme: Scheme, replicates: int, seed: int, way: Way = INDEPENDENT, *, alone: bool = False
) -> float:
    """The share of campaigns in which a service at every mark does not conform in some row.

    With ``alone`` each row is decided by itself, as if it were the only one.
    """
    random, rows = np.random.default_rng(seed), sampled_rows(scheme)
    found = 0
    for _ in range(replicates):
        drawn = [at_the_mark(row, row.alpha or scheme.decision.alpha, random, way) for row in rows]
        families: Sequence[list[Measurement]] = [[one] for one in drawn] if alone else [drawn]
        found += any(
            one.conformity is Conformity.DOES_NOT_CONFORM
            for family in families
            for one in assess(family, scheme.decision)
        )
    return found / replicates


class Sampled(NamedTuple):
    """A row of a scheme that a sample decides, alone and in one way."""

    name: str
    row: Requirement
    scheme: Scheme
    way: Way

    @property
    def alpha(self) -> float:
        """The level at which the row is decided."""
        return self.row.alpha or self.scheme.decision.alpha

    def granted(self, replicates: int, seed: int) -> float:
        """The share of campaigns that conform with one group at the mark, the others perfect.

        There are as many times more trials as a spell is long.
        """
        random, number = np.random.default_rng(seed), 3 * max(self.row.n_min, 20) * self.way.spell
        drawn = (
            at_the_mark(
                self.row, self.alpha, random, self.way, number=number, others_are_perfect=True
            )
            for _ in range(replicates)
        )
        decided = (assess([one], self.scheme.decision)[0].conformity for one in drawn)
        return sum(one is Conformity.CONFORMS for one in decided) / replicates


def rows_in_each_way(schemes: Iterable[Scheme]) -> Iterator[Sampled]:
    """Yield the sampled rows of schemes in each way in which they can miss.

    Rows that differ in nothing but the names of their categories are one.
    """
    seen: set[tuple[object, ...]] = set()
    for one in schemes:
        for row in sampled_rows(one):
            threshold, alpha = row.threshold, row.alpha or one.decision.alpha
            assert threshold is not None
            metric = "items" if is_of_items(row) else row.measure.metric
            limits = (threshold.at_least, threshold.at_most, row.measure.quantile, row.n_min)
            kind = (metric, *limits, alpha, groups_of(row))
            if kind in seen:
                continue
            seen.add(kind)
            ways = {INDEPENDENT: True, SPELLS: has_order(row), CLUSTERS: has_clusters(row)}
            for way, applies in ways.items():
                if applies:
                    yield Sampled(f"{one.id} {row.id} {way.name}", row, one, way)
