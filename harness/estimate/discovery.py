"""How soon a service categorises new harmful sites (UPD-03).

Canaries are new sites that become harmful, one after the other. Two quantiles of the time until
they are blocked have limits of their own; the worse one in proportion to its limit stands.
Conformity rests on canaries outside the canary zones alone
(``harness.model.timed_event.EventNote``): a supplier may look for new names in a zone that it knows
to be a tester's. A canary that was blocked before it became harmful is not counted.
"""

from __future__ import annotations

from dataclasses import replace

from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.item_selection import Selection
from harness.estimate.rates import MeasuredMetric
from harness.estimate.waits import delay_of, own_polls
from harness.model.metric import Part, Source
from harness.model.smallest_sample import MEDIAN
from harness.model.timed_event import Poll

DAY = 86_400.0
LATE, LATE_LIMIT = 0.9, 7 * DAY
"""The second quantile, and its limit in seconds (proposed by this project)."""
PLAIN, KNOWN = "sites in no zone of tests", "sites in the canary zones"
HIDDEN = Source("content", is_hidden=True)


def discovery_delay(selection: Selection) -> MeasuredMetric:
    """Compute the median time until new harmful sites are blocked, or the 90 % quantile if worse.

    It is the Kaplan-Meier estimate with the bounds of all waits; a canary that is not blocked yet
    is censored.
    """
    polls = own_polls(selection, "canary", "block")
    plain = [poll for poll in polls if poll.note.is_plain]
    others = [poll for poll in polls if not poll.note.is_plain]
    metric = worst_of_groups(selection, _quantiles(selection, PLAIN, plain))
    known = tuple(
        Part(group=one.label, source=HIDDEN, metric=one.measure(selection), is_basis=False)
        for one in _quantiles(selection, KNOWN, others)
        if others
    )
    return MeasuredMetric(metric=replace(metric, parts=metric.parts + known))


def _quantiles(selection: Selection, sites: str, polls: list[Poll]) -> list[Group]:
    """Both quantiles of the waits of some sites, each with its limit."""
    middle = selection.measure.quantile or MEDIAN
    limits = {middle: selection.at_most or DAY, LATE: LATE_LIMIT}

    def group(quantile: float, limit: float) -> Group:
        return Group(
            label=f"{sites}: {quantile:g} quantile",
            source=HIDDEN,
            limit=limit,
            measure=lambda at: delay_of(at, polls, quantile, limit),
        )

    return [group(*each) for each in limits.items()]
