"""Open a registry, in a SQLite file or a PostgreSQL database, and bring its tables up to date."""

from __future__ import annotations

import stat
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import registry as dialects
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.util import LRUCache

from harness.errors import UsageError
from harness.store.registry.streams import Registry, lock
from harness.store.registry.tables import OLD_EVENTS, VERSION_TABLE
from harness.untrusted.passwords import database_place, is_database, reason_without

DRIVER = "psycopg"
"""The driver for PostgreSQL, which the extra ``postgresql`` installs."""

PATIENCE = 60.0
"""Seconds to wait for another process that holds the file; a slow disk needs many."""

KEPT = 20
"""How many connections to PostgreSQL are kept open, and how many more there may be for a moment.

To open one takes longer than to answer most pages."""

SCHEMA = "0003"
"""The newest version of the tables; the scripts are in ``schema/versions``."""

WITHOUT_HUB = ("0001", "0002")
"""Earlier versions: only a hub needs what they lack."""


class NoRegistry(UsageError):
    """There is no registry yet."""


class OldRegistry(UsageError):
    """The registry is of an earlier version of Accredit, and can be migrated."""


def open_registry(
    where: Path | str, *, create: bool = False, is_old_allowed: bool = False
) -> Registry:
    """Open a registry: a path (SQLite), or a database URL such as ``postgresql://...``.

    With ``create`` it is made if there is none, and its tables are brought up to date.
    Raises NoRegistry if there is none and ``create`` is false, OldRegistry if it must be migrated
    and ``is_old_allowed`` is false, UsageError if it is not a registry, and ModuleNotFoundError if
    the driver for PostgreSQL is not installed.
    """
    place = str(where)
    is_url = "://" in place
    if not is_url and is_database(place):
        msg = "the registry must be a file, or a database URL that begins with postgresql://"
        raise UsageError(msg)
    try:
        file = _file_of(place) if is_url else Path(where)
        if file is not None:
            _prepare_file(file, create=create)
        engine = _engine(place, is_url=is_url)
        with _disposed_on_error(engine):
            shown = _shown(engine, place)
            is_file = file is not None
            _require_tables(engine, shown, create=create, is_file=is_file, is_old=is_old_allowed)
    except (SQLAlchemyError, ArgumentError, ModuleNotFoundError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == DRIVER:
            raise
        named = database_place(place) if is_url else place
        msg = f"{named}: not a registry: {reason_without(place, error)}"
        raise UsageError(msg) from None
    return Registry(engine, shown, place)


def upgrade(connection: Connection) -> None:
    """Bring the tables up to the newest version, within the transaction of a connection."""
    from alembic import command  # noqa: PLC0415 - heavy, and only needed where tables change
    from alembic.config import Config  # noqa: PLC0415 - the same

    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "schema"))
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")


def schema_of(connection: Connection) -> str:
    """Return the version of the tables: ``old`` before there were streams, empty for none."""
    tables = inspect(connection)
    if tables.has_table(VERSION_TABLE):
        return str(connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")))  # noqa: S608 - a constant
    if not tables.has_table(OLD_EVENTS.name):
        return ""
    columns = {column["name"] for column in tables.get_columns(OLD_EVENTS.name)}
    return "old" if columns == set(OLD_EVENTS.c.keys()) else ""


def _file_of(url: str) -> Path | None:
    """The file that a URL of SQLite names; ``None`` for other databases and one in memory."""
    if not url.startswith("sqlite"):
        return None
    database = make_url(_with_driver(url)).database
    if not database or database == ":memory:" or database.startswith("file:"):
        return None
    return Path(database)


def _prepare_file(path: Path, *, create: bool) -> None:
    """Raise NoRegistry if there is no file; with ``create`` make its folder, and the file."""
    if not create and not path.exists():
        msg = f"{path}: no registry here; 'accredit run' makes one"
        raise NoRegistry(msg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{path.parent}: no registry can be made here: {error.strerror or error}"
        raise UsageError(msg) from None
    if create and not path.exists():
        # Only the user can read it, and the files that SQLite puts beside it.
        path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)


def _require_tables(
    engine: Engine, shown: str, *, create: bool, is_file: bool, is_old: bool
) -> None:
    with _begun(engine, is_writing=False) as connection:
        found = schema_of(connection)
    if found in ("", *WITHOUT_HUB) and create:
        with _begun(engine, is_writing=True) as connection:
            lock(connection, "schema")
            if schema_of(connection) in ("", *WITHOUT_HUB):
                upgrade(connection)
        return
    if not found:
        msg = f"{shown}: no registry in this database"
        raise UsageError(msg) if is_file else NoRegistry(msg)
    if found == "old" and not is_old:
        msg = (
            f"{shown}: this registry is of an earlier version; "
            "'accredit registry migrate' brings it up to date"
        )
        raise OldRegistry(msg)
    if found not in (SCHEMA, *WITHOUT_HUB, "old"):
        msg = f"{shown}: this registry has tables of version {found}; use a newer Accredit"
        raise UsageError(msg)


@contextmanager
def _begun(engine: Engine, *, is_writing: bool) -> Iterator[Connection]:
    with (
        engine.connect().execution_options(is_writing=is_writing) as connection,
        connection.begin(),
    ):
        yield connection


class _OneDialect(SQLiteDialect_pysqlite):
    """All engines of files speak one dialect, so that they share what was compiled for one.

    A file is opened for each act; compiling its statements anew took a third of the time.
    """

    place: ClassVar[str] = "sqlite+accredit"
    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _OneDialect)

    def __hash__(self) -> int:
        return hash(_OneDialect)


dialects.register("sqlite.accredit", __name__, _OneDialect.__name__)
_COMPILED: MutableMapping[Any, Any] = LRUCache(1000)


def _engine(place: str, *, is_url: bool) -> Engine:
    if is_url and not place.startswith("sqlite"):
        return create_engine(_with_driver(place), pool_size=KEPT, max_overflow=KEPT)
    url = make_url(_with_driver(place)) if is_url else URL.create("sqlite", database=place)
    engine = create_engine(
        url.set(drivername=_OneDialect.place),
        connect_args={"timeout": PATIENCE},
        execution_options={"compiled_cache": _COMPILED},
    )
    event.listen(engine, "connect", _leave_transactions)
    event.listen(engine, "begin", _begin)
    return engine


def _leave_transactions(connection: Any, _: object) -> None:
    """Make the driver begin no transactions of its own, so that ``_begin`` decides."""
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that writes locks the file at once, so that it cannot fail later."""
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


@contextmanager
def _disposed_on_error(engine: Engine) -> Iterator[None]:
    """Dispose of the engine if an error occurs, so that no connection stays open."""
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _with_driver(url: str) -> str:
    """The URL; a PostgreSQL URL without a driver gets the one that our extra installs.

    Raises UsageError for other databases than PostgreSQL and SQLite.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme.partition("+")[0] not in ("postgres", "postgresql", "sqlite"):
        msg = f"{database_place(url)}: not a registry: give a file, or postgresql://HOST/DATABASE"
        raise UsageError(msg)
    is_bare = scheme in ("postgres", "postgresql")
    return f"postgresql+{DRIVER}{separator}{rest}" if is_bare else url


def _shown(engine: Engine, place: str) -> str:
    """The file or database, without user name, password and options."""
    if engine.name == "sqlite":
        return engine.url.database or "sqlite"
    return database_place(place)
