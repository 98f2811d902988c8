"""Latency that the service adds: paired differences, service minus control, in seconds.

The unit is the pair of measurements made near in time, so the state of the network and of the
origin cancels; the quantile's bound is distribution-free.
"""

from __future__ import annotations

import math

from harness.model.metric import Metric
from harness.model.verdict import State
from harness.stages.estimate.intervals import Bounds, quantile_bounds
from harness.stages.estimate.rates import Taken
from harness.stages.estimate.scope import Selection

ORDERED = "order-statistic bound of the {quantile:g} quantile of paired differences"
MEDIAN = 0.5


def first_byte_overhead(selection: Selection) -> Taken:
    """A quantile of the time to first byte that the service adds; the worst probe stands.

    Only items that were allowed have a pair. Items whose trials were insufficient may have
    been slow beyond patience: they count as worst case on either side.
    """
    quantile = selection.measure.quantile or MEDIAN
    probes = selection.measure.probes
    ran = {probe for entry in selection.items for probe, _ in entry.seen}
    taken = [
        _of_probe(selection, probe, quantile)
        for probe in sorted(ran)
        if not probes or probe in probes
    ]
    return Taken(metric=max(taken, key=_severity) if taken else _nothing(selection, quantile))


def _of_probe(selection: Selection, probe: str, quantile: float) -> Metric:
    overheads: list[float] = []
    indeterminate = unpaired = 0
    for entry in selection.items:
        pairs = [service - control for of, service, control in entry.pairs if of == probe]
        overheads += pairs
        states = entry.states((probe,))
        indeterminate += State.INSUFFICIENT in states
        unpaired += bool(states) and not pairs and State.INSUFFICIENT not in states
    overheads.sort()
    bounds = quantile_bounds(overheads, quantile, selection.alpha, indeterminate)
    return _metric(selection, quantile, overheads, indeterminate, bounds, unpaired, probe)


def _metric(
    selection: Selection,
    quantile: float,
    overheads: list[float],
    indeterminate: int,
    bounds: Bounds,
    unpaired: int,
    probe: str,
) -> Metric:
    n = len(overheads)
    value = overheads[max(0, math.ceil(quantile * n) - 1)] if n else None
    method = ORDERED.format(quantile=quantile) + (f", probe {probe}" if probe else "")
    return Metric(
        name="first_byte_overhead",
        unit="s",
        value=value,
        k=n,
        n=n,
        indeterminate=indeterminate,
        lower=bounds.lower,
        upper=bounds.upper,
        method=method,
        alpha=selection.alpha,
        left_out={"not paired": unpaired} if unpaired else {},
    )


def _nothing(selection: Selection, quantile: float) -> Metric:
    return _metric(selection, quantile, [], 0, Bounds(None, None), 0, "")


def _severity(metric: Metric) -> tuple[bool, float, float]:
    """Unbounded is worse than any bound; then the larger bound, then the larger value."""
    upper = math.inf if metric.upper is None else metric.upper
    return (metric.n == 0, upper, -math.inf if metric.value is None else metric.value)
