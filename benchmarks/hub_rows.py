"""Fill the tables that a hub's pages read: ``python -m benchmarks.hub_rows HUB --outcomes N``.

The rows of campaigns, outcomes and items are copies of those of a made-up hub
(``accredit serve --demo --hub HUB``), so that each has a body as the pages expect it. Copy ``n`` of
a campaign is a few minutes earlier than the one before, as if a service were measured more often.
Events, documents and the newest campaigns stay as they are. It works on SQLite and PostgreSQL.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    case,
    cast,
    false,
    func,
    insert,
    literal,
    not_,
    select,
    text,
    true,
)

from harness.cli.hub_agents import open_hub
from harness.cli.hub_file import read_hub
from harness.cli.hub_projector import Projector
from harness.ports.storage import WallClock
from harness.store.hub.hub_tables import CAMPAIGNS, ITEMS, OUTCOMES
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry

COPY = "-copy-"
"""Stands in the name of a campaign that is a copy."""

COPIES_WITH_ITEMS = 10
"""So many copies of a campaign have its items; those of the others have aged out."""

FIRST = 10_000
"""Added to the number of a copy in its name, so that names sort as numbers do."""

MINUTES = 7
"""How many minutes each copy is earlier than the one before."""


class Rows(NamedTuple):
    """How many rows there are."""

    campaigns: int
    outcomes: int
    items: int


def count(registry: Registry) -> Rows:
    """How many rows there are."""
    with registry.transaction() as connection:
        return Rows(
            *(
                int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in (CAMPAIGNS, OUTCOMES, ITEMS)
            )
        )


def grow(registry: Registry, outcomes: int) -> Rows:
    """Copy rows until there are at least so many outcomes."""
    copies = _copies(registry)
    own = count(registry).outcomes // (copies + 1)
    if own and (last := -(-outcomes // own) - 1) > copies:
        with registry.transaction(is_writing=True) as connection:
            for table in (CAMPAIGNS, OUTCOMES, ITEMS):
                most = min(last, COPIES_WITH_ITEMS) if table is ITEMS else last
                _copy(connection, table, copies + 1, most)
            connection.execute(text("ANALYZE"))
    return count(registry)


def _copies(registry: Registry) -> int:
    """How many copies there are of each campaign."""
    is_copy = CAMPAIGNS.c.campaign.contains(COPY)
    asked = (
        select(func.count()).select_from(CAMPAIGNS).where(each) for each in (is_copy, not_(is_copy))
    )
    with registry.transaction() as connection:
        copies, own = (int(connection.scalar(each) or 0) for each in asked)
    return copies // own if own else 0


def _copy(connection: Connection, table: Table, first: int, last: int) -> None:
    """Make the copies of a table's rows with the numbers from ``first`` to ``last``.

    They are made in the order of the primary key, which a database writes fastest.
    """
    if first > last:
        return
    numbers = select(literal(first).label("number")).cte("numbers", recursive=True)
    following = select(numbers.c.number + 1).where(numbers.c.number < last)
    numbers = numbers.union_all(following)
    columns = [_copied(connection, column, numbers.c.number) for column in table.c]
    rows = (
        select(*columns)
        .select_from(table.join(numbers, true()))
        .where(not_(table.c.campaign.contains(COPY)))
        .order_by(table.c.stream, table.c.campaign, numbers.c.number)
    )
    connection.execute(insert(table).from_select([each.name for each in table.c], rows))


def _copied(
    connection: Connection, column: Column[Any], number: ColumnElement[int]
) -> ColumnElement[Any]:
    """What a copy with a number has in a column."""
    if column.name == "campaign":
        return column + literal(COPY) + cast(number + FIRST, Text)
    if column.name in ("measured_at", "tried_at"):
        if connection.dialect.name == "postgresql":
            return column - number * text(f"interval '{MINUTES} minutes'")
        earlier = literal("-") + cast(number * MINUTES, Text) + literal(" minutes")
        return func.strftime("%Y-%m-%d %H:%M:%f000", column, earlier)
    if column.name == "has_items":
        return case((number <= COPIES_WITH_ITEMS, column), else_=false())
    return column


def project(hub: Path) -> None:
    """Make the rows of a hub that was not served yet."""
    clock = WallClock()
    with open_hub(hub, clock, _tell, lambda _: None) as opened:
        Projector(opened.registry, opened.hub.results, clock, _tell).catch_up()


def grow_in(where: Path | str, outcomes: int) -> Rows:
    """Copy rows in a registry, a file or a URL, until there are at least so many outcomes."""
    with open_registry(where) as registry:
        rows = grow(registry, outcomes)
        if registry.is_postgresql:
            _settle(str(where))
    return rows


def _settle(url: str) -> None:
    """Let PostgreSQL do now what it would do in the minutes after so many rows were written."""
    import psycopg  # noqa: PLC0415 - an extra, for those who measure with PostgreSQL

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _tell(words: str) -> None:
    print(words, file=sys.stderr)


def main() -> None:
    """Fill the tables of a hub, and say how many rows there are and how long it took."""
    parser = argparse.ArgumentParser(description="Fill the tables that a hub's pages read.")
    parser.add_argument("hub", type=Path, help="a folder that accredit serve --demo --hub made")
    parser.add_argument("--outcomes", type=int, default=10_000)
    given = parser.parse_args()
    began = time.perf_counter()
    project(given.hub)
    rows = grow_in(read_hub(given.hub).registry, given.outcomes)
    took = time.perf_counter() - began
    print(
        f"{rows.campaigns:,} campaigns, {rows.outcomes:,} outcomes, {rows.items:,} items "
        f"in {took:.1f} s"
    )


if __name__ == "__main__":
    main()
