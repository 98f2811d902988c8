"""Services exactly at their marks, row by row and all rows of a scheme at once.

``errors_of`` reads from the outcomes of the real metrics how many misses of one group conform and how
many fail; the probabilities of both follow exactly, because misses are binomial. ``accused`` draws
what was counted of every row of a scheme that a sample decides, ``each_category_alone`` what was
counted of one category of a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.assess.outcomes import assess, is_sampled
from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import rate
from harness.estimate.quantile_bounds import TimedSample
from harness.model.alert_case import CELLS
from harness.model.metric import Metric
from harness.model.metric_spec import spec_of
from harness.model.outcome import Conformity, Measurement
from harness.model.scheme import Requirement, Scheme
from harness.model.smallest_sample import MEDIAN
from harness.schemes.load import load_scheme
from test_suites.calibration.simulated_counts import Design, Row
from test_suites.calibration.simulated_rows import Case, block, overblock
from test_suites.memory_fold import MemoryFold

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


def sampled_rows(scheme: Scheme) -> list[Requirement]:
    """The binding rows that a sample decides."""
    return [row for row in scheme.requirements if row.binding and is_sampled(row)]


def groups_of(row: Requirement) -> int:
    """How many groups a row asks of."""
    if row.measure.metric == "worst_alert_recall":
        return len(CELLS)
    if row.measure.categories:
        return len(row.measure.categories)
    return 3 if spec_of(row.measure.metric).decides_by_worst else 1


def at_the_mark(row: Requirement, alpha: float, random: np.random.Generator) -> Measurement:
    """What was counted of a service exactly at the mark of a row, in each of its groups."""
    selection = Selection(
        requirement=row, results=(), alpha=alpha, verdict_counts=MemoryFold(()), line="a"
    )
    groups = [_group(row, random, str(number)) for number in range(groups_of(row))]
    metric = worst_of_groups(selection, groups)
    return Measurement(requirement=row, profile="p", line="a", metric=metric)


def _group(row: Requirement, random: np.random.Generator, label: str) -> Group:
    threshold, n = row.threshold, 3 * max(row.n_min, 20)
    assert threshold is not None
    if row.rule == "census":
        n = 1310
        many = int(random.binomial(n, 0.005))
        return Group(label=label, of_items=False, measure=lambda at: _lesser(at, many, n))
    if threshold.at_most == 0:
        p_value = float(random.random())
        return Group(label=label, of_items=False, measure=lambda at: _difference(at, p_value))
    if spec_of(row.measure.metric).unit == "share" and row.measure.quantile is None:
        is_least = threshold.at_least is not None
        mark = threshold.at_least if threshold.at_least is not None else threshold.at_most
        k = int(random.binomial(n, mark or 0.5))
        name = row.measure.metric
        return Group(
            label=label,
            of_items=False,
            measure=lambda at: rate(at, name, k, n, 0, is_least=is_least),
        )
    quantile = row.measure.quantile or MEDIAN
    is_over = random.random(n) > quantile
    return Group(label=label, of_items=False, measure=lambda at: _times(at, is_over, quantile))


def _times(selection: Selection, is_over: NDArray[np.bool_], quantile: float) -> Metric:
    """Times in the order of trial, some of them longer than the limit, as metrics of time do."""
    limit, n = selection.at_most or 1.0, len(is_over)
    times = np.where(is_over, limit * 2, limit / 2).tolist()
    sample = TimedSample(times=times, quantile=quantile, alpha=selection.alpha, mark=limit)
    return Metric(
        name=selection.measure.metric, unit="s", value=limit, k=n, n=n, indeterminate=0,
        lower=sample.bounds.lower, upper=sample.bounds.upper, method="times",
        alpha=selection.alpha, p_value=sample.p_above(limit),
    )  # fmt: skip


def _difference(selection: Selection, p_value: float) -> Metric:
    """A difference whose interval leaves 0 with probability alpha where there is none."""
    lower = 0.1 if p_value <= selection.alpha else 0.0
    return Metric(
        name=selection.measure.metric, unit="share", value=lower, k=60, n=60, indeterminate=0,
        lower=lower, upper=1.0, method="difference", alpha=selection.alpha, p_value=p_value,
    )  # fmt: skip


def _lesser(selection: Selection, wrong: int, n: int) -> Metric:
    """LOG-02 of requests with lesser errors, which count if more than 0.5 % surely are wrong."""
    p_value = float(special.bdtrc(wrong - 1, n, 0.005)) if wrong else 1.0
    k = wrong if p_value <= selection.alpha else 0
    return Metric(
        name=selection.measure.metric, unit="items", value=float(k), k=k, n=n, indeterminate=0,
        lower=float(k), upper=float(k), method="lesser errors", alpha=selection.alpha,
        p_value=p_value,
    )  # fmt: skip


def accused(scheme: Scheme, replicates: int, seed: int, *, alone: bool = False) -> float:
    """The share of campaigns in which a service at every mark does not conform in some row.

    With ``alone`` each row is decided by itself, as if it were the only one.
    """
    random, rows = np.random.default_rng(seed), sampled_rows(scheme)
    found = 0
    for _ in range(replicates):
        drawn = [at_the_mark(row, row.alpha or scheme.decision.alpha, random) for row in rows]
        families: Sequence[list[Measurement]] = [[one] for one in drawn] if alone else [drawn]
        found += any(
            one.conformity is Conformity.DOES_NOT_CONFORM
            for family in families
            for one in assess(family, scheme.decision)
        )
    return found / replicates


RATES = ("block_rate", "overblock_rate")


def each_category_alone(
    names: Sequence[str], *, items: int = 1, correlation: float = 0.0
) -> Iterator[Case]:
    """Rows of these schemes on rates of categories: one category at the mark, the others perfect.

    Rows that differ in nothing but the names of their categories are one. A category has twice as
    many domains as the row needs, of so many items each.
    """
    seen: set[tuple[object, ...]] = set()
    for name in names:
        found = load_scheme(name)
        for row in sampled_rows(found):
            metric, threshold, codes = row.measure.metric, row.threshold, row.measure.categories
            assert threshold is not None
            alpha = row.alpha or found.decision.alpha
            kind = (metric, threshold.at_least, threshold.at_most, alpha, len(codes), row.n_min)
            if metric.removesuffix("_by_category") in RATES and kind not in seen:
                seen.add(kind)
                yield _alone(f"{name} {row.id}", row, alpha, items, correlation)


def _alone(name: str, row: Requirement, alpha: float, items: int, correlation: float) -> Case:
    threshold = row.threshold
    assert threshold is not None
    mark = threshold.at_least if threshold.at_least is not None else threshold.at_most or 0.0
    is_least = threshold.at_least is not None
    first, *others = [f"{'B' if is_least else 'A'}{n}" for n in range(len(row.measure.categories))]
    sizes = (items,) * (2 * max(row.n_min, 30))
    design = Design(name=f"{len(sizes)}x{items}", sizes=sizes, correlation=correlation)

    def draw(random: np.random.Generator) -> list[Row]:
        perfect = Counter({(items, 0, 0) if is_least else (0, items, 0): len(sizes)})
        at_mark = Row(category=first, domains=design.domains(random, mark))
        return [at_mark, *(Row(category=code, domains=perfect) for code in others)]

    make = block if is_least else overblock
    limit = {"threshold": {"at_least": mark} if is_least else {"at_most": mark}}
    more = {"alpha": alpha, "n_min": row.n_min} | limit
    wanted = make(row.measure.metric, first, *others) | more
    return Case(name=f"{name}, {items} a domain", wanted=wanted, draw=draw)
