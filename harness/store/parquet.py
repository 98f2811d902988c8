"""Write rows as a Parquet file and read them, with DuckDB, in little memory.

DuckDB is an extra, ``isp-accredit[analysis]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError

MEMORY = "128MB"
"""The memory limit of a DuckDB session; more data goes to the disk."""

FETCHED = 256
"""Rows that are held in memory at a time."""

TYPES: Mapping[type, str] = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
}
"""DuckDB's types of values; times are ``TIMESTAMP WITH TIME ZONE``."""

TIME = "TIMESTAMPTZ"


def write_parquet(
    rows: Iterable[Mapping[str, Any]], types: Sequence[tuple[str, str]], target: Path
) -> None:
    """Write rows with columns of these names and types to a new file.

    They go through a file of JSON lines beside it, which is removed. Raises InstrumentError.
    """
    lines = target.with_name(target.name + ".jsonl")
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in types)
    try:
        with lines.open("wb") as file:
            for row in rows:
                file.write(msgspec.json.encode(row) + b"\n")
        read = f"read_json({quoted(lines)}, format = 'newline_delimited', columns = {{{columns}}})"
        with connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"COPY (SELECT * FROM {read}) TO {quoted(target)} "  # noqa: S608 - our own names
                "(FORMAT parquet, CODEC 'zstd')"
            )
    except (duckdb().Error, OSError) as error:
        msg = f"{target}: cannot be written: {error}"
        raise InstrumentError(msg) from None
    finally:
        lines.unlink(missing_ok=True)


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the values of some columns, row by row. Raises InstrumentError."""
    try:
        with connect() as connection:
            # the columns are our own constants; the file name goes in as a parameter
            question = f"SELECT {', '.join(columns)} FROM read_parquet(?)"  # noqa: S608 - see above
            found = connection.execute(question, [str(path)])
            while chunk := found.fetchmany(FETCHED):
                yield from chunk
    except duckdb().Error as error:
        msg = f"{path}: cannot be read: {error}"
        raise InstrumentError(msg) from error


def connect() -> Any:
    """Open a database in memory that has one thread and fetches nothing."""
    settings = {
        "autoinstall_known_extensions": "false",
        "preserve_insertion_order": "true",
        "threads": "1",
        "memory_limit": MEMORY,
    }
    connection = duckdb().connect(":memory:", config=settings)
    connection.execute("SET enable_progress_bar = false")
    return connection


def duckdb() -> Any:
    """The duckdb library, imported on demand because few need it."""
    import duckdb  # noqa: PLC0415 - see above

    return duckdb


def quoted(path: Path) -> str:
    """A path as an SQL literal, where no parameter is possible."""
    return "'" + str(path).replace("'", "''") + "'"
