"""Metrics of the worst subgroup: category, stratum, language, source or frame.

Rates of different frames answer different questions, and so do items known to the supplier and
hidden ones: they are never pooled. Where a requirement names several categories, each is a
subgroup, so that pooling cannot hide one that is open.

A pass needs every subgroup at level alpha (intersection-union, Berger 1982); a fail needs one
subgroup at alpha / number of subgroups (Bonferroni). The metric has the counts of the subgroup with
the worst rate or, where every rate meets the threshold, with the worst bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from harness.estimate import rates
from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import Selection, is_wanted
from harness.estimate.outcome_groups import GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import FORMS, form_of, is_only_reported
from harness.model.corpus import covers
from harness.model.coverage import items_needed, meets_threshold
from harness.model.listed_page import without_case
from harness.model.metric import Metric, Part, Source, Span
from harness.model.metric_spec import spec_of
from harness.model.probe import declared

UNDECLARED_LANGUAGES = "the languages of the school, which the campaign file does not declare"

MetricFunction = Callable[[Selection], MeasuredMetric]


class Subgroup(NamedTuple):
    """Key of a subgroup: a name (such as a category), the source of its items, and the frame."""

    name: str
    source: Source
    frame: str

    @property
    def label(self) -> str:
        """Name and frame, as a part shows them."""
        return f"{self.name} {self.frame}".strip()

    @property
    def words(self) -> str:
        """The whole key in words: "GAMB, hidden real items as visited"."""
        return ", ".join(filter(None, (self.name, f"{self.source.words} {self.frame}".strip())))


HIGHEST_IS_WORST = (rates.overblock_rate, rates.exposed_rate)
"""Rates of which the highest is the worst."""


def block_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of items that were blocked, in the worst subgroup."""
    return worst_of(selection, rates.block_rate, _named(selection))


def content_block_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of content pages that were blocked, in the worst category or form.

    Plain pages are grouped by category, those in an ordinary form by form; each form must have
    been tried. Disguises and recipes are not counted: not every filter claims to recognise them.
    """

    def group(result: GroupResult) -> str:
        form = form_of(result.group.stratum)
        return form.words if form else result.category

    counted = tuple(
        result for result in selection.results if not is_only_reported(result.group.stratum)
    )
    wanted = tuple(_ordinary_forms(selection)) if counted else ()
    measured = worst_of(replace(selection, results=counted), rates.block_rate, group, wanted)
    return replace(measured, metric=replace(measured.metric, name="content_block_rate"))


def _ordinary_forms(selection: Selection) -> Iterator[str]:
    """Yield the ordinary forms that the probes of the line could have tried."""
    schemes = {declared(selection.probes, name).only_scheme for name in selection.probes_run}
    for form in FORMS.values():
        if form.family == "ordinary" and (not form.over_https or "https" in schemes):
            yield form.words


def overblock_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of must-allow items that were blocked, in the worst subgroup."""
    return worst_of(selection, rates.overblock_rate, _named(selection))


def block_rate_by_category(selection: Selection) -> MeasuredMetric:
    """Compute the block rate of the worst category that the measure names."""
    return worst_of(selection, rates.block_rate, _category(selection))


def block_rate_by_stratum(selection: Selection) -> MeasuredMetric:
    """Compute the block rate of the worst stratum."""
    return worst_of(
        selection,
        rates.block_rate,
        lambda result: without_case(result.group.stratum) or result.category,
    )


def block_rate_by_language(selection: Selection) -> MeasuredMetric:
    """Compute the block rate of the worst language.

    Each language that the campaign declares to be spoken in the school must be tried. Regional
    forms of a declared language count as that language.
    """
    campaign = selection.campaign
    declared = campaign.languages if campaign else ()

    def language(result: GroupResult) -> str:
        lang = result.group.lang
        covering = (one for one in declared if lang == one or lang.startswith(f"{one}-"))
        return next(covering, lang or "no language")

    missing = () if campaign is None or declared else (UNDECLARED_LANGUAGES,)
    return worst_of(selection, rates.block_rate, language, (*declared, *missing))


def overblock_rate_by_category(selection: Selection) -> MeasuredMetric:
    """Compute the over-blocking rate of the worst category that the measure names."""
    return worst_of(selection, rates.overblock_rate, _category(selection))


