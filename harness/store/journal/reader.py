"""Reads a journal: takes no lock, changes nothing, and may run while another process writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import AttemptKey, Observation
from harness.model.stop import Stop
from harness.store.head import Head
from harness.store.journal import parquet_segment
from harness.store.journal.fingerprint import fingerprint_of
from harness.store.journal.header import FORMAT, PRESENT, read_header
from harness.store.journal.instrument_records import read_instrument
from harness.store.journal.jsonl_segment import lines_of
from harness.store.journal.key_index import HeldKeys
from harness.store.journal.seed import with_seed
from harness.store.journal.standing import Standing, read_standing
from harness.store.journal.stops import read_stops

_SENTINEL = b'"role":"'  # not in the line of an item; inside a text a quote is written \"
_OBSERVATIONS = msgspec.json.Decoder(Observation)


class JournalReader:
    """What a journal in a folder says. Raises UsageError if there is none.

    ``start`` is the digest of its header, at which its hash chains start.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        raw = read_header(directory)
        self._header: dict[str, Any] = msgspec.json.decode(raw)
        self._has_head = self._header.pop(FORMAT, 1) >= PRESENT
        self._header = with_seed(self._header, directory)
        self.start = hashlib.sha256(raw).hexdigest()

    @property
    def header(self) -> dict[str, Any]:
        """The declaration that the journal was opened with."""
        return self._header

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
