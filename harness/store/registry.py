"""The registry: an append-only, hash-chained log of events, in SQLite or PostgreSQL.

Events are never updated or deleted: triggers forbid it, and the hash chain shows where somebody
bypassed them. Each row's hash covers its body and the previous hash.

The head is the number of events and the hash of the last one, in the same database and replaced in
the same transaction: a chain alone does not show events that were cut off at its end. Somebody who
bypasses the triggers and rewrites both is found only by comparison with an earlier printed head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.event import listen
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.types import DateTime, TypeDecorator

from harness.errors import InstrumentError, UsageError
from harness.model.event import AnyEvent, Event, require_times
from harness.untrusted.passwords import database_place, is_database, reason_without


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes, stored as UTC because SQLite has no time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert an aware datetime to naive UTC. Raises ValueError for a naive one."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without a time zone cannot be stored"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert a stored naive UTC datetime to an aware one."""
        del dialect
        return value.replace(tzinfo=UTC) if value else None


METADATA = MetaData()
EVENTS = Table(
    "events",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

HEAD = Table(
    "registry_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("events", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

_APPEND_ONLY = {
    "sqlite": """
        CREATE TRIGGER events_no_update BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END
        --
        CREATE TRIGGER events_no_delete BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END
    """,
    "postgresql": """
        CREATE OR REPLACE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'the registry is append-only'; END$$
        --
        CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()
    """,
}
"""Triggers that make a database refuse to change an event, by dialect."""

_ONLY_GROWS = {
    "sqlite": """
        CREATE TRIGGER registry_head_grows BEFORE UPDATE ON registry_head
        WHEN NEW.events <= OLD.events
        BEGIN SELECT RAISE(ABORT, 'the head of the registry only grows'); END
        --
        CREATE TRIGGER registry_head_stays BEFORE DELETE ON registry_head
        BEGIN SELECT RAISE(ABORT, 'the head of the registry stays'); END
    """,
    "postgresql": """
        CREATE OR REPLACE FUNCTION registry_head_grows() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN
            IF TG_OP = 'UPDATE' AND NEW.events > OLD.events THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'the head of the registry only grows';
        END$$
        --
        CREATE TRIGGER registry_head_grows BEFORE UPDATE OR DELETE ON registry_head
        FOR EACH ROW EXECUTE FUNCTION registry_head_grows()
        --
        CREATE TRIGGER registry_head_stays BEFORE TRUNCATE ON registry_head
        FOR EACH STATEMENT EXECUTE FUNCTION registry_head_grows()
    """,
}
"""Triggers that make a database refuse to set the head back, by dialect."""

for _table, _rules in ((EVENTS, _APPEND_ONLY), (HEAD, _ONLY_GROWS)):
    for _dialect, _statements in _rules.items():
        for _statement in _statements.split("--"):
            _rule = DDL(_statement).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
            listen(_table, "after_create", _rule)


DRIVER = "psycopg"
"""The driver for PostgreSQL, which the extra ``postgresql`` installs."""

READINGS = 10
"""How often reading is repeated while others write, before the last result must be valid."""

START = "0" * 64
"""The hash before the first event."""


class NoRegistry(UsageError):
    """There is no registry yet."""


class Registry:
    """An open registry, and a context manager that closes it; made by ``open_registry``."""

    def __init__(self, engine: Engine, where: str, url: str = "") -> None:
        self._engine = engine
        self._url = url
        self.where = where

    def events(self) -> tuple[Event, ...]:
        """All events, oldest first. Raises InstrumentError where the hash chain is broken."""
        return tuple(event for _, event in self._chain())

    def append(self, *events: Event, after: int, now: datetime | None = None) -> int:
        """Add all events or none, if the registry still holds ``after`` events.

        Returns the new number of events. Raises UsageError if somebody else added some in the
        meantime, or if a time is before an earlier one or after ``now`` (see ``require_times``),
        InstrumentError if the database cannot be written.
        """
        chain = list(self._chain())
        if len(chain) != after:
            raise UsageError(self._changed())
        require_times([event for _, event in chain], events, now)
        previous = chain[-1][0] if chain else START
        rows = []
        for position, event in enumerate(events, after + 1):
            row = _row(position, event, previous)
            previous = row["hash"]
            rows.append(row)
        if not rows:
            return after
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(EVENTS), rows)
                _keep_head(connection, after + len(rows), previous)
        except IntegrityError:
            raise UsageError(self._changed()) from None
        except SQLAlchemyError as error:
            msg = (
                f"{self.where}: the registry cannot be written: {reason_without(self._url, error)}"
            )
            raise InstrumentError(msg) from None
        return after + len(rows)

    def hashes(self) -> tuple[str, ...]:
        """The hash of every event, oldest first; each covers all events before it.

        Raises InstrumentError naming the first event that was changed.
        """
        return tuple(hash_ for hash_, _ in self._chain())

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

    def _changed(self) -> str:
        return f"{self.where}: somebody else changed it meanwhile; run the same command again"

    def _chain(self) -> Iterator[tuple[str, Event]]:
        """Each event with its hash; the chain and the head are checked."""
        previous = START
        try:
            with self._engine.connect() as connection:
                rows, head = _read(connection)
        except SQLAlchemyError as error:
            reason = reason_without(self._url, error)
            msg = f"{self.where}: the registry cannot be read: {reason}"
            raise InstrumentError(msg) from None
        for position, row in enumerate(rows, 1):
            event = _event(row.body)
            if event is None or dict(row._mapping) != _row(position, event, previous, row.body):  # noqa: SLF001 - SQLAlchemy's public name for it
                msg = f"{self.where}: event {position} was changed"
                raise InstrumentError(msg)
            previous = row.hash
            yield previous, event
        if head != (len(rows), previous):
            recorded = "is missing" if head is None else f"records {head[0]}"
            msg = (
                f"{self.where}: the registry was changed: it holds {len(rows)} events, "
                f"but its head {recorded}"
            )
            raise InstrumentError(msg)


def open_registry(where: Path | str, *, create: bool = False) -> Registry:
    """Open a registry: a path (SQLite), or a database URL such as ``postgresql://...``.

    Raises NoRegistry if there is none and ``create`` is false, UsageError if it is not a registry,
    and ModuleNotFoundError if the driver for PostgreSQL is not installed.
    """
    text = str(where)
    is_url = "://" in text
    if not is_url and is_database(text):
        msg = "the registry must be a file, or a database URL that begins with postgresql://"
        raise UsageError(msg)
    if not is_url:
        path = Path(where)
        if not create and not path.exists():
            msg = f"{path}: no registry here; 'accredit run' makes one when a requirement fails"
            raise NoRegistry(msg)
        _make_folder(path.parent)
        if create and not path.exists():
            path.touch(mode=0o600)  # only the user can read it, and the files SQLite puts beside it
    try:
        engine = _engine(text, is_url=is_url)
        with _disposed_on_error(engine):
            if create:
                _create(engine)
            elif not inspect(engine).has_table("events"):
                msg = f"{_shown(engine, text)}: no registry in this database"
                raise NoRegistry(msg) if is_url else UsageError(msg)
    except (SQLAlchemyError, ArgumentError, ModuleNotFoundError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == DRIVER:
            raise
        place = database_place(text) if is_url else text
        msg = f"{place}: not a registry: {reason_without(text, error)}"
        raise UsageError(msg) from None
    return Registry(engine, _shown(engine, text), text)


PATIENCE = 60.0
"""Seconds to wait for another process that holds the file; a slow disk needs many."""


def _engine(text: str, *, is_url: bool) -> Engine:
    if is_url:
        return create_engine(_with_driver(text))
    return create_engine(f"sqlite:///{text}", connect_args={"timeout": PATIENCE})


@contextmanager
def _disposed_on_error(engine: Engine) -> Iterator[None]:
    """Dispose of the engine if an error occurs, so that no connection stays open."""
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _with_driver(url: str) -> str:
    """The URL; a PostgreSQL URL without a driver gets the one that our extra installs."""
    scheme, separator, rest = url.partition("://")
    is_bare = scheme in ("postgres", "postgresql")
    return f"postgresql+{DRIVER}{separator}{rest}" if is_bare else url


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: no registry can be made here: {error.strerror or error}"
        raise UsageError(msg) from None


def _create(engine: Engine) -> None:
    """Make the missing tables; a registry of an older version gets its head."""
    inspected = inspect(engine)
    is_of_before = inspected.has_table(EVENTS.name) and not inspected.has_table(HEAD.name)
    METADATA.create_all(engine)
    if is_of_before:
        with engine.begin() as connection:
            last = connection.execute(select(EVENTS).order_by(EVENTS.c.position.desc())).first()
            if last:
                _keep_head(connection, last.position, last.hash)


def _keep_head(connection: Connection, events: int, last: str) -> None:
    """Write the head; a registry of an older version may have no table for it."""
    if not _has_head(connection):
        return
    if not connection.execute(update(HEAD).values(events=events, hash=last)).rowcount:
        connection.execute(insert(HEAD).values(id=1, events=events, hash=last))


def _has_head(connection: Connection) -> bool:
    return inspect(connection).has_table(HEAD.name)


def _read(connection: Connection) -> tuple[Sequence[Any], tuple[int, str] | None]:
    """All rows, and the head of the same moment; read again if somebody writes in between.

    Databases differ in what two queries see together, but a head only grows. For a registry of an
    older version without a head, the head follows from the rows.
    """
    question = select(EVENTS).order_by(EVENTS.c.position)
    if not _has_head(connection):
        rows = connection.execute(question).all()
        return rows, (len(rows), rows[-1].hash if rows else START)
    for _ in range(READINGS):
        before = connection.execute(select(HEAD)).first()
        rows = connection.execute(question).all()
        head = connection.execute(select(HEAD)).first()
        if before == head:
            break
    if head is None:
        return rows, None if rows else (0, START)
    return rows, (head.events, head.hash)


def _row(position: int, event: Event, previous: str, body: str = "") -> dict[str, Any]:
    """A row of the table; ``body`` is the existing text of an event that was written before."""
    body = body or msgspec.json.encode(event).decode()
    digest = hashlib.sha256(f"{position}\x1f{previous}\x1f{body}".encode()).hexdigest()
    return {
        "position": position,
        "at": event.at.astimezone(UTC),
        "actor": event.actor,
        "kind": event.__struct_config__.tag,
        "body": body,
        "previous": previous,
        "hash": digest,
    }


def _event(body: str) -> Event | None:
    try:
        event: Event = msgspec.json.decode(body, type=AnyEvent)
    except msgspec.MsgspecError:
        return None
    return event


def _shown(engine: Engine, text: str) -> str:
    """The file or database, without user name, password and options."""
    if engine.name == "sqlite":
        return engine.url.database or "sqlite"
    return database_place(text)
