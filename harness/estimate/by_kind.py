"""Metrics of lines and profiles, restricted to the kind of items a requirement rests on.

The metric is computed from the items of that kind. It is also computed for each other source of
items (kind, known or hidden), and the worst of these results stands: evidence from another kind
cannot show conformity, but a contradiction counts wherever it occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from harness.estimate import line_metrics, profiles
from harness.estimate.item_selection import ProfileSelection, Selection
from harness.estimate.outcome_groups import GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.model.metric import Source


def discordant(selection: Selection) -> MeasuredMetric:
    """Count items that one probe found blocked and another allowed (see ``line_metrics``)."""
    return _of_its_kind(selection, line_metrics.discordant)


def wrong_cells(selection: Selection) -> MeasuredMetric:
    """Count policy cells (a category for a profile) handled against the policy."""
    return _of_its_kind(selection, line_metrics.wrong_cells)


def superset_violations(selection: Selection) -> MeasuredMetric:
    """Count items that a stricter profile allows and a weaker one blocks."""
    return _of_its_kind(selection, profiles.superset_violations)


def profiles_missing(selection: Selection) -> MeasuredMetric:
    """Count which of pupils and staff have no policy of their own."""
    return _of_its_kind(selection, profiles.profiles_missing)


def age_bands_missing(selection: Selection) -> MeasuredMetric:
    """Count the age bands that have no policy of their own."""
    return _of_its_kind(selection, profiles.age_bands_missing)


def _of_its_kind(
    selection: Selection, metric_function: Callable[[Selection], MeasuredMetric]
) -> MeasuredMetric:
    """Compute the metric for the required sources, and return a worse result of any other."""
    sources = sorted({selection.sources.of_pack(result.group.pack) for result in selection.results})
    if len(sources) < 2:  # noqa: PLR2004 - several
        return metric_function(selection)
    basis = set(selection.basis.sources)
    own = metric_function(_restricted(selection, basis))
    others = [metric_function(_restricted(selection, {one})) for one in sources if one not in basis]
    return max((own, *others), key=lambda one: one.metric.k if one.metric.n else 0)


def _restricted(selection: Selection, sources: set[Source]) -> Selection:
    """Return the selection restricted to items of these sources."""

    def kept(results: Iterable[GroupResult]) -> tuple[GroupResult, ...]:
        return tuple(
            result for result in results if selection.sources.of_pack(result.group.pack) in sources
        )

    def profile_selections() -> tuple[ProfileSelection, ...]:
        return tuple(
            replace(profile_selection, results=kept(profile_selection.results))
            for profile_selection in selection.profile_selections()
        )

    return replace(
        selection, results=kept(selection.results), profile_selections=profile_selections
    )
