"""Specifications of the metrics of TLS and its interception."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
TLS_METRICS = (
    MetricSpec(name="bad_certificates_accepted", unit="items",
               counts="faults of websites' certificates that were hidden from the user",
               words="faulty certificates that are hidden", verb="were hidden",
               function="tls_metrics:bad_certificates_accepted", counts_items=False,
               needs_probe="tls_checks"),
    MetricSpec(name="certificate_errors_conveyed", unit="share",
               counts="faults of websites' certificates of which the user is told",
               words="share of certificate errors that users are told of", verb="were told of",
               function="tls_metrics:certificate_errors_conveyed", bounds="observed",
               counts_items=False, needs_probe="tls_checks"),
    MetricSpec(name="interception_failures", unit="share",
               counts="allowed services that fail with the service and work without it",
               words="share of allowed services that interception breaks", verb="failed",
               function="tls_metrics:interception_failures", bounds="rate", counts_items=False,
               needs_probe="tls_checks"),
    MetricSpec(name="interception_grade", unit="grade",
               counts="quality of interception, A = 1 to F = 6, after Durumeric et al. 2017",
               words="grade of interception",
               function="tls_grade:interception_grade", counts_items=False,
               needs_probe="tls_checks"),
    MetricSpec(name="no_decrypt_compliance", unit="share",
               counts="sites of the declared list whose connections are not opened",
               words="share of listed sites that are not decrypted", verb="were not decrypted",
               function="tls_metrics:no_decrypt_compliance", bounds="observed",
               counts_items=False, needs_probe="tls_checks"),
    MetricSpec(name="tls_downgrades", unit="items",
               counts="properties of TLS to the client that are weaker than without the service",
               words="properties of TLS that are weakened", verb="are weakened",
               function="tls_metrics:tls_downgrades", counts_items=False,
               needs_probe="tls_checks"),
    MetricSpec(name="weak_crypto_accepted", unit="items",
               counts="kinds of weak encryption that the service accepts from websites",
               words="kinds of weak encryption that are accepted", verb="were accepted",
               function="tls_metrics:weak_crypto_accepted", counts_items=False,
               needs_probe="tls_checks"),
)
"""The metrics of TLS that are implemented."""
# fmt: on
