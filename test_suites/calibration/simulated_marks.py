"""Services exactly at their marks, row by row and all rows of a scheme at once.

``errors_of`` reads from the outcomes of the real metrics how many misses of one group conform and how
many fail; the probabilities of both follow exactly, because misses are binomial. ``accused`` draws
what was counted of every row of a scheme that a sample decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from harness.assess.outcomes import assess, is_sampled
from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.intervals import p_above_mark, quantile_bounds
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import rate
from harness.model.alert_case import CELLS
from harness.model.metric import Metric
from harness.model.metric_spec import spec_of
from harness.model.outcome import Conformity, Measurement
from harness.model.scheme import Requirement, Scheme
from harness.model.smallest_sample import MEDIAN
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
        found = partial(outcome, name)
        passing = _first(n, lambda m: found(m) is not Conformity.CONFORMS)  # noqa: B023 - used at once
        failing = _first(n, lambda m: found(m) is Conformity.DOES_NOT_CONFORM)  # noqa: B023 - the same
        conforms = max(conforms, _at_most(passing - 1, n, miss_rate))
        spared *= _at_most(failing - 1, n, miss_rate)
    return Errors(conforms, 1 - spared)


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
    over = n - int(random.binomial(n, quantile))
    return Group(label=label, of_items=False, measure=lambda at: _times(at, over, n, quantile))


def _times(selection: Selection, over: int, n: int, quantile: float) -> Metric:
    """Times of which ``over`` are longer than the limit, as a metric of time has them."""
    limit = selection.at_most or 1.0
    times = [limit / 2] * (n - over) + [limit * 2] * over
    lower, upper = quantile_bounds(times, quantile, selection.alpha)
    return Metric(
        name=selection.measure.metric, unit="s", value=limit, k=n, n=n, indeterminate=0,
        lower=lower, upper=upper, method="times", alpha=selection.alpha,
        p_value=p_above_mark(n - over, n, quantile),
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
