"""The worst of several groups: each category, stratum, language or frame must meet the threshold.

Rates of two frames answer two questions and are never made one: where a campaign has both, a
requirement must hold in each.

A pass asks every group at level alpha (intersection-union, Berger 1982); a fail accuses some
group at alpha / groups (Bonferroni). The metric shows the counts of the worst group: the one with
the worst rate, or, where every rate meets the threshold, the one whose bound is furthest from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from harness.model.corpus import covers
from harness.model.metric import Metric, Span
from harness.model.shortfall import reached
from harness.stages.estimate import rates
from harness.stages.estimate.fold import Lot
from harness.stages.estimate.rates import Taken
from harness.stages.estimate.scope import Selection

Take = Callable[[Selection], Taken]


def block_rate(selection: Selection) -> Taken:
    """The share of items that were blocked; of several frames, in the worst."""
    return _in_each_frame(selection, rates.block_rate)


def overblock_rate(selection: Selection) -> Taken:
    """The share of items that were blocked although they must be allowed; in the worst frame."""
    return _in_each_frame(selection, rates.overblock_rate)


def block_rate_by_category(selection: Selection) -> Taken:
    """The block rate of the worst category that the measure names."""
    return _worst(selection, rates.block_rate, _category(selection))


def block_rate_by_stratum(selection: Selection) -> Taken:
    """The block rate of the worst stratum: head and tail alike."""
    return _worst(selection, rates.block_rate, lambda lot: lot.fate.stratum or lot.category)


def block_rate_by_language(selection: Selection) -> Taken:
    """The block rate of the worst language."""
    return _worst(selection, rates.block_rate, lambda lot: lot.fate.lang or "no language")


def overblock_rate_by_category(selection: Selection) -> Taken:
    """The over-blocking rate of the worst category that the measure names."""
    return _worst(selection, rates.overblock_rate, _category(selection))


def _category(selection: Selection) -> Callable[[Lot], str]:
    """The category of a measure that items fall under."""

    def named(lot: Lot) -> str:
        wanted = selection.measure.categories
        return next((code for code in wanted if covers(lot.category, code)), lot.category)

    return named


def _in_each_frame(selection: Selection, take: Take) -> Taken:
    if len({lot.frame for lot in selection.lots}) < 2:  # noqa: PLR2004 - several
        return take(selection)
    return _worst(selection, take, lambda _: "items")


def _worst(selection: Selection, take: Take, key: Callable[[Lot], str]) -> Taken:
    groups: dict[str, list[Lot]] = {}
    for lot in selection.lots:
        name = f"{key(lot)} {lot.frame}" if lot.frame else key(lot)
        groups.setdefault(name, []).append(lot)
    if not groups:
        return take(selection)
    is_bad = take is rates.overblock_rate
    strict = selection.alpha / len(groups)
    taken: list[tuple[str, Taken, Metric]] = []
    for name, lots in sorted(groups.items()):
        part = replace(selection, lots=tuple(lots))
        taken.append((name, take(part), take(replace(part, alpha=strict)).metric))
    threshold = selection.requirement.threshold
    values = [one.metric.value for _, one, _ in taken]
    is_met = threshold is not None and all(reached(threshold, Span(each, each)) for each in values)
    name, worst, _ = max(
        taken, key=lambda group: _badness(group[1].metric, is_bad=is_bad, by_bound=is_met)
    )
    lower, upper = _bounds(taken, is_bad=is_bad)
    metric = replace(
        worst.metric,
        name=selection.measure.metric,
        lower=lower,
        upper=upper,
        method=f"worst of {len(groups)} groups: {name}; {worst.metric.method}; fails by Bonferroni",
        pooled=_outer([one.metric.pooled for _, one, _ in taken if one.metric.pooled]),
        p_value=_p_value([one.metric.p_value for _, one, _ in taken]),
        decided=_span([one.metric.decided or _plain(one.metric) for _, one, _ in taken]),
        alone=_span([one.metric.alone or _plain(one.metric) for _, one, _ in taken]),
    )
    adverse = tuple(each for _, one, _ in taken for each in one.adverse)
    return Taken(metric=metric, adverse=adverse)


def _bounds(
    taken: list[tuple[str, Taken, Metric]], *, is_bad: bool
) -> tuple[float | None, float | None]:
    """The side that a pass needs, open if any group's is; that of a fail, by Bonferroni."""
    plain = [one.metric for _, one, _ in taken]
    strict = [metric for _, _, metric in taken]
    if is_bad:
        uppers = [metric.upper for metric in plain]
        lowers = [metric.lower for metric in strict if metric.lower is not None]
        known = [upper for upper in uppers if upper is not None]
        complete = len(known) == len(uppers)
        return (max(lowers) if lowers else None), (max(known) if complete else None)
    floors = [metric.lower for metric in plain]
    ceilings = [metric.upper for metric in strict if metric.upper is not None]
    known = [lower for lower in floors if lower is not None]
    complete = len(known) == len(floors)
    return (min(known) if complete else None), (min(ceilings) if ceilings else None)


def _p_value(found: list[float | None]) -> float | None:
    """That of "some group misses the threshold", by Bonferroni; groups without one say nothing."""
    known = [p_value for p_value in found if p_value is not None]
    return min(1.0, len(found) * min(known)) if known else None


def _plain(metric: Metric) -> Span:
    return Span(metric.lower, metric.upper)


def _span(spans: list[Span]) -> Span:
    """The lowest lower end and the highest upper one; open where any is."""
    lowers = [span.lower for span in spans if span.lower is not None]
    uppers = [span.upper for span in spans if span.upper is not None]
    return Span(
        min(lowers) if len(lowers) == len(spans) else None,
        max(uppers) if len(uppers) == len(spans) else None,
    )


def _outer(spans: list[Span]) -> Span | None:
    return _span(spans) if spans else None


def _badness(metric: Metric, *, is_bad: bool, by_bound: bool) -> float:
    """Larger is worse; a group without a number only stands if no other has one."""
    facing = metric.upper if is_bad else metric.lower
    number = facing if by_bound else metric.value
    if number is None:
        return -math.inf
    return number if is_bad else -number
