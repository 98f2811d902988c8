"""The one way of pages to the database: rows that a viewer may see, and no others.

Every question of a page goes through ``Reading.rows``, which adds the condition on the viewer's
suppliers. On PostgreSQL row-level security asks for the same a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Table,
    TextualSelect,
    false,
    func,
    select,
    text,
    true,
)

from harness.model.hub_access import PUBLIC, Viewer
from harness.store.hub.hub_tables import CAMPAIGNS, DOCUMENTS
from harness.store.hub.row_security import PUBLIC_KIND, read_as
from harness.store.registry.streams import Registry

SiteKey = tuple[str, str, str]
"""The stream, the service and the name of a site."""

SITES_AT_ONCE = 50
"""How many sites one statement asks about."""


def visible(table: FromClause, viewer: Viewer) -> ColumnElement[bool]:
    """The condition that a row of a table is about a supplier that the viewer sees."""
    if viewer.streams is None:
        return true()
    return table.c.stream.in_(sorted(viewer.streams)) if viewer.streams else false()


_SITE = "stream", "service", "site"


@cache
def _last_of(number: int) -> TextualSelect:
    """The question for the last campaigns of so many sites.

    As text, because SQLAlchemy would take longer to compare so long a statement with those that it
    knows than the database to answer it.
    """
    columns = [CAMPAIGNS.c[name] for name in (*_SITE, "campaign", "measured_at")]
    listed = ", ".join(column.name for column in columns)
    same = " AND ".join(f"{name} = :{name}_{{n}}" for name in _SITE)
    one = (
        f"SELECT {listed} FROM (SELECT {listed} FROM {CAMPAIGNS.name} WHERE {same} "  # noqa: S608 - names of our own columns; values are bound
        "ORDER BY measured_at DESC LIMIT 1) AS site_{n}"
    )
    return text(" UNION ALL ".join(one.format(n=n) for n in range(number))).columns(*columns)


class Reading:
    """A transaction that reads for one viewer; made by ``Repository.reading``."""

    def __init__(self, connection: Connection, viewer: Viewer) -> None:
        self._connection = connection
        self.viewer = viewer

    def rows(
        self,
        table: Table,
        *where: ColumnElement[bool],
        columns: Sequence[Any] = (),
        order: Sequence[ColumnElement[Any]] = (),
        group: Sequence[ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> list[Row[Any]]:
        """The rows of a table with a ``stream`` that the viewer sees, in that order."""
        asked = select(*(columns or table.c)).where(visible(table, self.viewer), *where)
        asked = asked.group_by(*group).order_by(*order).limit(limit)
        return list(self._connection.execute(asked))

    def joined(
        self,
        tables: tuple[FromClause, FromClause],
        same: ColumnElement[bool],
        *where: ColumnElement[bool],
        columns: Sequence[Any],
        order: Sequence[ColumnElement[Any]] = (),
        group: Sequence[ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> list[Row[Any]]:
        """Rows of two tables that belong together; the viewer sees the supplier of both."""
        first, second = tables
        asked = select(*columns).select_from(first.join(second, same))
        asked = asked.where(visible(first, self.viewer), visible(second, self.viewer), *where)
        asked = asked.group_by(*group).order_by(*order).limit(limit)
        return list(self._connection.execute(asked))

    def row(self, table: Table, *where: ColumnElement[bool]) -> Row[Any] | None:
        """The first row that the viewer sees, or ``None``."""
        return next(iter(self.rows(table, *where, limit=1)), None)

    def last_campaigns(self, sites: Sequence[SiteKey]) -> dict[SiteKey, Row[Any]]:
        """The campaign of each site that was measured last: its name and time, by an index."""
        seen = [site for site in sites if self.viewer.sees(site[0])]
        found: dict[SiteKey, Row[Any]] = {}
        for start in range(0, len(seen), SITES_AT_ONCE):
            some = seen[start : start + SITES_AT_ONCE]
            values = {f"{name}_{n}": value for n, site in enumerate(some)
                      for name, value in zip(_SITE, site, strict=True)}  # fmt: skip
            for row in self._connection.execute(_last_of(len(some)), values):
                found[row.stream, row.service, row.site] = row
        return found

    def count(self, table: Table, *where: ColumnElement[bool]) -> int:
        """How many rows the viewer sees."""
        asked = select(func.count()).select_from(table).where(visible(table, self.viewer), *where)
        return int(self._connection.scalar(asked) or 0)


class Repository:
    """What the pages of a hub read. Its methods may be called from several threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @contextmanager
    def reading(self, viewer: Viewer) -> Iterator[Reading]:
        """Read for a viewer, at one moment. Raises InstrumentError."""
        with self._registry.transaction() as connection:
            read_as(connection, viewer)
            yield Reading(connection, viewer)

    def public_documents(self, *ids: str) -> list[Row[Any]]:
        """The documents of the public register, or those with these ids. Raises InstrumentError.

        The one question without the condition on suppliers: the public sees no supplier's rows,
        and of every supplier what the register says. Their bodies are made from ``PublicService``
        alone (``reports/site/public_facts.py``), which lists what is public.
        """
        asked = select(DOCUMENTS).where(DOCUMENTS.c.kind == PUBLIC_KIND)
        if ids:
            asked = asked.where(DOCUMENTS.c.id.in_(ids))
        with self._registry.transaction() as connection:
            read_as(connection, PUBLIC)
            return list(connection.execute(asked.order_by(DOCUMENTS.c.stream, DOCUMENTS.c.id)))
