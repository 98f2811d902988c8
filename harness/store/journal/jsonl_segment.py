"""Open segments: observations as JSON lines; write and scan them.

A batch is its lines and a marker ``{"batch":n,"rows":m,"sha256":...}`` over their bytes, written
together and flushed to the disk. A batch without a valid marker does not count.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import InstrumentError
from harness.store.atomic_write import sync_folder, write_all

MARKER = b'{"batch":'
"""The start of a marker line; an observation's line starts with its key."""


class BatchMarker(msgspec.Struct, frozen=True, kw_only=True):
    """The line that ends a batch; SHA-256 covers its ``rows`` lines, then ``batch``."""

    batch: int
    rows: int
    sha256: str


_ENCODER = msgspec.json.Encoder()
_MARKERS = msgspec.json.Decoder(BatchMarker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The contents of an open segment. Bytes from ``good`` on are an incomplete batch.

    ``broken`` is the byte of a damaged batch that is followed by a valid one, or ``None``.
    """

    good: int
    size: int
    markers: tuple[BatchMarker, ...]
    broken: int | None = None

    @property
    def rows(self) -> int:
        """The number of observations in complete batches."""
        return sum(marker.rows for marker in self.markers)


def encode_batch(batch: int, observations: Sequence[object]) -> bytes:
    """The bytes of one batch: a line for each observation, then the marker."""
    lines = _ENCODER.encode_lines(observations)
    digest = marker_digest(hashlib.sha256(lines), batch)
    marker = BatchMarker(batch=batch, rows=len(observations), sha256=digest)
    return lines + _ENCODER.encode(marker) + b"\n"


def marker_of(encoded: bytes) -> BatchMarker:
    """The marker that ends an encoded batch."""
    return _MARKERS.decode(encoded[encoded.rfind(b"\n", 0, -1) + 1 :])


def scan(path: Path) -> Scan:
    """Read an open segment and check each batch against its marker."""
    markers: list[BatchMarker] = []
    good = offset = rows = 0
    suspect: int | None = None
    broken: int | None = None
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for line in stream:
            offset += len(line)
            if not line.startswith(MARKER):
                digest.update(line)
                rows += 1
                continue
            marker = _marker(line)
            if (
                marker
                and marker.rows == rows
                and marker.sha256 == marker_digest(digest, marker.batch)
            ):
                # a valid batch after an invalid one: no torn end, the file was damaged
                broken = suspect
                markers.append(marker)
                good = offset
            elif suspect is None:
                suspect = good
            digest, rows = hashlib.sha256(), 0
    return Scan(good=good, size=offset, markers=tuple(markers), broken=broken)


def lines_of(path: Path, until: int) -> Iterator[bytes]:
    """The lines of observations in complete batches, up to byte ``until``, in order."""
    offset = 0
    with path.open("rb") as stream:
        for line in stream:
            offset += len(line)
            if offset > until:
                return
            if not line.startswith(MARKER):
                yield line


class SegmentWriter:
    """Append complete batches to an open segment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._descriptor = os.open(path, flags, 0o600)
        self.size = os.fstat(self._descriptor).st_size
        sync_folder(path.parent)

    def append(self, text: bytes) -> None:
        """Write an encoded batch or nothing. Raises InstrumentError; the file is then as before."""
        try:
            write_all(self._descriptor, text)
        except BaseException as error:
            os.ftruncate(self._descriptor, self.size)
            if not isinstance(error, OSError):
                raise
            msg = f"{self.path}: {error.strerror or error}"
            raise InstrumentError(msg) from error
        self.size += len(text)

    def take_back(self, size: int) -> None:
        """Truncate the file to the ``size`` that it had before. Raises OSError."""
        os.ftruncate(self._descriptor, size)
        self.size = size

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def marker_digest(digest: hashlib._Hash, batch: int) -> str:
    """The SHA-256 of a marker, from the ``digest`` of its batch's lines."""
    digest.update(str(batch).encode())
    return digest.hexdigest()


def _marker(line: bytes) -> BatchMarker | None:
    try:
        return _MARKERS.decode(line) if line.endswith(b"\n") else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
