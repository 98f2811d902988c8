"""Rows of a hub are copied for benchmarks without a change to those that are there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Table, insert, select

from benchmarks.hub_rows import COPIES_WITH_ITEMS, Rows, count, grow
from harness.store.hub.hub_tables import CAMPAIGNS, ITEMS, OUTCOMES
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def row_of(table: Table, **values: object) -> dict[str, object]:
    """A row with those values, and an empty or first value in every other column."""
    empty = {bool: False, int: 0, float: 0.0, str: "", object: AT, bytes: b""}
    return {column.name: empty[column.type.python_type] for column in table.c} | values


def fill(registry: Registry) -> None:
    """One campaign with two outcomes and three items."""
    rows = {
        CAMPAIGNS: [row_of(CAMPAIGNS, campaign="first", has_items=True)],
        OUTCOMES: [row_of(OUTCOMES, campaign="first", number=each) for each in range(2)],
        ITEMS: [row_of(ITEMS, campaign="first", number=each) for each in range(3)],
    }
    with registry.transaction(is_writing=True) as connection:
        for table, made in rows.items():
            connection.execute(insert(table), made)


def test_there_are_as_many_outcomes_as_asked_for(tmp_path: Path) -> None:
    with open_registry(tmp_path / "r.sqlite", create=True) as registry:
        fill(registry)

        assert Rows(campaigns=25, outcomes=50, items=33) == grow(registry, 49)
        assert Rows(campaigns=25, outcomes=50, items=33) == grow(registry, 50)
        assert Rows(campaigns=50, outcomes=100, items=33) == grow(registry, 100)
        assert Rows(campaigns=50, outcomes=100, items=33) == count(registry)


def test_copies_are_earlier_and_most_have_no_items(tmp_path: Path) -> None:
    with open_registry(tmp_path / "r.sqlite", create=True) as registry:
        fill(registry)
        grow(registry, 40)
        with registry.transaction() as connection:
            rows = connection.execute(
                select(CAMPAIGNS).order_by(CAMPAIGNS.c.measured_at.desc())
            ).all()

    assert ("first", AT, True) == (rows[0].campaign, rows[0].measured_at, rows[0].has_items)
    assert ["first-copy-10001", "first-copy-10002"] == [row.campaign for row in rows[1:3]]
    assert AT - timedelta(minutes=7) == rows[1].measured_at
    assert COPIES_WITH_ITEMS + 1 == sum(row.has_items for row in rows)


def test_nothing_is_copied_of_nothing(tmp_path: Path) -> None:
    with open_registry(tmp_path / "r.sqlite", create=True) as registry:
        assert Rows(campaigns=0, outcomes=0, items=0) == grow(registry, 10)
