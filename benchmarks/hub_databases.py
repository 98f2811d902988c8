"""One hub with its registry in a file of SQLite, and behind row-level security in PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from benchmarks.hub_rows import Rows, grow
from harness.cli.hub_file import read_hub
from harness.cli.hub_restore import restore
from harness.cli.paths import DATABASE
from harness.store.hub.row_security import secure
from harness.store.registry.opening import open_registry

ROLE = "hub"


class StoredHub(NamedTuple):
    """A hub; ``registry`` is the file, or the URL with which the owner of the tables signs in."""

    database: str
    folder: Path
    registry: str | Path

    def grow(self, outcomes: int) -> Rows:
        """Copy rows until there are at least so many outcomes."""
        with open_registry(self.registry) as registry:
            return grow(registry, outcomes)


def in_file(folder: Path) -> StoredHub:
    """A hub whose registry is a file."""
    return StoredHub("SQLite", folder, read_hub(folder).registry)


def has_postgresql() -> bool:
    """Whether PostgreSQL is installed."""
    from test_suites.products.process import which  # noqa: PLC0415 - a clone alone has tests

    return bool(which("initdb") and which("postgres"))


@contextmanager
def in_postgresql(backup: Path, to: Path) -> Iterator[StoredHub]:
    """Restore the backup of a hub with its registry in a PostgreSQL of its own.

    While the context lasts the environment names the database, with a role that owns nothing.
    """
    from test_suites.products.postgresql import PostgreSql  # noqa: PLC0415 - as above

    with PostgreSql() as server:
        owner, password = server.new_database(), secrets.token_hex(8)
        restore(backup, to, owner)
        with open_registry(owner) as registry, registry.transaction(is_writing=True) as connection:
            connection.execute(text(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'"))
            secure(connection, ROLE)
        own = f"accredit:{server.password}@"
        os.environ[DATABASE] = owner.replace(own, f"{ROLE}:{password}@")
        try:
            yield StoredHub("PostgreSQL", to / "hub", owner)
        finally:
            del os.environ[DATABASE]
