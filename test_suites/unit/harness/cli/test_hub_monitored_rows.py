"""What a real run of surveillance leaves is on the pages: its site, its items, its service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from harness.cli.hub_projector import Projector
from harness.model.stream import stream_of
from harness.store.hub.hub_tables import CAMPAIGNS, ITEMS, OUTCOMES
from harness.store.hub.repository import Repository
from harness.store.registry.opening import open_registry
from reports.dashboard.service_reading import find_service
from test_suites.kit.campaigns.monitored_service import SERVICE, SUPPLIER
from test_suites.kit.hubs.hub_serving import viewers_of
from test_suites.unit.harness.cli.monitor_desk import Desk

STREAM = stream_of(SUPPLIER)


def test_runs_of_surveillance_are_on_the_pages_of_their_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path, monkeypatch)
    desk.begin()
    desk.service.behave("Hill School", missed=120)
    assert desk.on_day(0).code in (0, 1)
    told: list[str] = []
    with open_registry(desk.registry) as registry:
        Projector(registry, desk.out, desk.clock, told.append).catch_up()
        assert [] == told
        with registry.transaction() as connection:
            campaigns = connection.execute(select(CAMPAIGNS)).all()
            outcomes = connection.execute(select(OUTCOMES)).all()
            items = connection.execute(select(ITEMS.c.campaign, ITEMS.c.state)).all()
        assert {("Hill School", "daily", True), ("Vale School", "daily", True)} == {
            (row.site, row.schedule, bool(row.has_items)) for row in campaigns
        }
        assert {"Hill School", "Vale School"} == {row.site for row in outcomes}
        assert {row.campaign for row in campaigns} == {row.campaign for row in items}
        viewer = viewers_of(frozenset(), frozenset())["assessor"]
        with Repository(registry).reading(viewer) as reading:
            page = find_service(reading, STREAM, SERVICE).page
    facts, now = page.facts, desk.clock.now()
    assert facts.worst is not None
    assert ("does-not-conform", "Hill School") == (facts.state, facts.worst.about.site)
    assert {"Hill School", "Vale School"} == {site.site for site in facts.sites}
    assert () == facts.silent_sites(now)
    assert 2 == len(facts.silent_sites(now + timedelta(days=4)))
