"""The evidence that a rate is not reached any more, gathered over several campaigns.

It is the e-process of ``harness.estimate.interval_choice``, which may be read after every campaign
without a larger risk of a false alarm. Each item counts once, when it is tried for the first time:
an item that is tried again is no new draw.
"""

from __future__ import annotations

from typing import NamedTuple

from harness.estimate.interval_choice import anytime_p_above, anytime_p_below
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
    """Count the items of an outcome that is a rate; nothing if it is none.

    Undecided items count as right, so that missing evidence never signals a failure.
    """
    threshold = outcome.requirement.threshold if outcome else None
    if outcome is None or threshold is None or not spec_of(outcome.metric.name).is_rate:
        return Tally()
    total = Tally()
    for metric in [part.metric for part in outcome.metric.parts] or [outcome.metric]:
        total = total.plus(_counted(metric, threshold))
    return total


def _counted(metric: Metric, threshold: Threshold) -> Tally:
    if metric.value is None:
        return Tally()
    wrong = metric.value if threshold.at_least is None else 1 - metric.value
    return Tally(metric.counted + metric.indeterminate, wrong * metric.counted)


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
