"""Repair a journal's folder after a crash; the writer does this before it resumes.

No complete batch is lost: an incomplete batch is moved aside, and a segment that was being sealed
keeps the form that the manifest lists.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import InstrumentError
from harness.store.atomic_write import write_whole
from harness.store.journal.jsonl_segment import Scan
from harness.store.journal.parquet_segment import digest_of_file


def remove_interrupted_sealing(directory: Path, sealed: Mapping[str, str]) -> None:
    """Remove what interrupted sealing left, so that each segment exists in one form.

    That is Parquet if its stem is in ``sealed``, else JSON lines. ``sealed`` has the SHA-256 of
    each Parquet file by its stem: the JSON lines are deleted only if it matches. Raises OSError,
    InstrumentError.
    """
    for pattern in ("segment-*.parquet.tmp", "head.json.*.tmp"):
        for path in directory.glob(pattern):
            path.unlink()
    for path in directory.glob("segment-*.jsonl"):
        parquet = path.with_suffix(".parquet")
        if path.stem not in sealed:
            parquet.unlink(missing_ok=True)
            continue
        if digest_of_file(parquet) != sealed[path.stem]:
            msg = f"{parquet}: its SHA-256 does not match the manifest; {path.name} has the lines"
            raise InstrumentError(msg)
        path.unlink()


def cut_torn_tails(segments: Iterable[tuple[Path, Scan]]) -> None:
    """Move incomplete batches out of their segments into files.

    The end is saved to its file before the segment is truncated. Raises OSError.
    """
    for path, contents in segments:
        if contents.good == contents.size:
            continue
        with path.open("r+b") as stream:
            stream.seek(contents.good)
            write_whole(_free_name(path.parent), stream.read(), mode=0o600)
            stream.truncate(contents.good)
            os.fsync(stream.fileno())


def _free_name(directory: Path) -> Path:
    number = len(list(directory.glob("torn-*.bin"))) + 1
    return directory / f"torn-{number:06d}.bin"
