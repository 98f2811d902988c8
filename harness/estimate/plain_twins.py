"""Whether a service treats the test as it treats pupils: items beside their plain twins (TQ-10)."""

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
"""The precondition that testers are not favoured beyond chance; without it nothing conforms."""

REMEDY = "were the twins of agreed names loaded, as accredit corpus export --origin writes them?"
"""What to ask first: a service that was never told of the twins cannot block them."""

CAME = frozenset(one.value for one in DELIVERED)
BLOCKED, DOWN = State.BLOCKED.value, State.DOWN.value


class _Compared(NamedTuple):
    """What became of pairs: ``favoured`` were blocked for the test and let through to a pupil."""

    favoured: int
    decided: int
    doubtful: int


def pupil_difference(selection: Selection) -> MeasuredMetric:
    """The largest share of must-block items that may be blocked for the test alone.

    Of the probes that twins are tried by, the one that shows least stands for all. A twin that is
    undecided beside a blocked item is doubtful; an item that is itself undecided says nothing.
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
    worst = max(measured, key=_shows_least, default=_metric("", _Compared(0, 0, 0), alpha))
    return MeasuredMetric(metric=worst)


def same_treatment(
    twins: Iterable[TwinPair],
    expects: Callable[[str, str], Expectation | None],
    phases: Mapping[str, str],
    alpha: float,
) -> tuple[Precondition, ...]:
    """One that fails if by any line and probe items are blocked more often than twins.

    By the exact McNemar test, one-sided, of each line, profile and probe, at ``alpha`` over all of
    them (Bonferroni). A twin that is undecided was not blocked. ``expects`` is the policy's, of a
    category and a phase; ``phases`` are those of the profiles. None where no twin was tried.
    """
    places: defaultdict[tuple[str, str, str], list[TwinPair]] = defaultdict(list)
    for one in twins:
        if expects(one.category, phases.get(one.profile, one.profile)) == "block":
            places[one.probe, one.line, one.profile].append(one)
    if not places:
        return ()
    told = []
    for (probe, line, profile), pairs in sorted(places.items()):
        both = [one for one in pairs if _is_decided(one.tested) and one.plain != DOWN]
        favoured = sum(one.tested == BLOCKED != one.plain for one in both)
        other_way = sum(one.plain == BLOCKED != one.tested for one in both)
        p_value = p_of_favour(favoured, other_way)
        if p_value * len(places) <= alpha:
            told.append(
                f"{probe} on {line} for {profile}: {favoured} of {len(both)} items were blocked "
                f"for the test and not seen to be for a pupil, {other_way} the other way "
                f"(p = {p_value:.2g})"
            )
    detail = f"the service may recognise the test: {'; '.join(told)}; {REMEDY}"
    if not told:
        number = sum(map(len, places.values()))
        detail = f"{number} items were also tried as a pupil would, and were not let through more"
    return (
        Precondition(
            name=SAME_FOR_PUPILS, line="*", profile="*", held=not told, detail=detail, voids=True
        ),
    )


def p_of_favour(favoured: int, other_way: int) -> float:
    """The exact McNemar test, one-sided: the chance of so many favoured pairs without a favour.

    McNemar, Psychometrika 12 (1947) 153-157: discordant pairs then fall either way like a coin.
    """
    return float(special.bdtr(other_way, favoured + other_way, 0.5))


def _compared(pairs: Iterable[TwinPair]) -> _Compared:
    favoured = decided = doubtful = 0
    for one in pairs:
        if not _is_decided(one.tested):
            continue
        if _is_decided(one.plain):
            decided += 1
            favoured += one.tested == BLOCKED and one.plain in CAME
        elif one.tested == BLOCKED:
            doubtful += 1
    return _Compared(favoured, decided, doubtful)


def _is_decided(state: str) -> bool:
    return state == BLOCKED or state in CAME


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


def _shows_least(metric: Metric) -> tuple[float, int]:
    return (1.0 if metric.upper is None else metric.upper, -metric.n)
