"""Specifications of the metrics of a service's log."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
LOG_METRICS = (
    MetricSpec(name="bypass_attempts_recorded", unit="share",
               counts="attempts to bypass the filter that the log shows",
               words="share of bypass attempts on record", verb="are on record",
               function="log_metrics:bypass_attempts_recorded", bounds="rate",
               counts_items=False),
    MetricSpec(name="events_recorded", unit="share",
               counts="requests for which the log says who, what, when and which computer",
               words="share of requests on record", verb="are on record",
               function="log_metrics:events_recorded", bounds="rate", counts_items=False,
               worst_of="requests with a mark of a test and without one"),
    MetricSpec(name="log_classes_covered", unit="share",
               counts="classes of requests that the log shows as what they are",
               words="classes of requests that the log shows", verb="are shown",
               function="log_metrics:log_classes_covered", counts_items=False),
    MetricSpec(name="log_events_lost", unit="items",
               counts="answered requests around a restart that the log does not show",
               words="requests lost from the log around a restart", verb="were lost",
               function="log_safekeeping:log_events_lost", counts_items=False),
    MetricSpec(name="log_visibility_delay", unit="s",
               counts="quantile of the time until an entry of the log can be seen",
               words="time until log entries can be seen",
               function="log_delays:log_visibility_delay", counts_items=False,
               worst_of="delay and clock"),
    MetricSpec(name="offline_events_wrong", unit="items",
               counts="requests without a connection that the log loses, doubles or redates",
               words="requests without a connection that are recorded wrongly",
               verb="are recorded wrongly", function="log_safekeeping:offline_events_wrong",
               counts_items=False, claimed="delivers_later"),
    MetricSpec(name="policy_changes_recorded", unit="share",
               counts="rules that the school changed that are on record with who, when and why",
               words="share of changed rules on record", verb="are on record",
               function="log_safekeeping:policy_changes_recorded", counts_items=False),
    MetricSpec(name="secrets_in_logs", unit="items",
               counts="invented secrets that the log holds",
               words="secrets in the log", verb="are in the log",
               function="log_metrics:secrets_in_logs", counts_items=False),
    MetricSpec(name="wrong_log_fields", unit="items",
               counts="recorded requests with a wrong field that may not be wrong",
               words="log entries with wrong fields", verb="have wrong fields",
               function="log_metrics:wrong_log_fields", counts_items=False,
               has_sampled_limit=True),
)
"""The metrics of logs that are implemented."""

# fmt: on
