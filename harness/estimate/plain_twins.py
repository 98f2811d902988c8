"""Whether a service treats test items as it treats users: items and their plain twins (TQ-10).

``pupil_difference`` is the metric, ``same_treatment`` the precondition that applies it to every
outcome.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from scipy import special

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

BLOCKED, DOWN = State.BLOCKED.value, State.DOWN.value


class _Compared(NamedTuple):
    """Counts of pairs; ``favoured`` were blocked as a test item and let through as a twin."""

    favoured: int
    decided: int
    doubtful: int


def pupil_difference(selection: Selection) -> MeasuredMetric:
    """Bound the share of must-block items that are blocked for the test alone.

    The result is that of the probe with the largest upper bound. An undecided twin of a blocked
    item is indeterminate; pairs whose item is undecided are left out.
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
    of them (Bonferroni). An undecided twin counts as not blocked. ``expects`` is the policy's
    expectation of a category and phase; ``phases`` maps profiles to phases. The result is empty if
    no twin was tried.
    """
    by_place: defaultdict[tuple[str, str, str], list[TwinPair]] = defaultdict(list)
    for one in twins:
        if expects(one.category, phases.get(one.profile, one.profile)) == "block":
            by_place[one.probe, one.line, one.profile].append(one)
    if not by_place:
        return ()
    findings = []
    for (probe, line, profile), pairs in sorted(by_place.items()):
        both = [one for one in pairs if _is_decided(one.tested) and one.plain != DOWN]
        favoured = sum(one.tested == BLOCKED != one.plain for one in both)
        other_way = sum(one.plain == BLOCKED != one.tested for one in both)
        p_value = p_of_favour(favoured, other_way)
        if p_value * len(by_place) <= alpha:
            findings.append(
                f"{probe} on {line} for {profile}: {favoured} of {len(both)} items were blocked "
                f"for the test but not for a pupil, {other_way} the other way round "
                f"(p = {p_value:.2g})"
            )
    detail = f"the service may recognise the test: {'; '.join(findings)}; {REMEDY}"
    if not findings:
        number = sum(map(len, by_place.values()))
        detail = f"{number} items were also tried as a pupil would; they did not get through more"
    return (
        Precondition(
            name=SAME_FOR_PUPILS,
            line="*",
            profile="*",
            held=not findings,
            detail=detail,
            voids=True,
        ),
    )


def p_of_favour(favoured: int, other_way: int) -> float:
    """Return the one-sided exact McNemar p-value of at least so many favoured pairs.

    McNemar, Psychometrika 12 (1947) 153-157: under the null hypothesis the number of favoured pairs
    is binomial with probability 1/2.
    """
    return float(special.bdtr(other_way, favoured + other_way, 0.5))


def _compared(pairs: Iterable[TwinPair]) -> _Compared:
    favoured = decided = doubtful = 0
    for one in pairs:
        if not _is_decided(one.tested):
            continue
        if _is_decided(one.plain):
            decided += 1
            favoured += one.tested == BLOCKED and one.plain in DELIVERED
        elif one.tested == BLOCKED:
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
        value=bounds.upper,
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
