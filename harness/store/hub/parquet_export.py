"""Write rows as a Parquet file, with DuckDB, in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError
from harness.store.journal.parquet_segment import connect, duckdb, quoted

MEMORY = "128MB"

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
        with connect(memory=MEMORY) as connection:
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
