"""Metrics of the worst subgroup of items: category, stratum, language, source or frame.

Rates of different frames answer different questions, and so do items known to the supplier and
hidden ones: they are never pooled. Where a requirement names several categories, each is a
subgroup, so that pooling cannot hide one that is open (``harness.estimate.each_group``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from harness.estimate import rates
from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.intervals import clopper_pearson
from harness.estimate.item_selection import Selection, is_wanted
from harness.estimate.outcome_groups import GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import FORMS, form_of, is_only_reported
from harness.model.corpus import covers
from harness.model.listed_page import without_case
from harness.model.metric import Part, Source
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

    def group(subgroup: Subgroup, results: tuple[GroupResult, ...]) -> Group:
        return Group(
            label=subgroup.label,
            words=subgroup.words,
            source=subgroup.source,
            is_basis=_is_basis(selection, subgroup),
            measure=lambda at: metric_function(replace(at, results=results)).metric,
        )

    metric = (
        worst_of_groups(
            selection,
            [group(*one) for one in subgroups.items()],
            is_bad=metric_function in HIGHEST_IS_WORST,
        )
        if subgroups
        else metric_function(replace(selection, results=())).metric
    )
    adverse = tuple(
        reference
        for results in subgroups.values()
        for reference in metric_function(replace(selection, results=results)).adverse
    )
    return MeasuredMetric(metric=metric, adverse=adverse)


def _is_basis(selection: Selection, subgroup: Subgroup) -> bool:
    sources = selection.basis.sources
    return not sources or subgroup.source in sources


def parts_of(
    selection: Selection, measured: Iterable[tuple[Subgroup, MeasuredMetric]]
) -> tuple[Part, ...]:
    """Return the parts of a census: what was counted of each subgroup."""
    return tuple(
        Part(
            group=subgroup.label,
            source=subgroup.source,
            metric=one.metric,
            is_basis=_is_basis(selection, subgroup),
        )
        for subgroup, one in measured
    )


def _counted(selection: Selection, metric_function: MetricFunction) -> MeasuredMetric:
    """Return a count over all subgroups; its parts show what was covered."""
    measured = metric_function(selection)
    parts = [
        (subgroup, metric_function(replace(selection, results=results)))
        for subgroup, results in grouped(selection, _named(selection)).items()
    ]
    return replace(measured, metric=replace(measured.metric, parts=parts_of(selection, parts)))
