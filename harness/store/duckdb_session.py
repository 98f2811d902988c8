"""DuckDB as the store uses it: one thread, little memory, nothing fetched, nothing printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MEMORY = "160MB"
"""What DuckDB may hold; the rest goes to the disk, beside the database file."""


def connect(path: Path | None = None, memory: str = MEMORY) -> Any:
    """Open a database file, or one in memory. Raises duckdb.Error."""
    settings = {
        "autoinstall_known_extensions": "false",
        "preserve_insertion_order": "true",
        "threads": "1",
        "memory_limit": memory,
    }
    connection = duckdb().connect(str(path or ":memory:"), config=settings)
    connection.execute("SET enable_progress_bar = false")
    return connection


def duckdb() -> Any:
    """The library: 60 ms that most commands need not pay."""
    import duckdb  # noqa: PLC0415 - see above

    return duckdb


def quoted(path: Path) -> str:
    """A path as SQL text, for where no parameter can stand."""
    return "'" + str(path).replace("'", "''") + "'"
