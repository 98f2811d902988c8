"""Read documents of a hub: facts for one page, or the rows of a list, page by page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, and_, or_

from harness.store.hub.hub_tables import DOCUMENTS
from harness.store.hub.repository import Reading

LONGEST_CURSOR = 1000
"""The most characters of a cursor that is read."""


class StoredDocument(NamedTuple):
    """A document as it is stored; ``body`` is JSON."""

    stream: str
    kind: str
    id: str
    service: str
    state: str
    at: datetime
    body: str


class DocumentPage(NamedTuple):
    """Some documents in order, and where the next page begins; empty at the end."""

    documents: tuple[StoredDocument, ...]
    next: str = ""


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last document of a page."""

    at: datetime
    stream: str
    id: str


_CURSORS = msgspec.json.Decoder(_Cursor)


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
    after: str = "",
    service: str = "",
    newest_first: bool = False,
) -> DocumentPage:
    """The documents of a kind in some states, by their dates, from a cursor on.

    A cursor that cannot be read begins at the first page.
    """
    table = DOCUMENTS.c
    where = _matches(kind, states, service)
    if (cursor := _read_cursor(after)) is not None:
        where.append(_behind(cursor, newest_first=newest_first))
    order: list[ColumnElement[Any]] = [table.at, table.stream, table.id]
    if newest_first:
        order = [column.desc() for column in order]
    rows = reading.rows(DOCUMENTS, *where, order=order, limit=limit + 1)
    found = tuple(map(_document, rows[:limit]))
    return DocumentPage(found, _write_cursor(found[-1]) if len(rows) > limit else "")


def count_documents(
    reading: Reading, kind: str, states: Collection[str], *, service: str = ""
) -> int:
    """How many documents of a kind in some states the viewer sees."""
    return reading.count(DOCUMENTS, *_matches(kind, states, service))


def _matches(kind: str, states: Collection[str], service: str) -> list[ColumnElement[bool]]:
    table = DOCUMENTS.c
    where = [table.kind == kind, table.state.in_(sorted(states))]
    return [*where, table.service == service] if service else where


def _behind(cursor: _Cursor, *, newest_first: bool) -> ColumnElement[bool]:
    """The condition that a row comes after a cursor, in the order of the list."""
    table = DOCUMENTS.c

    def is_behind(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
        return column < value if newest_first else column > value

    return or_(
        is_behind(table.at, cursor.at),
        and_(table.at == cursor.at, is_behind(table.stream, cursor.stream)),
        and_(
            table.at == cursor.at,
            table.stream == cursor.stream,
            is_behind(table.id, cursor.id),
        ),
    )


def _document(row: Row[Any]) -> StoredDocument:
    return StoredDocument(row.stream, row.kind, row.id, row.service, row.state, row.at, row.body)


def _write_cursor(last: StoredDocument) -> str:
    text = msgspec.json.encode(_Cursor(last.at, last.stream, last.id))
    return base64.urlsafe_b64encode(text).decode()


def _read_cursor(text: str) -> _Cursor | None:
    if not text or len(text) > LONGEST_CURSOR or not text.isascii():
        return None
    try:
        cursor = _CURSORS.decode(base64.urlsafe_b64decode(text))
        at = cursor.at if cursor.at.tzinfo else cursor.at.replace(tzinfo=UTC)
        is_plain = "\0" not in cursor.stream + cursor.id
        return _Cursor(at.astimezone(UTC), cursor.stream, cursor.id) if is_plain else None
    except (binascii.Error, ValueError, OverflowError, msgspec.MsgspecError):
        return None
