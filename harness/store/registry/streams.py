"""A registry: streams of events that only grow, each with a hash chain of its own.

An event's hash covers its stream, its position, the hash before it and its text. A stream's head,
the number of its events and the last hash, is in the same database and replaced in the same
transaction: a chain alone does not show events that were cut off at its end. Triggers forbid that
events are changed. Somebody who removes the triggers and rewrites chain and head is found only by
comparison with a head that was printed earlier.

Writers of one stream wait for each other; writers of different streams do not, on PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    union,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import InstrumentError, UsageError
from harness.model.event import Event, StreamOpened
from harness.model.event_times import head_after, require_times
from harness.model.stream import DerivedRow, StreamHead
from harness.store.registry.event_rows import START, event_of, row_of
from harness.store.registry.tables import DERIVED, EVENTS, STREAMS
from harness.untrusted.passwords import reason_without


class StreamAccess:
    """One stream within a transaction; made by ``Registry.reading`` and ``Registry.writing``."""

    def __init__(self, connection: Connection, stream: str, where: str) -> None:
        self._connection = connection
        self._where = where
        self.stream = stream
        self.head = read_head(connection, stream, where)

    def beside(self, stream: str) -> StreamAccess:
        """Another stream within the same transaction, to be read."""
        return StreamAccess(self._connection, stream, self._where)

    def events(self) -> tuple[Event, ...]:
        """All events of the stream, oldest first.

        Raises InstrumentError where the chain is broken, or does not end at the head.
        """
        question = select(EVENTS).where(EVENTS.c.stream == self.stream)
        ordered = question.order_by(EVENTS.c.position)
        return tuple(self._chain(read_all(self._connection, ordered, self._where)))

    def found(self, **values: Collection[str]) -> tuple[tuple[int, Event], ...]:
        """The events, with their positions, whose column of that name holds one of the values.

        The columns are ``about``, ``topic``, ``uses`` and ``kind``. Raises InstrumentError where an
        event was changed, or is no part of the chain. Nothing is read for an empty collection.
        """
        ((name, wanted),) = values.items()
        if not wanted:
            return ()
        # Sorted here: asked to sort, SQLite would read the whole stream in order.
        return self._parts(EVENTS.c[name].in_(wanted))

    def after(self, position: int, most: int) -> tuple[tuple[int, Event], ...]:
        """The next events after a position, with their positions, at most so many.

        Raises InstrumentError as ``found`` does, and where one is missing.
        """
        last = min(position + most, self.head.events if self.head else 0)
        events = self._parts(EVENTS.c.position.between(position + 1, last))
        if len(events) != max(0, last - position):
            raise InstrumentError(f"{self._where}: the registry was changed: {self.stream}")
        return events

    def last(self, kind: str) -> Event | None:
        """The last event of a kind, or ``None``. Raises InstrumentError as ``found`` does."""
        last = self.last_position(kind)
        return self._parts(EVENTS.c.position == last)[0][1] if last else None

    def last_position(self, *kinds: str) -> int:
        """The position of the last event of some kinds; 0 if there is none."""
        matches = and_(EVENTS.c.stream == self.stream, EVENTS.c.kind.in_(kinds))
        return self._connection.scalar(select(func.max(EVENTS.c.position)).where(matches)) or 0

    def between(self, first: int, last: int) -> tuple[tuple[int, Event], ...]:
        """The events at these positions, both counted. Raises InstrumentError as ``found`` does."""
        return self._parts(EVENTS.c.position.between(first, last))

    def _parts(self, matches: ColumnElement[bool]) -> tuple[tuple[int, Event], ...]:
        """The matching events of the stream with their positions, each a part of the chain."""
        question = select(EVENTS).where(EVENTS.c.stream == self.stream, matches)
        rows = read_all(self._connection, question, self._where)
        before = {row.position - 1 for row in rows}
        follows = self._hashes_at(before - {0}) | {0: START}
        events = []
        for row in sorted(rows, key=lambda row: int(row.position)):
            is_held = self.head is not None and 1 <= row.position <= self.head.events
            previous = follows.get(row.position - 1, "") if is_held else ""
            events.append((int(row.position), self._checked(row, row.position, previous)))
        return tuple(events)

    def _hashes_at(self, positions: Collection[int]) -> dict[int, str]:
        """The hashes of the events at these positions."""
        matches = and_(EVENTS.c.stream == self.stream, EVENTS.c.position.in_(positions))
        rows = self._connection.execute(select(EVENTS.c.position, EVENTS.c.hash).where(matches))
        return {int(position): digest for position, digest in rows}

    def hashes(self) -> tuple[str, ...]:
        """The hash of every event, oldest first."""
        question = select(EVENTS.c.hash).where(EVENTS.c.stream == self.stream)
        return tuple(self._connection.scalars(question.order_by(EVENTS.c.position)))

    def rows(self, kind: str = "", **values: str) -> tuple[DerivedRow, ...]:
        """The derived rows of the stream of that kind (default: any), with the given values."""
        wanted = {"stream": self.stream} | ({"kind": kind} if kind else {}) | values
        matches = (DERIVED.c[name] == value for name, value in wanted.items())
        return tuple(row for _, row in read_rows(self._connection, and_(*matches)))

    def rows_as_stored(self) -> tuple[dict[str, Any], ...]:
        """What the chain covers of each event, and its hash, oldest first."""
        names = ("stream", "position", "previous", "body", "hash")
        question = select(*(EVENTS.c[name] for name in names)).where(EVENTS.c.stream == self.stream)
        rows = self._connection.execute(question.order_by(EVENTS.c.position))
        return tuple(dict(row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name

    def append(
        self,
        *events: Event,
        now: datetime | None = None,
        after: int | None = None,
        is_kept: bool = False,
    ) -> StreamHead:
        """Add all events or none, and return the new head.

        Raises UsageError if the stream does not hold ``after`` events, if given, or if a time is
        before an earlier one or after ``now`` (see ``require_times``), unless the events were
        recorded before (``is_kept``). A stream begins with an event that opens it; nothing else
        opens one.
        """
        held = self.head.events if self.head else 0
        if after is not None and after != held:
            msg = f"{self._where}: {self.stream} holds {held} events, not {after}"
            raise UsageError(msg)
        if not is_kept:
            require_times(self.head, events, now)
        head, rows = self.head, []
        for position, event in enumerate(events, held + 1):
            if isinstance(event, StreamOpened) != (head is None):
                msg = f"{self.stream}: begins with the event that opens it"
                raise ValueError(msg)
            rows.append(row_of(self.stream, position, head.hash if head else START, event))
            head = head_after(head, self.stream, event, rows[-1]["hash"])
        if head is None or not rows:
            msg = "no events to append"
            raise ValueError(msg)
        self._connection.execute(insert(EVENTS), rows)
        self._keep(head)
        return head

    def put(self, rows: Iterable[DerivedRow]) -> None:
        """Write derived rows; each replaces the one of its kind and id."""
        for row in rows:
            place = {"stream": self.stream, "kind": row.kind, "id": row.id}
            values = {"state": row.state, "key": row.key, "body": row.body}
            matches = and_(*(DERIVED.c[name] == value for name, value in place.items()))
            if not self._connection.execute(update(DERIVED).where(matches).values(values)).rowcount:
                self._connection.execute(insert(DERIVED).values(place | values))

    def replace_rows(self, rows: Iterable[DerivedRow]) -> None:
        """Write all derived rows of the stream anew."""
        self._connection.execute(delete(DERIVED).where(DERIVED.c.stream == self.stream))
        if values := [{"stream": self.stream, **row._asdict()} for row in rows]:
            self._connection.execute(insert(DERIVED), values)

    def _keep(self, head: StreamHead) -> None:
        values = {name: getattr(head, name) for name in STREAMS.c.keys()}  # noqa: SIM118 - columns
        if self.head is None:
            self._connection.execute(insert(STREAMS).values(values))
        else:
            matches = and_(STREAMS.c.stream == self.stream, STREAMS.c.hash == self.head.hash)
            kept = self._connection.execute(update(STREAMS).where(matches).values(values))
            if kept.rowcount != 1:
                raise InstrumentError(f"{self._where}: the head of {self.stream} was changed")
        self.head = head

    def _chain(self, rows: Iterable[Any]) -> Iterator[Event]:
        """Each event; the chain and the head are checked."""
        number = 0
        found: StreamHead | None = None
        for number, row in enumerate(rows, 1):
            event = self._checked(row, number, found.hash if found else START)
            found = head_after(found, self.stream, event, row.hash)
            yield event
        if self.head != found:
            recorded = f"records {self.head.events}" if self.head else "is missing"
            msg = (
                f"{self._where}: the registry was changed: {self.stream} holds {number} events, "
                f"but its head {recorded}"
            )
            if self.head and self.head.events == number:
                msg = f"{self._where}: the registry was changed: the head of {self.stream} is wrong"
            raise InstrumentError(msg)

    def _checked(self, row: Any, position: int, previous: str) -> Event:
        event = event_of(row.body)
        if event is not None:
            as_written = row_of(self.stream, position, previous, event, row.body)
            if dict(row._mapping) == as_written:  # noqa: SLF001 - SQLAlchemy's public name for it
                return event
        msg = f"{self._where}: event {position} of {self.stream} was changed"
        raise InstrumentError(msg)


class Registry:
    """An open registry, and a context manager that closes it; made by ``open_registry``."""

    def __init__(self, engine: Engine, where: str, url: str = "") -> None:
        self._engine = engine
        self._url = url
        self.where = where

    @property
    def is_postgresql(self) -> bool:
        """Whether the registry is in a PostgreSQL database."""
        return self._engine.name == "postgresql"

    def heads(self) -> tuple[StreamHead, ...]:
        """The heads of all streams, in order of their names. Raises InstrumentError."""
        with self.transaction() as connection:
            rows = read_all(connection, select(STREAMS).order_by(STREAMS.c.stream), self.where)
            return tuple(StreamHead(**row._mapping) for row in rows)  # noqa: SLF001 - see above

    def streams(self) -> tuple[str, ...]:
        """The names of all streams that have a head or derived rows, in order."""
        both = union(select(STREAMS.c.stream), select(DERIVED.c.stream)).order_by("stream")
        with self.transaction() as connection:
            return tuple(connection.scalars(both))

    def rows(
        self, kind: str, *, leave: str = "", **values: str
    ) -> tuple[tuple[str, DerivedRow], ...]:
        """Derived rows of all streams, each with its stream, in the order of stream and id.

        Only those of the kind and with the given values, and without those of the state ``leave``.
        """
        matches = [DERIVED.c.kind == kind]
        matches += [DERIVED.c[name] == value for name, value in values.items()]
        if leave:
            matches.append(or_(DERIVED.c.state < leave, DERIVED.c.state > leave))
        with self.transaction() as connection:
            return tuple(read_rows(connection, and_(*matches)))

    def require_heads(self) -> None:
        """Raise InstrumentError if there are events of a stream without a head."""
        known = select(STREAMS.c.stream)
        with self.transaction() as connection:
            lost = connection.scalars(
                select(EVENTS.c.stream).where(EVENTS.c.stream.not_in(known)).limit(1)
            ).first()
        if lost is not None:
            msg = f"{self.where}: the registry was changed: the head of {lost} is missing"
            raise InstrumentError(msg)

    def streams_about(self, about: str, kind: str) -> tuple[str, ...]:
        """The streams that hold an event of that kind about something, in order."""
        matches = and_(EVENTS.c.about == about, EVENTS.c.kind == kind)
        question = select(EVENTS.c.stream).where(matches).distinct()
        with self.transaction() as connection:
            return tuple(sorted(connection.scalars(question)))

    @contextmanager
    def reading(self, stream: str) -> Iterator[StreamAccess]:
        """Read a stream as it is at one moment. Raises InstrumentError if that is not possible."""
        with self.transaction() as connection:
            yield StreamAccess(connection, stream, self.where)

    @contextmanager
    def writing(self, stream: str) -> Iterator[StreamAccess]:
        """Read and extend a stream, while its other writers wait; an error takes all back."""
        with self.transaction(is_writing=True) as connection:
            lock(connection, stream)
            yield StreamAccess(connection, stream, self.where)

    @contextmanager
    def writing_all(self, streams: Iterable[str]) -> Iterator[tuple[StreamAccess, ...]]:
        """Read and extend several streams in one transaction; an error takes all back."""
        with self.transaction(is_writing=True) as connection:
            names = sorted(set(streams))
            for name in names:
                lock(connection, name)
            yield tuple(StreamAccess(connection, name, self.where) for name in names)

    @contextmanager
    def transaction(self, *, is_writing: bool = False) -> Iterator[Connection]:
        """Begin a transaction, in which reading sees one moment; an error takes all back."""
        try:
            with self._engine.connect() as plain:
                level = "READ COMMITTED" if is_writing else "REPEATABLE READ"
                options: dict[str, Any] = {"is_writing": is_writing}
                if self.is_postgresql:
                    options["isolation_level"] = level
                connection = plain.execution_options(**options)
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            done = "written" if is_writing else "read"
            reason = reason_without(self._url, error)
            msg = f"{self.where}: the registry cannot be {done}: {reason}"
            raise InstrumentError(msg) from None

    def let_readers_go_on(self) -> None:
        """Give a registry in a file a write-ahead log, so that readers do not wait for a writer.

        The file keeps it (SQLite's WAL mode), also for other processes, all of which must be on one
        machine (https://sqlite.org/wal.html); two more files are beside it until the last process
        closes it. Nothing is changed while another process uses the file, where the disk cannot do
        it, and on PostgreSQL, where readers never wait for a writer.
        """
        if self.is_postgresql:
            return
        connection = self._engine.raw_connection()
        try:
            with suppress(sqlite3.OperationalError):  # another process uses the file
                connection.cursor().execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def lock(connection: Connection, stream: str) -> None:
    """Make other writers of the stream wait until the transaction ends (SQLite: all writers)."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:stream, 0))"), {"stream": stream}
        )


def read_head(connection: Connection, stream: str, where: str) -> StreamHead | None:
    """Return the head of a stream; ``None`` if it was not opened."""
    rows = read_all(connection, select(STREAMS).where(STREAMS.c.stream == stream), where)
    return StreamHead(**rows[0]._mapping) if rows else None  # noqa: SLF001 - SQLAlchemy's public name


def read_all(connection: Connection, question: Select[Any], where: str) -> Sequence[Any]:
    """Return all rows. Raises InstrumentError if a time in them cannot be read."""
    try:
        return connection.execute(question).all()
    except ValueError as error:
        msg = f"{where}: the registry was changed: {error}"
        raise InstrumentError(msg) from None


def read_rows(
    connection: Connection, matches: ColumnElement[bool]
) -> Iterator[tuple[str, DerivedRow]]:
    """Yield matching derived rows with their streams, in order of stream, kind and id."""
    order = (DERIVED.c.stream, DERIVED.c.kind, func.length(DERIVED.c.id), DERIVED.c.id)
    for row in connection.execute(select(DERIVED).where(matches).order_by(*order)):
        yield (
            row.stream,
            DerivedRow(kind=row.kind, id=row.id, body=row.body, state=row.state, key=row.key),
        )
