"""``/metrics`` for Prometheus: supplier, category and vantage as labels, never a URL.

The vantage is the site where was measured, or the line where no site is named. All figures are
those of the newest campaign. The names of metrics are in ``METRICS``, for the test of the Grafana
dashboard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Protocol

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.export_rows import Newest, count_by_service, newest_of_each
from harness.store.hub.repository import Repository
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.agent_api import RequestLine
from reports.dashboard.campaign_bodies import CampaignBody, read_campaign
from reports.dashboard.campaign_reading import supplier_name
from reports.dashboard.follow_up_facts import ALARM, ESCALATED, OPEN, PLAN

PATH = "/metrics"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

METRICS = {
    "accredit_items": "Items of the newest campaign by what happened to them.",
    "accredit_campaign_state": "1 for the state of the newest campaign by a scheme.",
    "accredit_last_measured_timestamp_seconds": "When the newest campaign was measured.",
    "accredit_observations": "Observations of the newest campaign.",
    "accredit_open_plans": "Action plans that have not ended.",
    "accredit_open_alarms": "Alarms that no re-test has decided.",
    "accredit_agents": "Agents of sites by their state.",
    "accredit_http_requests_total": "Requests by method and status.",
    "accredit_http_request_seconds": "Seconds until a request was answered.",
}
"""The metrics and what they tell."""


class AgentCounts(Protocol):
    """How many agents are in each state."""

    def __call__(self) -> dict[str, int]:
        """The states with their numbers."""


class RequestMetrics:
    """Counts the requests that this process answered."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = CounterMetric(
            "accredit_http_requests", METRICS["accredit_http_requests_total"],
            ("method", "status"), registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "accredit_http_request_seconds", METRICS["accredit_http_request_seconds"],
            registry=self.registry, buckets=BUCKETS,
        )  # fmt: skip

    def note(self, line: RequestLine) -> None:
        """Count a request that was answered."""
        method = line.method if line.method in {"GET", "HEAD", "POST", "PUT", "PATCH"} else "other"
        self._requests.labels(method, str(line.status)).inc()
        self._seconds.observe(line.seconds)


def metrics_routes(
    repository: Repository, agents: AgentCounts, requests: RequestMetrics
) -> APIRouter:
    """The route for Prometheus, which signs in with an API token."""
    router = APIRouter()

    @router.get(PATH, include_in_schema=False)
    def metrics(viewer: AnyViewer) -> Response:
        require(viewer, Permission.READ_RESULTS)
        own = CollectorRegistry()
        own.register(_Figures(repository, viewer, agents))
        text = generate_latest(own)
        if viewer.streams is None:
            text += generate_latest(requests.registry)
        return Response(text, 200, media_type=CONTENT_TYPE_LATEST)

    return router


class _Figures(Collector):
    """The figures that a viewer sees, read when they are asked for."""

    def __init__(self, repository: Repository, viewer: Viewer, agents: AgentCounts) -> None:
        self._repository, self._viewer, self._agents = repository, viewer, agents

    def collect(self) -> Iterable[Metric]:
        """All figures as metrics."""
        with self._repository.reading(self._viewer) as reading:
            newest = newest_of_each(reading)
            plans = count_by_service(reading, PLAN, (OPEN, ESCALATED))
            alarms = count_by_service(reading, ALARM, (OPEN,))
        yield from campaign_metrics(newest)
        for name, counted in (("accredit_open_plans", plans), ("accredit_open_alarms", alarms)):
            values = [
                ((supplier_name(stream), service), float(count))
                for (stream, service), count in sorted(counted.items())
            ]
            yield _gauge(name, ("supplier", "service"), values)
        if self._viewer.streams is None:
            counts = [((state,), float(count)) for state, count in sorted(self._agents().items())]
            yield _gauge("accredit_agents", ("state",), counts)


Values = Iterable[tuple[tuple[str, ...], float]]


def campaign_metrics(newest: Iterable[Newest]) -> Iterator[Metric]:
    """The figures of the newest campaigns."""
    found = [(each, read_campaign(each.body)) for each in newest]
    about = ("supplier", "service", "vantage", "schedule", "scheme")
    yield _gauge(
        "accredit_items", ("supplier", "service", "vantage", "category", "state"), _items(found)
    )
    yield _gauge(
        "accredit_campaign_state", (*about, "state"),
        [((*_labels(each), each.state), 1.0) for each, _ in found],
    )  # fmt: skip
    yield _gauge(
        "accredit_last_measured_timestamp_seconds", about,
        [(_labels(each), each.measured_at.timestamp()) for each, _ in found],
    )  # fmt: skip
    yield _gauge(
        "accredit_observations", about,
        [(_labels(each), float(body.observations)) for each, body in found if body],
    )  # fmt: skip


def _labels(each: Newest) -> tuple[str, ...]:
    return supplier_name(each.stream), each.service, each.site, each.schedule, each.scheme


def _items(found: list[tuple[Newest, CampaignBody | None]]) -> Values:
    """Items by category and state; of several schemes that assessed a campaign one counts."""
    counts: Counter[tuple[str, ...]] = Counter()
    seen = set()
    for each, body in sorted(found, key=lambda one: one[0].measured_at, reverse=True):
        place = each.stream, each.service, each.site, each.schedule
        if body is None or place in seen:
            continue
        seen.add(place)
        for figures in body.categories:
            vantage = each.site or figures.line
            about = supplier_name(each.stream), each.service, vantage, figures.category
            for state in ("blocked", "allowed", "altered", "down", "insufficient"):
                counts[(*about, state)] += getattr(figures, state)
    return [(labels, float(count)) for labels, count in sorted(counts.items())]


def _gauge(name: str, labels: tuple[str, ...], values: Values) -> Metric:
    gauge = GaugeMetricFamily(name, METRICS[name], labels=labels)
    for of, value in values:
        gauge.add_metric(of, value)
    return gauge
