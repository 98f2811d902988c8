"""Puts right what a crash left in a journal's folder, by the writer, before it goes on.

Nothing measured is lost: a batch that was cut short is moved aside, and of a segment that
was being sealed the form that the manifest vouches for stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import InstrumentError
from harness.store.atomic_write import write_whole
from harness.store.journal.jsonl_segment import Scan
from harness.store.journal.parquet_segment import digest_of_file


def drop_half_states(directory: Path, sealed: Mapping[str, str]) -> None:
    """Of each segment keep one form: Parquet if its stem is in ``sealed``, else JSON lines.

    ``sealed`` gives the SHA-256 of each Parquet file by its stem: the JSON lines go only where the
    file has it. Raises OSError, InstrumentError.
    """
    for pattern in ("segment-*.parquet.tmp", "head.json.*.tmp"):
        for path in directory.glob(pattern):
            path.unlink()
    for path in directory.glob("segment-*.jsonl"):
        made = path.with_suffix(".parquet")
        if path.stem not in sealed:
            made.unlink(missing_ok=True)
            continue
        if digest_of_file(made) != sealed[path.stem]:
            msg = f"{made}: its SHA-256 is not the one in the manifest; {path.name} has the lines"
            raise InstrumentError(msg)
        path.unlink()


def cut_torn_tails(segments: Iterable[tuple[Path, Scan]]) -> tuple[Path, ...]:
    """Move batches that were cut short out of their segments; returns where they are kept.

    The tail is safe aside before the segment is cut. Raises OSError.
    """
    kept = []
    for path, found in segments:
        if found.good == found.size:
            continue
        with path.open("r+b") as stream:
            stream.seek(found.good)
            aside = _free_name(path.parent)
            write_whole(aside, stream.read(), mode=0o600)
            stream.truncate(found.good)
            os.fsync(stream.fileno())
        kept.append(aside)
    return tuple(kept)


def _free_name(directory: Path) -> Path:
    number = len(list(directory.glob("torn-*.bin"))) + 1
    return directory / f"torn-{number:06d}.bin"
