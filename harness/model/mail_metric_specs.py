"""Specifications of the metrics of a service's mail."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
MAIL_METRICS = (
    MetricSpec(name="infected_mail_passed", unit="items",
               counts="infected attachments that arrived in a mailbox",
               words="infected attachments that arrived", verb="arrived",
               function="mail_metrics:infected_mail_passed", counts_items=False),
    MetricSpec(name="mail_delivery_delay", unit="s",
               counts="quantile of the time until legitimate mail arrives",
               words="time until mail arrives", function="mail_delivery:mail_delivery_delay",
               counts_items=False),
    MetricSpec(name="mail_false_positives", unit="share",
               counts="legitimate mails that did not arrive, or were marked as spam",
               words="share of legitimate mail held back", verb="were held back",
               function="mail_metrics:mail_false_positives", bounds="rate", counts_items=False),
    MetricSpec(name="mail_policy_compliance", unit="share",
               counts="mails with agreed words or images, and of a restricted account, handled as "
                      "the policy says",
               words="share of mail handled as the policy says", verb="were handled so",
               function="mail_metrics:mail_policy_compliance", counts_items=False),
    MetricSpec(name="spam_score", unit="share",
               counts="share of spam that was stopped or marked, less three times the share of "
                      "legitimate mail that was held back",
               words="spam stopped, less three times legitimate mail held back",
               function="mail_metrics:spam_score", counts_items=False),
)
"""The metrics of mail that are implemented."""

# fmt: on
