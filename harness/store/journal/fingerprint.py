"""The fingerprint of a journal: changes with what it holds, without reading what is sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.store.journal.jsonl_segment import Scan, lines_of
from harness.store.journal.manifest import SealedSegment


def fingerprint_of(
    folder: Path,
    start: str,
    opened: Iterable[tuple[Path, Scan]],
    segments: tuple[SealedSegment, ...],
) -> str:
    """The SHA-256 of the header's digest, the sealed files and the open segments.

    Sealed files count by what the manifest says of them, size and time of change; of open
    segments the lines of whole batches do. Raises OSError if a sealed file is missing.
    """
    stats = [(folder / segment.name).stat() for segment in segments]
    files = [(one.st_size, one.st_mtime_ns) for one in stats]
    digest = hashlib.sha256(msgspec.json.encode([start, segments, files]))
    for path, found in opened:
        for line in lines_of(path, found.good):
            digest.update(line)
    return digest.hexdigest()
