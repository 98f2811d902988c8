"""Metrics of cases: in how many of the ways that were tried something harmful got through.

A case is named by what follows the category in the strata of its items (``PORN/viewer:cache``). It
is open if any of its items got through, and stopped if all of them were. Every case that a metric
knows is wanted: one that was not tried leaves the metric undecided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from harness.estimate import rates
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.estimate.worst_group import grouped, parts_of
from harness.model.content_form import IMAGE, VIEWERS, variant_of
from harness.model.corpus import TWIN
from harness.model.metric import Metric


def viewers_exposing(selection: Selection) -> MeasuredMetric:
    """Count the viewers, such as caches and translators, that show blocked pages."""
    words = {name: viewer.words for name, viewer in VIEWERS.items()}
    return open_cases(selection, "viewers_exposing", words)


def image_hit_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of copies of the agreed image that were blocked."""
    copies = tuple(
        each
        for each in selection.results
        if variant_of(each.group.stratum) == IMAGE.name and not each.group.stratum.startswith(TWIN)
    )
    measured = rates.block_rate(replace(selection, results=copies))
    return replace(measured, metric=replace(measured.metric, name="image_hit_rate"))


def _harmful_case(result: GroupResult) -> str:
    """Return the case of a harmful page; nothing for a harmless one."""
    return "" if result.group.stratum.startswith(TWIN) else case_of(result)


def case_of(result: GroupResult) -> str:
    """Return the case of an item, harmful or not."""
    return variant_of(result.group.stratum)


def open_cases(
    selection: Selection,
    name: str,
    words: Mapping[str, str],
    *,
    case_of: Callable[[GroupResult], str] = _harmful_case,
    count: Callable[[Selection], MeasuredMetric] = rates.missed,
    untried: Iterable[str] = (),
    further: Mapping[str, str] = MappingProxyType({}),
) -> MeasuredMetric:
    """Count the cases in which an item got through, or what else ``count`` counts.

    ``words`` names each case that must be tried, by its part of the strata. Each case is a part of
    the metric; its items are those against the service. ``case_of`` gives the case of an item, by
    default that of harmful pages alone. ``untried`` are further cases that must be tried, and never
    are; ``further`` are cases that count where they are tried, and need not be.
    """
    tried = {case_of(each) for each in selection.results}
    words = {**words, **{case: further[case] for case in further if case in tried}}
    results = tuple(each for each in selection.results if case_of(each) in words)
    narrowed = replace(selection, results=results)
    by_case = [
        (case, count(replace(narrowed, results=found)))
        for case, found in grouped(
            narrowed, lambda result: words[case_of(result)], (*words.values(), *untried)
        ).items()
    ]
    cases: dict[str, list[Metric]] = {}
    for subgroup, measured in by_case:
        cases.setdefault(subgroup.name, []).append(measured.metric)
    states = Counter(map(_state, cases.values()))
    open_, doubtful = states["open"], states["doubtful"]
    decided = open_ + states["stopped"]
    items = count(narrowed)
    metric = replace(
        items.metric,
        name=name,
        value=float(open_) if decided else None,
        k=open_,
        n=decided,
        indeterminate=doubtful,
        lower=float(open_) if decided else None,
        upper=float(open_ + doubtful) if decided else None,
        parts=parts_of(narrowed, by_case),
    )
    adverse = tuple(reference for _, measured in by_case for reference in measured.adverse)
    return MeasuredMetric(metric=_without_left_out(metric), adverse=adverse)


def undecided(selection: Selection) -> MeasuredMetric:
    """Count the items as undecided: what should have become of them is not known."""
    classified = ClassifiedResults(adverse=(), favourable=(), indeterminate=selection.results)
    return rates.count("undecided", classified, selection.alpha)


def _state(metrics: Iterable[Metric]) -> Literal["open", "doubtful", "stopped", "not tried"]:
    """What came of a case, by the metrics of its items."""
    several = list(metrics)
    if any(one.k for one in several):
        return "open"
    if any(one.indeterminate for one in several):
        return "doubtful"
    return "stopped" if any(one.n for one in several) else "not tried"


def _without_left_out(metric: Metric) -> Metric:
    """Leave out no case for single items that were down: another item of it was decided."""
    is_complete = all(part.metric.n for part in metric.parts)
    return replace(metric, left_out={}) if is_complete else metric
