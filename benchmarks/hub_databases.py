"""One hub with its registry in a file of SQLite, and behind row-level security in PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from harness.cli.hub_file import read_hub
from harness.cli.hub_restore import restore
from harness.cli.paths import DATABASE
from test_suites.kit.processes.product import which
from test_suites.products.postgresql import PostgreSql


class StoredHub(NamedTuple):
    """A hub; ``registry`` is the file, or the URL with which the owner of the tables signs in."""

    database: str
    folder: Path
    registry: str | Path


def in_file(folder: Path) -> StoredHub:
    """A hub whose registry is a file."""
    return StoredHub("SQLite", folder, read_hub(folder).registry)


def has_postgresql() -> bool:
    """Whether PostgreSQL is installed."""
    return bool(which("initdb") and which("postgres"))


@contextmanager
def in_postgresql(backup: Path, to: Path) -> Iterator[StoredHub]:
    """Restore the backup of a hub with its registry in a PostgreSQL of its own.

    While the context lasts the environment names the database, with a role that owns nothing.
    """
    with PostgreSql() as server:
        owner = server.new_database()
        restore(backup, to, owner)
        os.environ[DATABASE] = server.bound_role(owner)
        try:
            yield StoredHub("PostgreSQL", to / "hub", owner)
        finally:
            del os.environ[DATABASE]