def missed(selection: Selection) -> MeasuredMetric:
    """Count the items that got through; each category and source is a part."""
    return _counted(selection, rates.missed)


def overblocked(selection: Selection) -> MeasuredMetric:
    """Count the items that were wrongly blocked; each category and source is a part.

    Its method states the one-sided 95 % upper bound of the share of all such items (METHOD OVB-02).
    """
    measured = _counted(selection, rates.overblocked)
    metric = measured.metric
    upper = clopper_pearson(metric.k, metric.n, 0.05).upper
    if upper is None:
        return measured
    method = f"{metric.method}; 95 % upper bound of the share blocked: {upper:.2%}"
    return replace(measured, metric=replace(metric, method=method))


def _category(selection: Selection) -> Callable[[GroupResult], str]:
    """Return a function that gives the category of the measure that items fall under."""

    def named(result: GroupResult) -> str:
        wanted = selection.measure.categories
        return next((code for code in wanted if covers(result.category, code)), result.category)

    return named


def _named(selection: Selection) -> Callable[[GroupResult], str]:
    """Return a function that gives the stratum or category of items; empty if none is named."""
    measure = selection.measure
    if measure.strata:
        return lambda result: result.group.stratum
    return _category(selection) if measure.categories else lambda _: ""


def grouped(
    selection: Selection,
    key: Callable[[GroupResult], str],
    wanted: Iterable[str] | None = None,
) -> dict[Subgroup, tuple[GroupResult, ...]]:
    """Return results by subgroup, sorted; subgroups that are ``wanted`` may be empty.

    Those are by default the ones that the measure names.
    """
    subgroups: dict[Subgroup, list[GroupResult]] = {}
    for result in selection.results:
        subgroup = Subgroup(key(result), selection.sources.of_pack(result.group.pack), result.frame)
        subgroups.setdefault(subgroup, []).append(result)
    for name in _wanted_names(selection) if wanted is None else wanted:
        sources = selection.basis.sources
        if not any(
            subgroup.name == name and (not sources or subgroup.source in sources)
            for subgroup in subgroups
        ):
            subgroups[Subgroup(name, sources[0] if sources else Source(), "")] = []
    return {subgroup: tuple(subgroups[subgroup]) for subgroup in sorted(subgroups)}


def _wanted_names(selection: Selection) -> Iterator[str]:
    """Yield the categories or strata that the measure names and the policy covers here."""
    measure = selection.measure
    by_others = spec_of(measure.metric).by in ("stratum", "language")
    if measure.strata and not by_others:
        yield from measure.strata
        return
    if by_others:
        return
    for code in measure.categories:
        if is_wanted(measure, selection.codes, selection.expects, code):
            yield code


def worst_of(
    selection: Selection,
    metric_function: MetricFunction,
    key: Callable[[GroupResult], str],
    wanted: Iterable[str] | None = None,
) -> MeasuredMetric:
    """Return a rate of the worst subgroup by ``key``; those ``wanted`` may be empty parts."""
    subgroups = grouped(selection, key, wanted)
    tried = {subgroup: results for subgroup, results in subgroups.items() if results}
    is_bad = metric_function in HIGHEST_IS_WORST
    strict = selection.alpha / max(1, len(tried))
    measured: list[tuple[Subgroup, MeasuredMetric, Metric]] = []
    for subgroup, results in subgroups.items():
        part = replace(selection, results=results)
        measured.append(
            (subgroup, metric_function(part), metric_function(replace(part, alpha=strict)).metric)
        )
    if not tried:
        nothing = metric_function(replace(selection, results=()))
        parts = parts_of(selection, measured, is_bad=is_bad)
        return replace(nothing, metric=replace(nothing.metric, parts=parts))
    threshold = selection.requirement.threshold
    known = [one.metric for subgroup, one, _ in measured if subgroup in tried]
    is_met = threshold is not None and all(
        meets_threshold(threshold, Span(one.value, one.value)) for one in known
    )
    subgroup, worst, _ = max(
        measured, key=lambda one: _badness(one[1].metric, is_bad=is_bad, by_bound=is_met)
    )
    lower, upper = _bounds(_deciding(selection, measured), measured, is_bad=is_bad)
    method = worst.metric.method
    if len(tried) > 1:
        method = f"worst of {len(tried)} groups: {subgroup.words}; {method}; fails by Bonferroni"
    metric = replace(
        worst.metric,
        name=selection.measure.metric,
        lower=lower,
        upper=upper,
        method=method,
        parts=parts_of(selection, measured, is_bad=is_bad),
        pooled=_outer([one.pooled for one in known if one.pooled]),
        p_value=_p_value([one.p_value for one in known]),
        decided=_span([one.decided or _plain(one) for one in known]),
        alone=_span([one.alone or _plain(one) for one in known]),
    )
    adverse = tuple(reference for _, one, _ in measured for reference in one.adverse)
    return MeasuredMetric(metric=metric, adverse=adverse)


