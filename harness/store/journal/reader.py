"""Read and verify a journal: without a lock, also while another process writes to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.model.campaign import Stop
from harness.model.instrument_record import InstrumentRecord
from harness.model.journal_header import JournalHeader
from harness.model.observation import AttemptKey, Observation
from harness.store.journal import sealed_segment
from harness.store.journal.foreign_files import foreign_files
from harness.store.journal.hash_chains import read_instrument, read_stops
from harness.store.journal.header import FORMAT, HEADER, PRESENT, read_header, with_seed
from harness.store.journal.journal_state import (
    READINGS,
    Head,
    JournalState,
    SealedSegment,
    heads_after,
    read_journal_state,
)
from harness.store.journal.jsonl_segment import BatchMarker, Scan, lines_of, marker_digest
from harness.store.journal.key_index import KeyIndex

_SENTINEL = b'"role":"'  # not in the line of an item; inside a text a quote is written \"
_OBSERVATIONS = msgspec.json.Decoder(Observation)


_NAMES_EVIDENCE = b'"evidence":["'  # as above


class _Named(msgspec.Struct):
    """The bodies that the line of an observation names; the rest is skipped without decoding."""

    evidence: tuple[str, ...] = ()


_EVIDENCE = msgspec.json.Decoder(_Named)

Line = TypeVar("Line")


class JournalReader:
    """A journal opened for reading. Raises UsageError if there is none.

    ``start`` is the digest of its header, where its hash chains start.
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
        """The number of observations."""
        return self.head.rows

    @property
    def head(self) -> Head:
        """The number of observations, and the hash over all of them."""
        return self.state().head

    def batches(self) -> frozenset[int]:
        """The numbers of the complete batches."""
        return frozenset(self.state().batches)

    def stops(self) -> tuple[Stop, ...]:
        """The early stops. Raises InstrumentError."""
        return read_stops(self.directory, self.start)

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        """The instrument records, one for each change. Raises InstrumentError."""
        return read_instrument(self.directory, self.start)

    def keys(self) -> frozenset[AttemptKey]:
        """All attempt keys. For a resume, ``batches`` is enough and far smaller."""
        keys, state = KeyIndex(), self.state()
        for segment in state.sealed:
            keys.add_lines(sealed_segment.records(self.directory / segment.name))
        for path, contents in state.opened:
            keys.add_lines(lines_of(path, contents.good))
        return frozenset(keys)

    def observations(self) -> Iterator[Observation]:
        """All observations, in the order of measurement, one at a time."""
        return self._decoded(_OBSERVATIONS, self._lines())

    def sentinels(self) -> Iterator[Observation]:
        """All observations except those of items: sentinels, heartbeats and retrials."""
        lines = (line for line in self._lines() if _SENTINEL in line)
        return self._decoded(_OBSERVATIONS, lines)

    def evidence(self) -> frozenset[str]:
        """The digests of all bodies that the observations name."""
        lines = (line for line in self._lines() if _NAMES_EVIDENCE in line)
        return frozenset(one for each in self._decoded(_EVIDENCE, lines) for one in each.evidence)

    def _decoded(
        self, decoder: msgspec.json.Decoder[Line], lines: Iterable[bytes]
    ) -> Iterator[Line]:
        """Decode lines. A sealed file's checksum is at its end, so its faults may be met before."""
        try:
            yield from map(decoder.decode, lines)
        except ValueError as error:
            msg = f"{self.directory}: a line was changed and cannot be read: {error}"
            raise InstrumentError(msg) from error

    def _lines(self) -> Iterator[bytes]:
        """The lines of all observations, in the order of measurement."""
        state = self.state()
        for segment in state.sealed:
            yield from sealed_segment.records(self.directory / segment.name)
        for path, contents in state.opened:
            yield from _lines(path, contents)

    def fingerprint(self) -> str:
        """A digest that changes when the contents change."""
        state = self.state()
        return fingerprint_of(self.directory, self.start, state.opened, state.sealed)

    def require_unchanged(self) -> None:
        """Check every byte that counts. Raises InstrumentError naming the file that was changed.

        Files that are no part of a journal are named too: nothing in the folder is unaccounted for.

        An incomplete batch that a crash left does not count and is not checked.
        """
        state = self.state()
        self.stops()
        self.instrument_records()
        for segment in state.sealed:
            path = self.directory / segment.name
            if sealed_segment.digest_of_file(path) != segment.sha256:
                msg = f"{path}: its SHA-256 does not match the manifest: the file was changed"
                raise InstrumentError(msg)
        self._require_no_foreign_files()

    def _require_no_foreign_files(self) -> None:
        for _ in range(READINGS):
            state = self.state()
            foreign = list(foreign_files(self.directory, state))
            if not foreign:
                return
            if self.state().sealed == state.sealed:  # else a segment was sealed meanwhile
                raise InstrumentError(*foreign)

    def require_complete(self) -> None:
        """Raise InstrumentError, naming the file, if a crash left an incomplete batch."""
        for path, contents in self.state().opened:
            if contents.good != contents.size:
                msg = f"{path}: byte {contents.good}: a batch is incomplete here"
                raise InstrumentError(msg)

    def verify(self) -> None:
        """Check every byte. Raises InstrumentError naming the first fault."""
        self.require_unchanged()
        self.require_complete()

    def state(self) -> JournalState:
        """The present state of the folder. Raises InstrumentError if it is damaged."""
        return read_journal_state(self.directory, self.start, has_head=self._has_head)


