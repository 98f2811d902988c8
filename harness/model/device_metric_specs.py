"""Specifications of the metrics of devices that carry their filter, or join filtered networks."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
MOMENT_METRICS = (
    MetricSpec(name="moment_leaks", unit="items",
               counts="harmful pages that came while a device started, woke up or changed its "
                      "network",
               words="harmful pages that came in an unfiltered moment", verb="came",
               function="moment_metrics:moment_leaks", counts_items=False),
)
"""The metrics of moments at which a device has no network for some time."""

# fmt: on