def _is_basis(selection: Selection, subgroup: Subgroup) -> bool:
    sources = selection.basis.sources
    return not sources or subgroup.source in sources


def _deciding(
    selection: Selection, measured: list[tuple[Subgroup, MeasuredMetric, Metric]]
) -> list[tuple[Subgroup, MeasuredMetric, Metric]]:
    """Return the subgroups whose bound a pass needs: the basis, and others that are large enough.

    A few known items beside the hidden ones can make an outcome fail, but they are too few to
    prove conformity, so they must not make the outcome undecidable.
    """
    needed = items_needed(selection.requirement, selection.alpha)
    return [
        (subgroup, one, strict)
        for subgroup, one, strict in measured
        if _is_basis(selection, subgroup) or one.metric.counted >= needed
    ]


def parts_of(
    selection: Selection,
    measured: Iterable[tuple[Subgroup, MeasuredMetric, Metric]],
    *,
    is_bad: bool = False,
) -> tuple[Part, ...]:
    """Return the parts: the bound for a pass at alpha, that for a fail by Bonferroni."""
    found: list[Part] = []
    for subgroup, one, strict in measured:
        if is_bad:
            metric = replace(one.metric, lower=strict.lower)
        else:
            metric = replace(one.metric, upper=strict.upper)
        is_basis = _is_basis(selection, subgroup)
        part = Part(group=subgroup.label, source=subgroup.source, metric=metric, is_basis=is_basis)
        found.append(part)
    return tuple(found)


def _counted(selection: Selection, metric_function: MetricFunction) -> MeasuredMetric:
    """Return a count over all subgroups; its parts show what was covered."""
    measured = metric_function(selection)
    parts = [
        (subgroup, one, one.metric)
        for subgroup, results in grouped(selection, _named(selection)).items()
        for one in (metric_function(replace(selection, results=results)),)
    ]
    return replace(measured, metric=replace(measured.metric, parts=parts_of(selection, parts)))


def _bounds(
    deciding: list[tuple[Subgroup, MeasuredMetric, Metric]],
    measured: list[tuple[Subgroup, MeasuredMetric, Metric]],
    *,
    is_bad: bool,
) -> tuple[float | None, float | None]:
    """Return (lower, upper): the pass side is ``None`` if any is; the fail side by Bonferroni."""
    plain = [one.metric for _, one, _ in deciding]
    strict = [metric for _, _, metric in measured]
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
    """Return the p-value of "some subgroup misses the threshold" (Bonferroni)."""
    known = [p_value for p_value in found if p_value is not None]
    return min(1.0, len(found) * min(known)) if known else None


def _plain(metric: Metric) -> Span:
    return Span(metric.lower, metric.upper)


def _span(spans: list[Span]) -> Span:
    """Return the lowest lower and highest upper end; ``None`` where any is."""
    lowers = [span.lower for span in spans if span.lower is not None]
    uppers = [span.upper for span in spans if span.upper is not None]
    return Span(
        min(lowers) if len(lowers) == len(spans) else None,
        max(uppers) if len(uppers) == len(spans) else None,
    )


def _outer(spans: list[Span]) -> Span | None:
    return _span(spans) if spans else None


def _badness(metric: Metric, *, is_bad: bool, by_bound: bool) -> float:
    """Sort key: larger is worse; a subgroup without a number comes last."""
    facing = metric.upper if is_bad else metric.lower
    number = facing if by_bound else metric.value
    if number is None:
        return -math.inf
    return number if is_bad else -number
