"""The pages on the hub's API name what there is, and the dashboard asks for metrics that exist."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

from harness.model.hub_access import Permission
from reports.dashboard.api import exports, listing
from reports.dashboard.api.metrics import METRICS
from reports.dashboard.rate_limit import BURST, PER_MINUTE
from test_suites.kit.rooms import ROOT

API = (ROOT / "docs/reference/hub-api.md").read_text(encoding="utf-8")
PROMETHEUS = (ROOT / "docs/how-to/watch-a-hub-with-prometheus.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "docs/how-to/grafana/accredit-hub.json").read_text(encoding="utf-8"))
NAMED = re.compile(r"\baccredit_[a-z_]+")


def expressions() -> list[str]:
    variables = [each["query"] for each in DASHBOARD["templating"]["list"]]
    asked: list[Any] = [each["query"] for each in variables if isinstance(each, dict)]
    return [
        *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
        *map(str, asked),
    ]


def test_every_metric_of_the_dashboard_exists_and_each_is_shown() -> None:
    named = {name for each in expressions() for name in NAMED.findall(each)}
    buckets = {name.removesuffix("_bucket") for name in named}

    assert {*METRICS} == buckets


def test_panels_do_not_cover_each_other() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        (x, y)
        for at in places
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(cells) == len({*cells})
    assert max(x for x, _ in cells) < 24


def test_the_page_on_prometheus_names_each_metric() -> None:
    assert {*METRICS} == {*NAMED.findall(PROMETHEUS)}


def test_the_page_on_the_api_names_its_limits_permissions_and_forms() -> None:
    assert f"{PER_MINUTE} requests a minute for each person, at most {BURST} at once" in API
    assert f"(1 to {listing.MOST}, default {listing.USUAL})" in API
    permissions = {*re.findall(r"`(read-[a-z]+)`", API)}
    assert permissions <= {*Permission}
    for form in get_args(exports.Form):
        assert f"`{form}`" in API
