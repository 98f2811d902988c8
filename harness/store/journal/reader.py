"""Reads a journal: takes no lock, changes nothing, and may run while another process writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.model.campaign import Stop
from harness.model.instrument_record import InstrumentRecord
from harness.model.journal_header import JournalHeader
from harness.model.observation import AttemptKey, Observation
from harness.store.head import Head, steps
from harness.store.journal import parquet_segment
from harness.store.journal.header import FORMAT, HEADER, PRESENT, read_header, with_seed
from harness.store.journal.jsonl_segment import BatchMarker, Scan, ended, lines_of
from harness.store.journal.key_index import HeldKeys
from harness.store.journal.manifest import SealedSegment, Standing, read_standing
from harness.store.journal.side_records import read_instrument, read_stops

_SENTINEL = b'"role":"'  # not in the line of an item; inside a text a quote is written \"
_OBSERVATIONS = msgspec.json.Decoder(Observation)


class JournalReader:
    """What a journal in a folder says. Raises UsageError if there is none.

    ``start`` is the digest of its header, at which its hash chains start.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        raw = read_header(directory)
        document: dict[str, Any] = msgspec.json.decode(raw)
        self._has_head = document.pop(FORMAT, 1) >= PRESENT
        self._document = with_seed(document, directory)
        self.start = hashlib.sha256(raw).hexdigest()

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object of the header, with the seed if it is known."""
        return self._document

    @cached_property
    def header(self) -> JournalHeader:
        """What the journal was begun with. Raises UsageError if the header does not say it."""
        try:
            return JournalHeader.from_document(self._document)
        except ValueError as error:
            msg = f"{self.directory / HEADER}: not the header of a journal: {error}"
            raise UsageError(msg) from None

    @property
    def rows(self) -> int:
        """How many observations it holds."""
        return self.head.rows

    @property
    def head(self) -> Head:
        """How much it holds, and the hash that stands for all of it."""
        return self.standing().head

    def batches(self) -> frozenset[int]:
        """The numbers of the batches that are whole."""
        return frozenset(self.standing().batches)

    def stops(self) -> tuple[Stop, ...]:
        """Where some categories were tried no further. Raises InstrumentError."""
        return read_stops(self.directory, self.start)

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        """What it was measured with, one for each change. Raises InstrumentError."""
        return read_instrument(self.directory, self.start)

    def keys(self) -> frozenset[AttemptKey]:
        """Every attempt key held. For a resume, ``batches`` is enough and far smaller."""
        held, standing = HeldKeys(), self.standing()
        for segment in standing.sealed:
            held.add_rows(parquet_segment.keys(self.directory / segment.name))
        for path, found in standing.opened:
            held.add_lines(lines_of(path, found.good))
        return frozenset(held)

    def observations(self) -> Iterator[Observation]:
        """Every observation, in the order in which they were made, one at a time."""
        decode, standing = _OBSERVATIONS.decode, self.standing()
        for segment in standing.sealed:
            yield from map(decode, parquet_segment.records(self.directory / segment.name))
        for path, found in standing.opened:
            yield from map(decode, lines_of(path, found.good))

    def sentinels(self) -> Iterator[Observation]:
        """All observations but those of items: of sentinels, heartbeats and retrials."""
        decode, standing = _OBSERVATIONS.decode, self.standing()
        for segment in standing.sealed:
            yield from map(decode, parquet_segment.sentinel_records(self.directory / segment.name))
        for path, found in standing.opened:
            yield from (decode(line) for line in lines_of(path, found.good) if _SENTINEL in line)

    def fingerprint(self) -> str:
        """A digest that changes with what is held."""
        standing = self.standing()
        return fingerprint_of(self.directory, self.start, standing.opened, standing.sealed)

    def require_unchanged(self) -> None:
        """Check every byte that counts. Raises InstrumentError naming what does not hold.

        What a crash cut short counts for nothing, and is left alone.
        """
        standing = self.standing()
        self.stops()
        self.instrument_records()
        for segment in standing.sealed:
            path = self.directory / segment.name
            if parquet_segment.digest_of_file(path) != segment.sha256:
                msg = f"{path}: its SHA-256 is not the one in the manifest: it was changed"
                raise InstrumentError(msg)

    def verify(self) -> None:
        """Check every byte. Raises InstrumentError naming the first place that does not hold."""
        self.require_unchanged()
        for path, found in self.standing().opened:
            if found.good != found.size:
                msg = f"{path}: byte {found.good}: a batch was cut short here"
                raise InstrumentError(msg)

    def standing(self) -> Standing:
        """What is on the disk now. Raises InstrumentError if it is damaged."""
        return read_standing(self.directory, self.start, has_head=self._has_head)


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
