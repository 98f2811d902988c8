"""Specifications of the metrics of a service's alerts."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
ALERT_METRICS = (
    MetricSpec(name="alert_delay", unit="s",
               counts="quantile of the time until an urgent alert reaches the right person",
               words="time until urgent alerts reach the right person",
               function="alert_metrics:alert_delay", counts_items=False),
    MetricSpec(name="alert_escalation_delay", unit="s",
               counts="quantile of the time until the next contact is notified out of hours",
               words="time until the next contact is notified out of hours",
               function="alert_metrics:alert_escalation_delay", counts_items=False),
    MetricSpec(name="alert_recall", unit="share",
               counts="worrying sessions that raised an alert",
               words="share of worrying sessions with an alert", verb="raised an alert",
               function="alert_metrics:alert_recall", bounds="rate", counts_items=False,
               worst_of="category"),
    MetricSpec(name="drift_alerts", unit="share",
               counts="settings that drifted and of which the operator was notified within a day",
               words="share of drifting settings that were reported", verb="were reported",
               function="operator_alerts:drift_alerts", counts_items=False),
    MetricSpec(name="false_alerts", unit="share",
               counts="harmless sessions that raised an alert",
               words="share of harmless sessions with an alert", verb="raised an alert",
               function="alert_metrics:false_alerts", bounds="rate", counts_items=False),
    MetricSpec(name="outage_alerts", unit="share",
               counts="outages of the filter of which the operator was notified within an hour",
               words="share of outages that were reported", verb="were reported",
               function="operator_alerts:outage_alerts", counts_items=False),
    MetricSpec(name="report_mismatches", unit="items",
               counts="categories for which a regular report does not name what happened",
               words="categories that a report counts wrongly", verb="are counted wrongly",
               function="operator_alerts:report_mismatches", counts_items=False),
    MetricSpec(name="worst_alert_recall", unit="share",
               counts="worrying sessions of the worst category, language and kind of device that "
                      "raised an alert",
               words="share of worrying sessions with an alert, in the worst cell",
               verb="raised an alert", function="alert_metrics:worst_alert_recall", bounds="rate",
               counts_items=False,
               worst_of="category, language and kind of device"),
)
"""The metrics of alerts that are implemented."""

# fmt: on
