"""Read documents of a hub: facts for one page, or the rows of a list, page by page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, or_

from harness.store.hub.hub_tables import DOCUMENTS
from harness.store.hub.repository import Reading


class StoredDocument(NamedTuple):
    """A document as it is stored; ``body`` is JSON."""

    stream: str
    kind: str
    id: str
    service: str
    state: str
    at: datetime
    body: str


DocumentPlace = tuple[datetime, str, str]
"""A place in a list: the date, stream and id of the last document before it."""


class DocumentPage(NamedTuple):
    """Some documents in order, and where the next page begins; ``None`` at the end."""

    documents: tuple[StoredDocument, ...]
    next: DocumentPlace | None = None


def read_document(reading: Reading, kind: str, stream: str, name: str) -> StoredDocument | None:
    """One document, if the viewer sees its supplier; ``None`` if there is none."""
    if "\0" in stream + name:  # PostgreSQL holds none, and refuses the question
        return None
    table = DOCUMENTS.c
    row = reading.row(DOCUMENTS, table.kind == kind, table.stream == stream, table.id == name)
    return None if row is None else _document(row)


def read_documents(
    reading: Reading,
    kind: str,
    states: Collection[str],
    *,
    limit: int,
    after: DocumentPlace | None = None,
    service: str = "",
    newest_first: bool = False,
) -> DocumentPage:
    """The documents of a kind in some states, by their dates, after a place."""
    table = DOCUMENTS.c
    where = _matches(kind, states, service)
    if after is not None:
        where.append(_behind(after, newest_first=newest_first))
    order: list[ColumnElement[Any]] = [table.at, table.stream, table.id]
    if newest_first:
        order = [column.desc() for column in order]
    rows = reading.rows(DOCUMENTS, *where, order=order, limit=limit + 1)
    found = tuple(map(_document, rows[:limit]))
    return DocumentPage(found, _place_of(found[-1]) if len(rows) > limit else None)


def count_documents(
    reading: Reading, kind: str, states: Collection[str], *, service: str = ""
) -> int:
    """How many documents of a kind in some states the viewer sees."""
    return reading.count(DOCUMENTS, *_matches(kind, states, service))


def _matches(kind: str, states: Collection[str], service: str) -> list[ColumnElement[bool]]:
    table = DOCUMENTS.c
    where = [table.kind == kind, table.state.in_(sorted(states))]
    return [*where, table.service == service] if service else where


def _behind(place: DocumentPlace, *, newest_first: bool) -> ColumnElement[bool]:
    """The condition that a row comes after a place, in the order of the list."""
    at, stream, name = place
    table = DOCUMENTS.c

    def is_behind(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
        return column < value if newest_first else column > value

    return or_(
        is_behind(table.at, at),
        and_(table.at == at, is_behind(table.stream, stream)),
        and_(table.at == at, table.stream == stream, is_behind(table.id, name)),
    )


def _document(row: Row[Any]) -> StoredDocument:
    return StoredDocument(row.stream, row.kind, row.id, row.service, row.state, row.at, row.body)


def _place_of(last: StoredDocument) -> DocumentPlace:
    return last.at, last.stream, last.id
