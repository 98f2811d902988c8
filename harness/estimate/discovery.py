"""How soon a service categorises new harmful sites (UPD-03).

Canaries are new sites that become harmful, one after the other. Two quantiles of the time until
they are blocked have limits of their own; the worse one in proportion to its limit stands.
Conformity rests on canaries outside the canary zones alone
(``harness.model.timed_event.EventNote``): a supplier may look for new names in a zone that it knows
to be a tester's. A canary that was blocked before it became harmful is not counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from harness.estimate.item_selection import Selection
from harness.estimate.quantile_bounds import of_the_worse
from harness.estimate.rates import MeasuredMetric
from harness.estimate.waits import badness, delay_of, in_proportion, own_polls
from harness.model.metric import Metric, Part, Source
from harness.model.smallest_sample import MEDIAN
from harness.model.timed_event import Poll

DAY = 86_400.0
LATE, LATE_LIMIT = 0.9, 7 * DAY
"""The second quantile, and its limit in seconds (proposed by this project)."""
PLAIN, KNOWN = "sites in no zone of tests", "sites in the canary zones"
HIDDEN = Source("content", is_hidden=True)


class _Quantile(NamedTuple):
    """A quantile of the waits, and the limit of it in seconds."""

    words: str
    metric: Metric
    limit: float


def discovery_delay(selection: Selection) -> MeasuredMetric:
    """Compute the median time until new harmful sites are blocked, or the 90 % quantile if worse.

    It is the Kaplan-Meier estimate with the bounds of all waits; a canary that is not blocked yet
    is censored.
    """
    polls = own_polls(selection, "canary", "block")
    plain = [poll for poll in polls if poll.note.is_plain]
    others = [poll for poll in polls if not poll.note.is_plain]
    measured = _quantiles(selection, plain)
    worst = max(measured, key=lambda one: badness(one.metric, one.limit))
    limit = measured[0].limit
    scale = limit / worst.limit
    method = f"{worst.metric.method}; {worst.words}"
    if scale != 1:
        method += f", in proportion to its own limit ({worst.limit:g} s)"
    parts = [
        Part(group=f"{PLAIN}: {one.words}", source=HIDDEN, metric=one.metric) for one in measured
    ]
    if others:
        parts += [
            Part(group=f"{KNOWN}: {one.words}", source=HIDDEN, metric=one.metric, is_basis=False)
            for one in _quantiles(selection, others)
        ]
    metric = replace(
        in_proportion(worst.metric, scale),
        method=method,
        p_value=of_the_worse([one.metric for one in measured]),
        parts=tuple(parts),
    )
    return MeasuredMetric(metric=metric)


def _quantiles(selection: Selection, polls: list[Poll]) -> tuple[_Quantile, _Quantile]:
    limit = selection.at_most or DAY
    quantile = selection.measure.quantile or MEDIAN
    return (
        _Quantile(f"{quantile:g} quantile", _delay(selection, polls, quantile, limit), limit),
        _Quantile(f"{LATE:g} quantile", _delay(selection, polls, LATE, LATE_LIMIT), LATE_LIMIT),
    )


def _delay(selection: Selection, polls: list[Poll], quantile: float, limit: float) -> Metric:
    return delay_of(selection, "discovery_delay", polls, quantile, limit=limit)
