"""Sealed segments: the lines of an open segment, compressed; write and read them.

The file is gzip (RFC 1952) of the open segment's bytes, so that sealing loses nothing, ``zcat``
shows them, and no library is needed. Journals of older versions have Parquet files, which are read
with DuckDB: an extra, ``isp-accredit[analysis]``.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfileobj

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import InstrumentError
from harness.store.atomic_write import sync_file, sync_folder
from harness.store.journal.jsonl_segment import MARKER, BatchMarker
from harness.store.journal.key_index import key_hash, keys_in
from harness.store.parquet import read_parquet

SUFFIX, OLDER = ".gz", ".parquet"

MOST_BYTES = 256 * 2**20
"""The most bytes of a segment's lines: far more than is sealed, far less than fills a disk."""
LINE_BYTES, BLOCK_BYTES = 16 * 2**20, 2**18

_MARKERS = msgspec.json.Decoder(BatchMarker)


def write_sealed(source: Path, target: Path) -> str:
    """Compress an open segment (complete batches only), and read it back.

    Returns the SHA-256 over the lines. Raises InstrumentError if the file cannot be written or
    reads back differently; ``source`` is never changed.
    """
    beside = target.with_name(target.name + ".tmp")
    beside.unlink(missing_ok=True)
    try:
        with source.open("rb") as lines, beside.open("wb") as file:
            beside.chmod(0o600)
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                copyfileobj(lines, packed)
        sync_file(beside)
        with source.open("rb") as lines:
            expected = _digest(line[:-1] for line in lines if not line.startswith(MARKER))
        written = _digest(records(beside))
    except OSError as error:
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


def sealed_beside(opened: Path) -> Path:
    """The sealed form of an open segment, whichever version sealed it."""
    older = opened.with_suffix(OLDER)
    return older if older.exists() else opened.with_suffix(SUFFIX)


def sealed_in(folder: Path) -> list[Path]:
    """The sealed segments in a folder, in order."""
    found = (path for suffix in (SUFFIX, OLDER) for path in folder.glob(f"segment-*{suffix}"))
    return sorted(found)


def records(path: Path) -> Iterator[bytes]:
    """The lines of observations in a sealed segment, in the order of measurement.

    Raises InstrumentError if it cannot be read, or is larger than any that was sealed.
    """
    if path.suffix == OLDER:
        for _, record in _older(path):
            yield record
        return
    for line in _lines(path):
        if not line.startswith(MARKER):
            yield line


def records_by_batch(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a sealed segment, each with the number of its batch. Raises InstrumentError."""
    if path.suffix == OLDER:
        yield from _older(path)
        return
    batch: list[bytes] = []
    for line in _lines(path):
        if not line.startswith(MARKER):
            batch.append(line)
            continue
        try:
            number = _MARKERS.decode(line).batch
        except ValueError as error:
            raise _unreadable(path, error) from None
        for one in batch:
            yield number, one
        batch.clear()


def key_hashes(path: Path) -> NDArray[np.uint64]:
    """The hashes of all keys (see ``key_index``): an array of unsigned 64-bit numbers.

    Raises InstrumentError.
    """
    try:
        return np.fromiter(map(key_hash, keys_in(records(path))), dtype=np.uint64)
    except ValueError as error:
        raise _unreadable(path, error) from None


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lines(path: Path) -> Iterator[bytes]:
    """All lines of a file, without the ends of lines."""
    read, begun = 0, b""
    try:
        with gzip.open(path) as stream:
            while block := stream.read(BLOCK_BYTES):
                read += len(block)
                *lines, begun = (begun + block).split(b"\n")
                if read > MOST_BYTES or len(begun) > LINE_BYTES:
                    break
                yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error
    if begun or read > MOST_BYTES:
        raise _unreadable(path, f"more than {read:,} bytes, or a line without an end")


def _older(path: Path) -> Iterator[tuple[int, bytes]]:
    """The rows of a Parquet file, with their batches."""
    for batch, record in read_parquet(path, ("batch", "record")):
        yield batch, record.encode()


def _unreadable(path: Path, error: object) -> InstrumentError:
    return InstrumentError(f"{path}: cannot be read: {error}")


def _digest(lines: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        digest.update(b"\n")
    return digest.hexdigest()
