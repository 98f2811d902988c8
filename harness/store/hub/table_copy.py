"""Copy the rows of all tables of a hub, from and to SQLite or PostgreSQL alike.

Rows become lines of JSON, each a list of values in the order of the table's columns, so that a
backup of one database can be restored into the other. The events are written through the same
triggers as ever, and each is checked against its chain on the way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Float, LargeBinary, Table, func, insert, inspect, select

from harness.errors import UsageError
from harness.model.event_times import head_after
from harness.model.stream import StreamHead
from harness.store.hub.hub_tables import ATTEMPTS, METADATA, SESSIONS
from harness.store.registry.event_rows import START, event_of, row_of
from harness.store.registry.old_chain import end_old_chain
from harness.store.registry.opening import open_registry, schema_of
from harness.store.registry.streams import Registry
from harness.store.registry.tables import EVENTS, OLD_METADATA, STREAMS, UtcDateTime
from harness.store.registry.tables import METADATA as REGISTRY_TABLES

NOT_COPIED = (SESSIONS, ATTEMPTS)
"""Who is signed in, and who failed to: after a restore everybody signs in again."""

ROWS_AT_ONCE = 500
BYTES_AT_ONCE = 1024 * 1024

_ROWS = msgspec.json.Decoder(list[Any])
_BYTES = msgspec.json.Decoder(bytes)
_TIMES = msgspec.json.Decoder(datetime)


def copied_tables(connection: Connection) -> tuple[Table, ...]:
    """The tables whose rows belong to a backup, in the order in which they are restored."""
    held = (*REGISTRY_TABLES.sorted_tables, *METADATA.sorted_tables)
    found = inspect(connection)
    old = (table for table in OLD_METADATA.sorted_tables if found.has_table(table.name))
    return (*(table for table in held if table not in NOT_COPIED), *old)


class RegistryCopy:
    """A registry as it is at one moment; made by ``snapshot``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = {table.name: table for table in copied_tables(connection)}

    @property
    def schema(self) -> str:
        """The version of the tables."""
        return schema_of(self._connection)

    def counts(self) -> dict[str, int]:
        """How many rows each table has, in the order in which they are restored."""
        asked = {name: select(func.count()).select_from(one) for name, one in self._tables.items()}
        return {name: int(self._connection.scalar(each) or 0) for name, each in asked.items()}

    def heads(self) -> tuple[StreamHead, ...]:
        """The heads of all streams, in order of their names."""
        return _heads_in(self._connection)

    def rows(self, name: str) -> Iterator[bytes]:
        """Yield the rows of a table as lines of JSON, about a MiB at once, in order of keys."""
        table = self._tables[name]
        asked = select(table).order_by(*table.primary_key.columns)
        options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
        held = bytearray()
        for row in self._connection.execute(asked, execution_options=options):
            held += msgspec.json.encode([_plain(value) for value in row]) + b"\n"
            if len(held) >= BYTES_AT_ONCE:
                yield bytes(held)
                held.clear()
        if held:
            yield bytes(held)


@contextmanager
def snapshot(registry: Registry, copy: Path) -> Iterator[RegistryCopy]:
    """Read a registry as it is at one moment, while others write.

    A file of SQLite is copied to ``copy`` first (SQLite's online backup), so that writers wait for
    the copying alone; PostgreSQL keeps the moment itself. Raises InstrumentError.
    """
    if registry.is_postgresql:
        with registry.transaction() as connection:
            yield RegistryCopy(connection)
        return
    copy.unlink(missing_ok=True)
    try:
        copy.touch(mode=0o600)
        with registry.transaction() as connection, closing(sqlite3.connect(copy)) as target:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(target)
        with open_registry(copy) as copied, copied.transaction() as connection:
            yield RegistryCopy(connection)
    finally:
        copy.unlink(missing_ok=True)


def _heads_in(connection: Connection) -> tuple[StreamHead, ...]:
    rows = connection.execute(select(STREAMS).order_by(STREAMS.c.stream))
    heads = (StreamHead(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name
    return tuple(sorted(heads, key=lambda head: head.stream))


def _plain(value: Any) -> Any:
    """A value as JSON can hold it: infinite numbers have none there."""
    return value if not isinstance(value, float) or abs(value) < float("inf") else str(value)


@contextmanager
def loading(registry: Registry, where: str) -> Iterator[RowLoader]:
    """Write the rows of the backup ``where`` into a registry without rows; an error takes all back.

    Raises UsageError where the registry holds rows already.
    """
    with registry.transaction(is_writing=True) as connection:
        for table in copied_tables(connection):
            if connection.execute(select(table).limit(1)).first() is not None:
                msg = f"{registry.where}: holds a registry already; restore into an empty database"
                raise UsageError(msg)
        yield RowLoader(connection, where)


class RowLoader:
    """Writes the rows of a backup, and checks each event; made by ``loading``."""

    def __init__(self, connection: Connection, where: str) -> None:
        self._connection, self._where = connection, where
        tables = (*copied_tables(connection), *OLD_METADATA.sorted_tables)
        self._tables = {table.name: table for table in tables}
        self._heads: dict[str, StreamHead] = {}
        self.counts: dict[str, int] = dict.fromkeys(self._tables, 0)

    def load(self, name: str, lines: bytes) -> None:
        """Write rows of a table. Raises UsageError for rows or a table that cannot be read."""
        table = self._tables.get(name)
        if table is None:
            raise UsageError(f"{self._where}: has no table {name[:40]!r}; use a newer Accredit")
        if table.metadata is OLD_METADATA and not self.counts[name]:
            table.create(self._connection, checkfirst=True)
        try:
            rows = [_values(table, _ROWS.decode(line)) for line in lines.splitlines()]
        except (msgspec.MsgspecError, ValueError, UnicodeDecodeError, RecursionError):
            raise UsageError(f"{self._where}: rows of {name} cannot be read") from None
        if table is EVENTS:
            for row in rows:
                self._follow(row)
        if rows:
            self._connection.execute(insert(table), rows)
        self.counts[name] += len(rows)

    def finish(self) -> tuple[StreamHead, ...]:
        """Check that each chain ends at its head; return the heads. Raises UsageError."""
        heads = _heads_in(self._connection)
        if self._heads != {head.stream: head for head in heads}:
            raise UsageError(f"{self._where}: a stream does not end at its head")
        if any(self.counts[table.name] for table in OLD_METADATA.sorted_tables):
            end_old_chain(self._connection)
        return heads

    def _follow(self, row: dict[str, Any]) -> None:
        """Check an event as the next one of its stream. Raises UsageError."""
        stream, event = str(row["stream"]), event_of(row["body"])
        head = self._heads.get(stream)
        position, previous = (head.events + 1, head.hash) if head else (1, START)
        if event is None or row != row_of(stream, position, previous, event, row["body"]):
            shown = f"event {row['position']} of {stream}"
            raise UsageError(f"{self._where}: {shown} was changed, or is out of order")
        self._heads[stream] = head_after(head, stream, event, row["hash"])


def _values(table: Table, values: list[Any]) -> dict[str, Any]:
    """A row by its columns. Raises ValueError for one of another number of values."""
    columns = list(table.c)
    return {
        column.name: value if value is None else _value(column.type, value)
        for column, value in zip(columns, values, strict=True)
    }


def _value(kind: object, value: Any) -> Any:
    if isinstance(kind, UtcDateTime):
        return _TIMES.decode(msgspec.json.encode(value))
    if isinstance(kind, LargeBinary):
        return _BYTES.decode(msgspec.json.encode(value))
    return float(value) if isinstance(kind, Float) else value
