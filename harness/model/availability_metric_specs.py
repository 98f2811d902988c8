"""Specifications of the metrics of outages, faults and failovers."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
AVAILABILITY_METRICS = (
    MetricSpec(name="availability", unit="share",
               counts="time in which the service was up and filtered",
               words="share of time in which the service was up and filtered",
               verb="show it up and filtering",
               function="availability_metrics:availability", counts_items=False),
    MetricSpec(name="failover_leaks", unit="items",
               counts="harmful pages that came when the main connection failed, late failovers, "
                      "and backup connections of the same type",
               words="faults of the backup line", verb="went wrong",
               function="fault_metrics:failover_leaks", counts_items=False),
    MetricSpec(name="fault_leaks", unit="items",
               counts="harmful pages that came while a fault lasted",
               words="harmful pages that came in a fault", verb="came",
               function="fault_metrics:fault_leaks", counts_items=False),
)
"""The metrics of availability that are implemented."""

# fmt: on
