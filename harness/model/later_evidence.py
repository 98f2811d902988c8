"""Metrics whose evidence comes from other commands than ``accredit measure``.

A re-test of such a requirement is a new campaign: there are no items to try again.
"""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

_WAITS = "it rests on events, which measuring does not poll", "poll them with accredit watch"
_LOG = (
    "it rests on the service's own log, which measuring does not read",
    "use accredit log send, then accredit log import",
)
_ALERTS = (
    "it rests on alerts, which measuring does not receive",
    "use accredit alerts send, receive and import",
)
_MAIL = (
    "it rests on mail, which measuring does not send",
    "use accredit mail send, receive and import",
)
_AVAILABILITY = (
    "it rests on checks at random moments, which measuring does not make",
    "use accredit availability check, fault and failover",
)
_MOMENTS = (
    "it rests on checks while a device changes its network, which measuring does not make",
    "use accredit device moment",
)
_PEOPLE = (
    "it rests on what people state of documents and records, which measuring does not ask",
    "use accredit assess",
)
_SPEED = (
    "it rests on transfers that measure speed, which measuring does not make",
    "use accredit speed",
)
_BY_MODULE = {
    "alert_metrics": _ALERTS,
    "discovery": _WAITS,
    "waits": _WAITS,
    "availability_metrics": _AVAILABILITY,
    "fault_metrics": _AVAILABILITY,
    "log_delays": _LOG,
    "log_metrics": _LOG,
    "log_safekeeping": _LOG,
    "mail_delivery": _MAIL,
    "mail_metrics": _MAIL,
    "moment_metrics": _MOMENTS,
    "operator_alerts": _ALERTS,
    "people_metrics": _PEOPLE,
    "load_metrics": _SPEED,
    "speed_metrics": _SPEED,
}


def later_evidence(spec: MetricSpec) -> tuple[str, str] | None:
    """Why measuring alone cannot decide a metric, and a remedy; ``None`` if it can."""
    return _BY_MODULE.get(spec.function.partition(":")[0])
