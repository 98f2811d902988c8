"""Rows for programs: campaigns, outcomes and items in the order of their keys, page by page.

A page begins after the key of the last row before, so that reading all rows takes time in
proportion to their number, however many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Table, and_, func, or_

from harness.store.hub.hub_tables import CAMPAIGNS, DOCUMENTS, ITEMS, OUTCOMES
from harness.store.hub.repository import Reading

KEYS: Mapping[str, tuple[str, ...]] = {
    "campaigns": ("stream", "campaign", "scheme"),
    "outcomes": ("stream", "campaign", "scheme", "number"),
    "items": ("stream", "campaign", "number"),
}
"""The tables that programs may read, with the columns of their keys."""

_TABLES = {"campaigns": CAMPAIGNS, "outcomes": OUTCOMES, "items": ITEMS}
_TIMES = {"campaigns": "measured_at", "outcomes": "measured_at", "items": "tried_at"}
_LEFT_OUT = {"body", "evidence"}

Key = tuple[str | int, ...]


class Wanted(NamedTuple):
    """Which rows are wanted: all that fit. Empty fields mean any; times are from, and before."""

    stream: str = ""
    service: str = ""
    campaign: str = ""
    requirement: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None


def columns_of(table: str) -> tuple[str, ...]:
    """The names of the columns that programs read of a table."""
    return tuple(each.name for each in _TABLES[table].c if each.name not in _LEFT_OUT)


def read_table(
    reading: Reading, table: str, wanted: Wanted, after: Key | None, limit: int
) -> list[Row[Any]]:
    """The next rows of a table that the viewer sees, after a key, at most ``limit``.

    JSON bodies and evidence are left out.
    """
    found = _TABLES[table]
    columns = [found.c[name] for name in columns_of(table)]
    where = [*_conditions(found, _TIMES[table], wanted)]
    names = KEYS[table]
    if after is not None:
        where.append(_beyond(found, names, after))
    order = [found.c[name] for name in names]
    return reading.rows(found, *where, columns=columns, order=order, limit=limit)


def key_of(table: str, row: Row[Any]) -> Key:
    """The key of a row, after which the next page begins."""
    return tuple(getattr(row, name) for name in KEYS[table])


def _conditions(table: Table, time: str, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    for name in ("stream", "service", "campaign", "requirement", "state"):
        value = getattr(wanted, name)
        if value and name in table.c:
            yield table.c[name] == value
    if wanted.since is not None:
        yield table.c[time] >= wanted.since
    if wanted.until is not None:
        yield table.c[time] < wanted.until


def _beyond(table: Table, names: tuple[str, ...], key: Key) -> ColumnElement[bool]:
    """Whether a row comes after a key; the first condition lets the index begin there."""
    columns = [table.c[name] for name in names]
    later = [
        and_(*(columns[n] == key[n] for n in range(at)), columns[at] > key[at])
        for at in range(len(columns))
    ]
    return and_(columns[0] >= key[0], or_(*later))


class Newest(NamedTuple):
    """The newest campaign of a service by a schedule at a site; ``body`` is JSON."""

    stream: str
    service: str
    site: str
    schedule: str
    scheme: str
    measured_at: datetime
    state: str
    body: str


def newest_of_each(reading: Reading) -> list[Newest]:
    """The newest campaign of each service, site, schedule and scheme that the viewer sees."""
    columns = CAMPAIGNS.c
    by = (columns.stream, columns.service, columns.site, columns.schedule, columns.scheme)
    latest = reading.rows(
        CAMPAIGNS, columns=(*by, func.max(columns.measured_at).label("latest")), group=by
    )
    found = []
    for row in latest:
        where = [column == row[at] for at, column in enumerate(by)]
        newest = reading.row(CAMPAIGNS, *where, columns.measured_at == row.latest)
        if newest is not None:
            found.append(Newest(*(getattr(newest, name) for name in Newest._fields)))
    return found


def count_by_service(
    reading: Reading, kind: str, states: Collection[str]
) -> dict[tuple[str, str], int]:
    """How many documents of a kind are in one of some states, by stream and service."""
    columns = DOCUMENTS.c
    by = (columns.stream, columns.service)
    rows = reading.rows(
        DOCUMENTS,
        columns.kind == kind,
        columns.state.in_(states),
        columns=(*by, func.count().label("number")),
        group=by,
    )
    return {(str(row.stream), str(row.service)): int(row.number) for row in rows}
