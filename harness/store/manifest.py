"""The manifest lists a journal's sealed segments in a hash chain that starts at the header.

Each line's hash covers the line and the hash before it, so no segment can be changed,
taken out or put in without the chain saying where.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from harness.errors import InstrumentError
from harness.store.durable import write_all


class SealedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the Parquet file, its digest, the digest of its lines, and the chain."""

    name: str
    rows: int
    batches: tuple[int, ...]
    sha256: str
    records_sha256: str
    previous: str
    hash: str = ""

    def chained(self) -> SealedSegment:
        """The same line with its hash."""
        return msgspec.structs.replace(self, hash=self.expected_hash())

    def expected_hash(self) -> str:
        """SHA-256 of the line without its hash."""
        bare = msgspec.structs.replace(self, hash="")
        return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()


def read_manifest(path: Path, start: str) -> tuple[SealedSegment, ...]:
    """The sealed segments, oldest first; a last line that was cut short does not count.

    ``start`` is the digest of the header. Raises InstrumentError, naming the byte, where
    the chain does not hold.
    """
    segments: list[SealedSegment] = []
    offset, previous = 0, start
    for line in whole_lines(path):
        try:
            segment = msgspec.json.decode(line, type=SealedSegment)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            msg = f"{path}: byte {offset}: not a line of a manifest: {error}"
            raise InstrumentError(msg) from None
        if segment.previous != previous or segment.hash != segment.expected_hash():
            msg = f"{path}: byte {offset}: the hash chain does not hold at {segment.name}"
            raise InstrumentError(msg)
        segments.append(segment)
        offset, previous = offset + len(line), segment.hash
    return tuple(segments)


def append_line(path: Path, segment: SealedSegment) -> None:
    """Add one line and wait until the disk has it. Raises OSError, the file as it was."""
    whole = sum(len(line) for line in whole_lines(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.ftruncate(descriptor, whole)
        os.lseek(descriptor, 0, os.SEEK_END)
        write_all(descriptor, msgspec.json.encode(segment) + b"\n")
    except OSError:
        os.ftruncate(descriptor, whole)
        raise
    finally:
        os.close(descriptor)


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a small file that end as lines do."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")]
