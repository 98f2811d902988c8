"""The last campaigns of many sites, and outcomes in the order in which a page shows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from harness.model.hub_access import Role, Viewer
from harness.store.hub.campaign_rows import Outcomes, read_by_state
from harness.store.hub.hub_tables import CAMPAIGNS, OUTCOMES
from harness.store.hub.repository import SITES_AT_ONCE, Repository
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ALL = Viewer(role=Role.ASSESSOR, person="p", streams=None)
ONE = Viewer(role=Role.SUPPLIER, person="q", streams=frozenset({"one"}))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "registry.sqlite", create=True) as opened:
        yield opened


def campaign(stream: str, site: str, day: int) -> dict[str, Any]:
    return {
        "stream": stream, "campaign": f"{site}-{day}", "scheme": "s", "service": "Safe Net",
        "site": site, "schedule": "", "measured_at": AT - timedelta(days=day),
        "state": "conforms", "conforms": 1, "does_not_conform": 0, "insufficient": 0,
        "observations": 1, "journal": "", "has_items": False, "body": "{}",
    }  # fmt: skip


def outcome(number: int, state: str, *, binds: bool, stream: str = "one") -> dict[str, Any]:
    return {
        "stream": stream, "campaign": "c", "scheme": "s", "number": number, "service": "Safe Net",
        "site": "", "schedule": "", "measured_at": AT, "requirement": f"URL-{number:02}",
        "profile": "pupils", "line": "school", "state": state, "is_binding": binds, "body": "{}",
    }  # fmt: skip


def test_the_last_campaign_of_each_of_many_sites_is_found(registry: Registry) -> None:
    sites = [f"School {number}" for number in range(2 * SITES_AT_ONCE + 3)]
    rows = [
        campaign(each, site, day) for each in ("one", "two") for site in sites for day in (3, 1)
    ]
    with registry.transaction(is_writing=True) as connection:
        connection.execute(insert(CAMPAIGNS), rows)
    keys = [(each, "Safe Net", site) for each in ("one", "two") for site in (*sites, "Nowhere")]

    with Repository(registry).reading(ALL) as reading:
        found = reading.last_campaigns(keys)
        assert {} == reading.last_campaigns([])
    with Repository(registry).reading(ONE) as reading:
        own = reading.last_campaigns(keys)

    assert set(keys) - found.keys() == {(each, "Safe Net", "Nowhere") for each in ("one", "two")}
    assert all(
        (row.campaign, row.measured_at) == (f"{site}-1", AT - timedelta(days=1))
        for (_, _, site), row in found.items()
    )
    assert {"one"} == {stream for stream, _, _ in own}
    assert len(own) == len(sites)


def test_outcomes_that_bind_come_first_and_states_in_the_order_that_is_asked(
    registry: Registry,
) -> None:
    rows = [
        outcome(1, "conforms", binds=True),
        outcome(2, "does-not-conform", binds=False),
        outcome(3, "insufficient", binds=True),
        outcome(4, "does-not-conform", binds=True),
        outcome(5, "does-not-conform", binds=True),
        outcome(6, "unknown", binds=True),
        outcome(7, "does-not-conform", binds=True, stream="two"),
    ]
    with registry.transaction(is_writing=True) as connection:
        connection.execute(insert(OUTCOMES), rows)
    states = ("does-not-conform", "insufficient", "conforms")

    with Repository(registry).reading(ONE) as reading:
        found = read_by_state(reading, Outcomes("one", "c", "s"), states, 9)
        first = read_by_state(reading, Outcomes("one", "c", "s"), states, 3)
        foreign = read_by_state(reading, Outcomes("two", "c", "s"), states, 9)

    assert [4, 5, 3, 1, 2] == [row.number for row in found]
    assert [4, 5, 3] == [row.number for row in first]
    assert [] == foreign
