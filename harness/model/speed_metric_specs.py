"""Specifications of the metrics of a service's speed."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
SPEED_METRICS = (
    MetricSpec(name="bandwidth_reached", unit="share",
               counts="samples that reach the declared bandwidth, of the worse direction",
               words="share of samples that reach the bandwidth", verb="reached the bandwidth",
               function="speed_metrics:bandwidth_reached", bounds="rate", counts_items=False,
               worst_of="direction"),
    MetricSpec(name="delay_variation", unit="s",
               counts="quantile of the delay variation of short requests, or the share of lost "
                      "ones in proportion to its own limit",
               words="delay variation and loss of short requests",
               function="speed_metrics:delay_variation", counts_items=False,
               worst_of="variation and loss"),
    MetricSpec(name="failed_transactions", unit="share",
               counts="transfers that failed over the service alone",
               words="share of transfers that failed", verb="failed",
               function="speed_metrics:failed_transactions", bounds="rate", counts_items=False),
    MetricSpec(name="load_deviation", unit="share",
               counts="deviation of the rate in parts of a load, and of its connections",
               words="unsteadiness under load", function="load_metrics:load_deviation",
               bounds="observed", counts_items=False),
    MetricSpec(name="peak_block_rate_loss", unit="share",
               counts="items blocked on the idle line that are open under load",
               words="share of blocked items that are open under load", verb="were open under load",
               function="load_metrics:peak_block_rate_loss", bounds="rate", counts_items=False),
    MetricSpec(name="responsiveness", unit="rpm",
               counts="round trips per minute of new connections under load",
               words="responsiveness under load", function="load_metrics:responsiveness",
               bounds="observed", counts_items=False),
    MetricSpec(name="throughput_loss", unit="share",
               counts="paired loss of throughput against the control line, of the worst form of "
                      "transfer",
               words="loss of throughput", function="speed_metrics:throughput_loss",
               bounds="median", counts_items=False,
               worst_of="form of transfer"),
)
"""The metrics of speed that are implemented."""

# fmt: on
