"""Every head that a journal had since it was begun: after each batch, and after each sealing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from harness.errors import InstrumentError
from harness.store.head import Head, steps
from harness.store.journal import parquet_segment
from harness.store.journal.jsonl_segment import BatchMarker, ended
from harness.store.journal.manifest import SealedSegment
from harness.store.journal.reader import JournalReader


def past_heads(journal: JournalReader) -> Iterator[Head]:
    """The heads, oldest first. Raises InstrumentError if the journal is damaged.

    Of a sealed segment the markers of its batches are made again from its rows.
    """
    standing, previous, rows = journal.standing(), journal.start, 0
    for segment in standing.sealed:
        markers = _markers(journal, segment)
        yield from steps(previous, rows, markers)
        previous, rows = segment.hash, rows + segment.rows
    opened = (marker for _, found in standing.opened for marker in found.markers)
    yield from steps(previous, rows, opened)


def _markers(journal: JournalReader, segment: SealedSegment) -> Iterator[BatchMarker]:
    """The markers of a segment's batches, one record in memory at a time."""
    digests = {number: hashlib.sha256() for number in segment.batches}
    rows = dict.fromkeys(segment.batches, 0)
    for number, record in parquet_segment.records_by_batch(journal.directory / segment.name):
        if number not in digests:
            msg = f"{segment.name}: holds batch {number}, which the manifest does not name"
            raise InstrumentError(msg)
        digests[number].update(record + b"\n")
        rows[number] += 1
    for number in segment.batches:
        yield BatchMarker(batch=number, rows=rows[number], sha256=ended(digests[number], number))
