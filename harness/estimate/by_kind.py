"""Metrics of whole lines and profiles, taken of the kind of items that a requirement rests on.

Items of other kinds can only speak against the service: what is shown of one kind is not shown of
another, but a contradiction is one whatever it was found on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from harness.estimate import line_metrics, profiles
from harness.estimate.item_selection import Selection, Side
from harness.estimate.outcome_groups import Lot
from harness.estimate.rates import Taken
from harness.model.metric import Source


def discordant(selection: Selection) -> Taken:
    """Items that one trial found blocked and another open, of the kind of items asked about."""
    return _of_its_kind(selection, line_metrics.discordant)


def wrong_cells(selection: Selection) -> Taken:
    """Cells of the policy that went wrong, of the kind of items asked about."""
    return _of_its_kind(selection, line_metrics.wrong_cells)


def superset_violations(selection: Selection) -> Taken:
    """Items that a stricter profile lets through, of the kind of items asked about."""
    return _of_its_kind(selection, profiles.superset_violations)


def profiles_missing(selection: Selection) -> Taken:
    """Of pupils and staff, those without a policy of their own, by the kind asked about."""
    return _of_its_kind(selection, profiles.profiles_missing)


def age_bands_missing(selection: Selection) -> Taken:
    """Age bands without a policy of their own, by the kind of items asked about."""
    return _of_its_kind(selection, profiles.age_bands_missing)


def _of_its_kind(selection: Selection, take: Callable[[Selection], Taken]) -> Taken:
    """Taken of the items that the requirement rests on; another source counts if it is worse."""
    sources = sorted({selection.sources.of(lot.fate.pack) for lot in selection.lots})
    if len(sources) < 2:  # noqa: PLR2004 - several
        return take(selection)
    basis = set(selection.basis.sources)
    own = take(_restricted(selection, basis))
    others = [take(_restricted(selection, {one})) for one in sources if one not in basis]
    return max((own, *others), key=lambda one: one.metric.k if one.metric.n else 0)


def _restricted(selection: Selection, sources: set[Source]) -> Selection:
    """The same selection of items of these sources alone."""

    def kept(lots: Iterable[Lot]) -> tuple[Lot, ...]:
        return tuple(lot for lot in lots if selection.sources.of(lot.fate.pack) in sources)

    def sides() -> tuple[Side, ...]:
        return tuple(replace(side, lots=kept(side.lots)) for side in selection.sides())

    return replace(selection, lots=kept(selection.lots), sides=sides)
