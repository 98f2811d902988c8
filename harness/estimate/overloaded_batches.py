"""What an overloaded tester means for metrics about time.

Judging leaves out what was timed in overloaded batches (``harness.model.tester_load``). If too
little is left, the metric decides nothing. If our own program was what was overloaded, a service
may have brought that about, so nothing favourable follows from the batches that are left.
"""

from __future__ import annotations

from dataclasses import replace

from harness.estimate.item_selection import Selection
from harness.estimate.rates import MeasuredMetric
from harness.model.condition import Condition
from harness.model.tester_load import TIMED

OVERLOADED = "the tester was overloaded"
IS_QUIET = "the tester's own program kept up in all batches"


def without_overload(measured: MeasuredMetric, selection: Selection) -> MeasuredMetric:
    """Return a metric with what it leaves out, and barred if too little is left of it."""
    kind = TIMED.get(measured.metric.name)
    load = selection.records.load.beside(kind) if kind is not None else None
    worst = load.worst if load is not None else None
    if load is None or worst is None or not worst.is_overloaded:
        return measured
    said = (
        f"{OVERLOADED} in {len(load.overloaded)} of {len(load.batches)} batches: in batch "
        f"{worst.batch} it {worst.words}"
    )
    metric = replace(measured.metric, method=f"{measured.metric.method}; left out, because {said}")
    enough = max(selection.requirement.n_min, 1)
    conditions = measured.conditions
    slow = [one for one in load.batches if one.is_too_slow]
    if slow:
        detail = f"batch {slow[0].batch}: it {slow[0].words}"
        conditions = (*conditions, Condition(name=IS_QUIET, held=None, detail=detail))
    return replace(
        measured,
        metric=metric,
        barred=said if metric.n < enough else measured.barred,
        conditions=conditions,
    )
