"""Sealed segments: write and read Parquet files (zstd), and open DuckDB sessions.

The key columns are flat, so that a resume or a query reads only them; ``record`` is the
observation's JSON line byte for byte, so that sealing loses nothing and a new reader needs no new
file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import InstrumentError
from harness.store.atomic_write import sync_file, sync_folder
from harness.store.journal.jsonl_segment import MARKER
from harness.store.journal.key_index import SEPARATOR

SESSION_MEMORY = "160MB"
"""The memory limit of a DuckDB session; more data goes to the disk, beside the database file."""


def connect(path: Path | None = None, memory: str = SESSION_MEMORY) -> Any:
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
    """The duckdb library, imported on demand because that takes 60 ms."""
    import duckdb  # noqa: PLC0415 - see above

    return duckdb


def quoted(path: Path) -> str:
    """A path as an SQL literal, where no parameter is possible."""
    return _literal(str(path))


ROW_GROUP, FETCHED = 4096, 256
"""Rows held in memory at a time: by DuckDB while writing or reading, and by us while reading."""

MEMORY = "256MB"
"""DuckDB's memory limit while sealing or reading."""

KEPT = 2
"""So many sessions in memory are kept for the next segment: to open one takes 25 ms."""

_kept: list[Any] = []

_KEY = ("campaign", "item", "probe", "line", "profile", "round")
_PATHS = (*(f"$.key.{name}" for name in _KEY), "$.batch", "$.role", "$.item.labels[0]")


@contextmanager
def _session() -> Iterator[Any]:
    """A session in memory for sealing or reading; one that met no error is used again."""
    try:
        connection = _kept.pop()
    except IndexError:
        connection = connect(memory=MEMORY)
        # a file that was changed is read again
        connection.execute("SET enable_external_file_cache = false")
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    if len(_kept) < KEPT:
        _kept.append(connection)
    else:
        connection.close()


def write_sealed(source: Path, target: Path) -> str:
    """Convert an open segment (complete batches only) to Parquet, and read it back.

    Returns the SHA-256 over the lines. Raises InstrumentError if the file cannot be written or
    reads back differently; ``source`` is never changed.
    """
    beside = target.with_name(target.name + ".tmp")
    beside.unlink(missing_ok=True)
    try:
        with _session() as connection:
            connection.execute(_copy(source, beside))
        beside.chmod(0o600)
        sync_file(beside)
        written, expected = _digest(records(beside)), _digest(_lines(source))
    except (duckdb().Error, OSError) as error:
        beside.unlink(missing_ok=True)
        msg = f"{target}: cannot be sealed: {error}"
        raise InstrumentError(msg) from error
    if written != expected:
        beside.unlink(missing_ok=True)
        msg = f"{target}: the sealed segment reads back differently from {source.name}"
        raise InstrumentError(msg)
    beside.replace(target)
    sync_folder(target.parent)
    return written


def records(path: Path) -> Iterator[bytes]:
    """The lines of observations in a sealed segment, in the order of measurement."""
    for (record,) in _rows(path, "record"):
        yield record.encode()


def records_by_batch(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a sealed segment, each with the number of its batch."""
    for batch, record in _rows(path, "batch, record"):
        yield batch, record.encode()


def sentinel_records(path: Path) -> Iterator[bytes]:
    """The lines of a sealed segment that are not of items."""
    for (record,) in _rows(path, "record", "WHERE role IS NOT NULL AND role <> 'item'"):
        yield record.encode()


def lines_with(path: Path, text: str) -> Iterator[bytes]:
    """The lines of a sealed segment that contain a text."""
    for (record,) in _rows(path, "record", f"WHERE contains(record, {_literal(text)})"):
        yield record.encode()


def keys(path: Path) -> Iterator[tuple[str, str, str, str, str, int]]:
    """The key columns: campaign, item, probe, line, profile, round."""
    yield from _rows(path, ", ".join(_KEY))


def key_hashes(path: Path) -> Any:
    """The hashes of all keys (see ``key_index``): an array of unsigned 64-bit numbers."""
    try:
        with _session() as connection:
            # the columns are our own constants; the file name goes in as a parameter
            digest = f"md5(concat_ws(chr({ord(SEPARATOR)}), {', '.join(_KEY)}))"
            number = f"CAST('0x' || right({digest}, 16) AS UBIGINT)"
            question = f"SELECT {number} AS hash FROM read_parquet(?)"  # noqa: S608 - see above
            return connection.execute(question, [str(path)]).fetchnumpy()["hash"]
    except duckdb().Error as error:
        msg = f"{path}: cannot be read: {error}"
        raise InstrumentError(msg) from error


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _rows(path: Path, columns: str, where: str = "") -> Iterator[Any]:
    try:
        with _session() as connection:
            # the columns are our own constants; the file name goes in as a parameter
            question = f"SELECT {columns} FROM read_parquet(?) {where}"  # noqa: S608 - see above
            cursor = connection.execute(question, [str(path)])
            while chunk := cursor.fetchmany(FETCHED):
                yield from chunk
    except duckdb().Error as error:
        msg = f"{path}: cannot be read: {error}"
        raise InstrumentError(msg) from error


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _lines(source: Path) -> Iterator[bytes]:
    with source.open("rb") as stream:
        for line in stream:
            if not line.startswith(MARKER):
                yield line.rstrip(b"\n")


def _digest(lines: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        digest.update(b"\n")
    return digest.hexdigest()


def _copy(source: Path, target: Path) -> str:
    """The SQL that converts the lines in one pass, parsing each line once."""
    # the paths are quoted by hand: COPY takes no parameter for its target
    return f"""COPY (
        SELECT found[1] AS campaign, found[2] AS item, found[3] AS probe, found[4] AS line,
            found[5] AS profile, CAST(found[6] AS INTEGER) AS round,
            CAST(found[7] AS INTEGER) AS batch, coalesce(found[8], 'item') AS role,
            found[9] AS category, record
        FROM (
            SELECT CAST(json AS VARCHAR) AS record, json->>{list(_PATHS)} AS found
            FROM read_json_objects({quoted(source)}, format = 'newline_delimited')
            WHERE NOT starts_with(record, '{MARKER.decode()}')))
        TO {quoted(target)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})
    """  # noqa: S608 - our own constants and quoted paths
