"""Metrics of whole lines and profiles, taken of the kind of items that a requirement rests on.

Items of other kinds can only speak against the service: what is shown of one kind is not shown of
another, but a contradiction is one whatever it was found on.
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
    """Items that one trial found blocked and another open, of the kind of items asked about."""
    return _of_its_kind(selection, line_metrics.discordant)


def wrong_cells(selection: Selection) -> MeasuredMetric:
    """Cells of the policy that went wrong, of the kind of items asked about."""
    return _of_its_kind(selection, line_metrics.wrong_cells)


def superset_violations(selection: Selection) -> MeasuredMetric:
    """Items that a stricter profile lets through, of the kind of items asked about."""
    return _of_its_kind(selection, profiles.superset_violations)


def profiles_missing(selection: Selection) -> MeasuredMetric:
    """Of pupils and staff, those without a policy of their own, by the kind asked about."""
    return _of_its_kind(selection, profiles.profiles_missing)


def age_bands_missing(selection: Selection) -> MeasuredMetric:
    """Age bands without a policy of their own, by the kind of items asked about."""
    return _of_its_kind(selection, profiles.age_bands_missing)


def _of_its_kind(
    selection: Selection, metric_function: Callable[[Selection], MeasuredMetric]
) -> MeasuredMetric:
    """Taken of the items that the requirement rests on; another source counts if it is worse."""
    sources = sorted({selection.sources.of_pack(result.group.pack) for result in selection.results})
    if len(sources) < 2:  # noqa: PLR2004 - several
        return metric_function(selection)
    basis = set(selection.basis.sources)
    own = metric_function(_restricted(selection, basis))
    others = [metric_function(_restricted(selection, {one})) for one in sources if one not in basis]
    return max((own, *others), key=lambda one: one.metric.k if one.metric.n else 0)


def _restricted(selection: Selection, sources: set[Source]) -> Selection:
    """The same selection of items of these sources alone."""

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
