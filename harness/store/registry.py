"""The registry: an append-only, hash-chained log of events, in SQLite or PostgreSQL.

Nothing is ever updated or deleted: triggers forbid it, and the chain shows where somebody
got round them. Each row's hash covers its body and the hash before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from sqlalchemy import (
    DDL,
    Column,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.types import DateTime, TypeDecorator

from harness.errors import InstrumentError, UsageError
from harness.model.event import AnyEvent, Event
from harness.passwords import database_place, is_database, reason_without

DRIVER = "psycopg"
"""What speaks to PostgreSQL; the extra ``postgresql`` brings it."""

START = "0" * 64
"""The hash before the first event."""


class NoRegistry(UsageError):
    """Nothing is there yet."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes, kept as UTC: SQLite knows no time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in, naive UTC down. Raises ValueError for a naive datetime."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without a time zone cannot be kept"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Naive UTC up, aware out."""
        del dialect
        return value.replace(tzinfo=UTC) if value else None


_METADATA = MetaData()
_EVENTS = Table(
    "events",
    _METADATA,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
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
"""What makes a database refuse to change an event, by dialect."""

for _dialect, _statements in _APPEND_ONLY.items():
    for _statement in _statements.split("--"):
        _rule = DDL(_statement).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        event.listen(_EVENTS, "after_create", _rule)


class Registry:
    """An open registry. Use ``open_registry`` to get one; a context manager closes it."""

    def __init__(self, engine: Engine, where: str, url: str = "") -> None:
        self._engine = engine
        self._url = url
        self.where = where

    def events(self) -> tuple[Event, ...]:
        """All events, oldest first. Raises InstrumentError where the chain does not hold."""
        return tuple(found for _, found in self._chain())

    def append(self, *events: Event, after: int) -> int:
        """Add events, all or none, if the registry still holds ``after`` of them.

        Returns how many it holds then. Raises UsageError if somebody else added some
        meanwhile, InstrumentError if the database does not take them.
        """
        chain = list(self._chain())
        if len(chain) != after:
            raise UsageError(self._changed())
        previous = chain[-1][0] if chain else START
        rows = []
        for position, one in enumerate(events, after + 1):
            row = _row(position, one, previous)
            previous = row["hash"]
            rows.append(row)
        if not rows:
            return after
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_EVENTS), rows)
        except IntegrityError:
            raise UsageError(self._changed()) from None
        except SQLAlchemyError as error:
            msg = (
                f"{self.where}: the registry cannot be written: {reason_without(self._url, error)}"
            )
            raise InstrumentError(msg) from None
        return after + len(rows)

    def verify_chain(self) -> int:
        """Check every event; returns how many there are.

        Raises InstrumentError naming the first that does not hold. Events cut off at the end
        leave a chain that holds: keep the last hash elsewhere to notice that.
        """
        return sum(1 for _ in self._chain())

    def last_hash(self) -> str:
        """The hash of the newest event, which stands for the whole history."""
        chain = list(self._chain())
        return chain[-1][0] if chain else START

    def close(self) -> None:
        """Let go of the database."""
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
        """Each event with its hash, checked."""
        previous = START
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(select(_EVENTS).order_by(_EVENTS.c.position)).all()
        except SQLAlchemyError as error:
            reason = reason_without(self._url, error)
            msg = f"{self.where}: the registry cannot be read: {reason}"
            raise InstrumentError(msg) from None
        for position, row in enumerate(rows, 1):
            found = _event(row.body)
            if found is None or dict(row._mapping) != _row(position, found, previous):  # noqa: SLF001 - SQLAlchemy's public name for it
                msg = f"{self.where}: event {position} is not as it was written"
                raise InstrumentError(msg)
            previous = row.hash
            yield previous, found


def open_registry(where: Path | str, *, create: bool = False) -> Registry:
    """Open a registry: a path (SQLite), or a database URL such as ``postgresql://...``.

    Raises NoRegistry if there is none and ``create`` is false, UsageError if it is something else,
    and ModuleNotFoundError if the driver for PostgreSQL is not installed.
    """
    text = str(where)
    is_url = "://" in text
    if not is_url and is_database(text):
        msg = "the registry is no file, nor a URL that begins with postgresql:// (write it so)"
        raise UsageError(msg)
    if not is_url:
        path = Path(where)
        if not create and not path.exists():
            msg = f"{path}: no registry here; 'accredit run' makes one when a requirement fails"
            raise NoRegistry(msg)
        _make_folder(path.parent)
    try:
        engine = create_engine(_with_driver(text) if is_url else f"sqlite:///{text}")
        with _disposed_on_error(engine):
            if create:
                _METADATA.create_all(engine)
            elif not inspect(engine).has_table("events"):
                msg = f"{_shown(engine, text)}: no registry in this database"
                raise NoRegistry(msg)
    except (SQLAlchemyError, ArgumentError, ModuleNotFoundError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == DRIVER:
            raise
        place = database_place(text) if is_url else text
        msg = f"{place}: not a registry: {reason_without(text, error)}"
        raise UsageError(msg) from None
    return Registry(engine, _shown(engine, text), text)


@contextmanager
def _disposed_on_error(engine: Engine) -> Iterator[None]:
    """Leave no connection behind in the pool of an engine that nobody gets."""
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _with_driver(url: str) -> str:
    """A PostgreSQL URL that names no driver gets the one that our extra brings."""
    scheme, separator, rest = url.partition("://")
    is_bare = scheme in ("postgres", "postgresql")
    return f"postgresql+{DRIVER}{separator}{rest}" if is_bare else url


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: no registry can be made here: {error.strerror or error}"
        raise UsageError(msg) from None


def _row(position: int, one: Event, previous: str) -> dict[str, Any]:
    body = msgspec.json.encode(one).decode()
    digest = hashlib.sha256(f"{position}\x1f{previous}\x1f{body}".encode()).hexdigest()
    return {
        "position": position,
        "at": one.at.astimezone(UTC),
        "actor": one.actor,
        "kind": one.__struct_config__.tag,
        "body": body,
        "previous": previous,
        "hash": digest,
    }


def _event(body: str) -> Event | None:
    try:
        found: Event = msgspec.json.decode(body, type=AnyEvent)
    except msgspec.MsgspecError:
        return None
    return found


def _shown(engine: Engine, text: str) -> str:
    """The place without name, password and options."""
    if engine.name == "sqlite":
        return engine.url.database or "sqlite"
    return database_place(text)