def _lines(path: Path, contents: Scan) -> Iterator[bytes]:
    """The lines that an open segment held; from its sealed form if it was sealed meanwhile."""
    try:
        yield from lines_of(path, contents.good)
    except FileNotFoundError:
        sealed = sealed_segment.records(sealed_segment.sealed_beside(path))
        yield from (line + b"\n" for line in islice(sealed, contents.rows))


def fingerprint_of(
    folder: Path,
    start: str,
    opened: Iterable[tuple[Path, Scan]],
    segments: tuple[SealedSegment, ...],
) -> str:
    """The SHA-256 of the header's digest, the sealed files and the open segments.

    Sealed files count by their manifest entries, sizes and modification times; open segments count
    by the lines of their complete batches. Raises OSError if a sealed file is missing.
    """
    stats = [(folder / segment.name).stat() for segment in segments]
    files = [(one.st_size, one.st_mtime_ns) for one in stats]
    digest = hashlib.sha256(msgspec.json.encode([start, segments, files]))
    for path, contents in opened:
        for line in _lines(path, contents):
            digest.update(line)
    return digest.hexdigest()


def past_heads(journal: JournalReader) -> Iterator[Head]:
    """All heads that the journal has had, oldest first. Raises InstrumentError if it is damaged.

    The markers of batches in sealed segments are computed again from their rows.
    """
    state, previous, rows = journal.state(), journal.start, 0
    for segment in state.sealed:
        markers = _markers(journal, segment)
        yield from heads_after(previous, rows, markers)
        previous, rows = segment.hash, rows + segment.rows
    opened = (marker for _, contents in state.opened for marker in contents.markers)
    yield from heads_after(previous, rows, opened)


def _markers(journal: JournalReader, segment: SealedSegment) -> Iterator[BatchMarker]:
    """The markers of a segment's batches, computed one record at a time."""
    digests = {number: hashlib.sha256() for number in segment.batches}
    rows = dict.fromkeys(segment.batches, 0)
    for number, record in sealed_segment.records_by_batch(journal.directory / segment.name):
        if number not in digests:
            msg = f"{segment.name}: holds batch {number}, which the manifest does not name"
            raise InstrumentError(msg)
        digests[number].update(record + b"\n")
        rows[number] += 1
    for number in segment.batches:
        yield BatchMarker(
            batch=number, rows=rows[number], sha256=marker_digest(digests[number], number)
        )
