"""The evidence that a rate is not reached any more, gathered over several campaigns.

It is the e-process of ``harness.estimate.e_process``, which may be read after every campaign
without a larger risk of a false alarm. Each item counts once, when it is tried for the first time:
an item that is tried again is no new draw.
"""

from __future__ import annotations

from typing import NamedTuple

from harness.estimate.e_process import anytime_p_above, anytime_p_below
from harness.model.metric import Metric
from harness.model.metric_spec import spec_of
from harness.model.outcome import Outcome
from harness.model.scheme import Threshold


class Tally(NamedTuple):
    """How many independent items were tried, and how many failed (a part, if a domain has some)."""

    tested: int = 0
    missed: float = 0.0

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.tested + other.tested, self.missed + other.missed)


def tally_of(outcome: Outcome | None) -> Tally:
    """Count the items of an outcome that is a rate, in all parts together; nothing if it is none.

    Undecided items count as right, so that missing evidence never signals a failure.
    """
    total = Tally()
    for tally in tallies_by_part(outcome).values():
        total = total.plus(tally)
    return total


def tallies_by_part(outcome: Outcome | None) -> dict[str, Tally]:
    """Count the items of each part of an outcome that is a rate, by the part's name.

    The name is empty where the metric has no parts; a part of which nothing was decided is left
    out. Undecided items count as right.
    """
    threshold = outcome.requirement.threshold if outcome else None
    if outcome is None or threshold is None or not spec_of(outcome.metric.name).is_rate:
        return {}
    named = [(part.name, part.metric) for part in outcome.metric.parts] or [("", outcome.metric)]
    tallies: dict[str, Tally] = {}
    for name, metric in named:
        if metric.value is not None:
            tallies[name] = tallies.get(name, Tally()).plus(_counted(metric, threshold))
    return tallies


def _counted(metric: Metric, threshold: Threshold) -> Tally:
    """Count independent units: items, or domains with the share of their items (METHOD TQ-04)."""
    counts_right = threshold.at_least is not None
    if spread := metric.spread:
        missed = spread.tried - spread.most if counts_right else spread.least
        return Tally(spread.tried, missed)
    value = metric.value or 0.0
    wrong = 1 - value if counts_right else value
    # 1 - 31/60 is no exact number: half of 60 items must count as 30, not as a little less.
    return Tally(metric.n + metric.indeterminate, round(wrong * metric.n, 9))


def level_of_evidence(tally: Tally, threshold: Threshold | None) -> float:
    """Return the smallest level at which the e-process signals; 1 where it has nothing to say.

    A threshold of 0 or 1 allows no miss: each is seen without a statistic.
    """
    if threshold is None or not tally.tested:
        return 1.0
    tested, missed = tally
    if threshold.at_least is not None and 0 < threshold.at_least < 1:
        return anytime_p_below(tested - missed, tested, threshold.at_least)
    if threshold.at_most is not None and 0 < threshold.at_most < 1:
        return anytime_p_above(missed, tested, threshold.at_most)
    return 1.0
