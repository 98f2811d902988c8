"""Whether a service treats test items as it treats users: items and their plain twins (TQ-10).

``pupil_difference`` is the metric, ``same_treatment`` the precondition that applies it to every
outcome.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from harness.estimate.distributions import binomial_cdf
from harness.estimate.intervals import clopper_pearson, worst_case
from harness.estimate.item_selection import Selection
from harness.estimate.rates import MeasuredMetric
from harness.model.metric import Metric
from harness.model.outcome import Precondition
from harness.model.plain_twin import TwinPair
from harness.model.probe import declared
from harness.model.scheme import Expectation
from harness.model.verdict import DELIVERED, State

SAME_FOR_PUPILS = "same-for-pupils"
"""Precondition: the test is not favoured beyond chance. If it fails, nothing conforms."""

REMEDY = "were the twins of agreed names loaded, as accredit corpus export --origin writes them?"
"""First check for the reader: the twins must be loaded as the agreed names are."""

MOST_OPEN = 0.05
"""The share of twins that may stay undecided; proposed by this project, as the limit of TQ-10.

A service that shows pupils what cannot be judged is not seen to treat them as it treats the test.
"""

BLOCKED, DOWN = State.BLOCKED.value, State.DOWN.value


_Place = tuple[str, str, str]
"""Probe, line and profile."""


class _Compared(NamedTuple):
    """Counts of pairs; ``favoured`` were blocked as a test item and let through as a twin."""

    favoured: int
    decided: int
    doubtful: int


def pupil_difference(selection: Selection) -> MeasuredMetric:
    """Bound the share of must-block items that are blocked for the test alone.

    The result is that of the probe with the largest upper bound. An undecided twin of a blocked
    item is indeterminate; pairs whose item is undecided are left out, and those whose twin the
    control did not get either.
    """
    wanted = [one for one in selection.twins if selection.expects(one.category) == "block"]
    probes_run = sorted(
        one for one in selection.probes_run if declared(selection.probes, one).has_twins
    )
    alpha = selection.alpha
    compared = {
        probe: _compared(one for one in wanted if one.probe == probe) for probe in probes_run
    }
    measured = [_metric(probe, found, alpha) for probe, found in compared.items()]
    worst = max(measured, key=_largest_bound, default=_metric("", _Compared(0, 0, 0), alpha))
    return MeasuredMetric(metric=worst)


def same_treatment(
    twins: Iterable[TwinPair],
    expects: Callable[[str, str], Expectation | None],
    phases: Mapping[str, str],
    alpha: float,
) -> tuple[Precondition, ...]:
    """Return a precondition that fails if items are blocked more often than their twins.

    It uses the one-sided exact McNemar test of each line, profile and probe, at ``alpha`` over all
    of them (Bonferroni), on pairs that are decided both times. It fails as well, without saying
    that the test is recognised, where surely more than ``MOST_OPEN`` of the twins of blocked items
    stay undecided. ``expects`` is the policy's expectation of a category and phase; ``phases`` maps
    profiles to phases. The result is empty if no twin was tried.
    """
    by_place: defaultdict[tuple[str, str, str], list[TwinPair]] = defaultdict(list)
    for one in twins:
        if expects(one.category, phases.get(one.profile, one.profile)) == "block":
            by_place[one.probe, one.line, one.profile].append(one)
    if not by_place:
        return ()
    level = alpha / len(by_place)
    places = sorted(by_place.items())
    favours = [words for place, pairs in places if (words := _favour(place, pairs, level))]
    doubts = [words for place, pairs in places if (words := _doubt(place, pairs, level))]
    if favours:
        detail = f"the service may recognise the test: {'; '.join(favours)}; {REMEDY}"
    elif doubts:
        detail = f"whether pupils are treated as the test is could not be told: {'; '.join(doubts)}"
    else:
        number = sum(map(len, by_place.values()))
        detail = f"{number} items were also tried as a pupil would; they did not get through more"
    return (
        Precondition(
            name=SAME_FOR_PUPILS,
            line="*",
            profile="*",
            held=not favours and not doubts,
            detail=detail,
            voids=True,
        ),
    )


def _favour(place: _Place, pairs: Iterable[TwinPair], level: float) -> str:
    """How surely testers are favoured, in words; empty if it may be chance."""
    both = [one for one in pairs if _is_decided(one.tested) and _is_decided(one.plain)]
    favoured = sum(one.tested == BLOCKED != one.plain for one in both)
    other_way = sum(one.plain == BLOCKED != one.tested for one in both)
    p_value = p_of_favour(favoured, other_way)
    if p_value > level:
        return ""
    return (
        f"{_at(place)}: {favoured} of {len(both)} items were blocked for the test but not for a "
        f"pupil, {other_way} the other way round (p = {p_value:.2g})"
    )


def _doubt(place: _Place, pairs: Iterable[TwinPair], level: float) -> str:
    """How many twins of blocked items stay undecided, in words; empty if it may be few."""
    blocked = [one for one in pairs if one.tested == BLOCKED and one.plain != DOWN]
    doubtful = sum(not _is_decided(one.plain) for one in blocked)
    if (clopper_pearson(doubtful, len(blocked), level).lower or 0.0) <= MOST_OPEN:
        return ""
    return f"{_at(place)}: the twins of {doubtful} of {len(blocked)} blocked items are undecided"


def _at(place: _Place) -> str:
    probe, line, profile = place
    return f"{probe} on {line} for {profile}"


def p_of_favour(favoured: int, other_way: int) -> float:
    """Return the one-sided exact McNemar p-value of at least so many favoured pairs.

    McNemar, Psychometrika 12 (1947) 153-157: under the null hypothesis the number of favoured pairs
    is binomial with probability 1/2.
    """
    return binomial_cdf(other_way, favoured + other_way, 0.5)


def _compared(pairs: Iterable[TwinPair]) -> _Compared:
    favoured = decided = doubtful = 0
    for one in pairs:
        if not _is_decided(one.tested):
            continue
        if _is_decided(one.plain):
            decided += 1
            favoured += one.tested == BLOCKED and one.plain in DELIVERED
        elif one.tested == BLOCKED and one.plain != DOWN:
            doubtful += 1
    return _Compared(favoured, decided, doubtful)


def _is_decided(state: str) -> bool:
    return state == BLOCKED or state in DELIVERED


def _metric(probe: str, found: _Compared, alpha: float) -> Metric:
    k, n, doubtful = found
    bounds = worst_case(k, n, doubtful, alpha)
    by = f", by {probe}, which shows least" if probe else ""
    return Metric(
        name="pupil_difference",
        unit="share",
        value=k / n if n else None,
        k=k,
        n=n,
        indeterminate=doubtful,
        lower=clopper_pearson(k, n, alpha).lower,
        upper=bounds.upper,
        method=f"exact upper bound (Clopper-Pearson) of paired trials{by}",
        alpha=alpha,
    )


def _largest_bound(metric: Metric) -> tuple[float, int]:
    return (1.0 if metric.upper is None else metric.upper, -metric.n)
