"""The journal: the append-only truth of one campaign, whole after any crash.

A folder: ``header.json`` (the declaration it was opened with), ``manifest.jsonl`` (the
hash chain of sealed segments), ``segment-000001.parquet`` ... (sealed), one open
``segment-00000n.jsonl``, ``torn-*.bin`` (batches that a crash cut short, kept aside), and
perhaps ``stops.jsonl`` (what was tried no further) and ``instrument.jsonl`` (with what).

Reading takes no lock and changes nothing. Writing takes the lock, repairs what a crash
left behind, and appends whole batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import AttemptKey, Observation
from harness.model.stop import Stop
from harness.store import sealed
from harness.store.durable import sync_folder
from harness.store.fingerprint import fingerprint_of
from harness.store.header import HEADER, read_header, require_same, write_header
from harness.store.held import HeldKeys
from harness.store.instrument_records import read_instrument
from harness.store.lock import WriterLock
from harness.store.manifest import SealedSegment, append_line, read_manifest
from harness.store.marks import Marks
from harness.store.repair import cut_torn_tails, drop_half_states
from harness.store.segment import Scan, SegmentWriter, encode_batch, lines_of, scan
from harness.store.stops import append_stop, read_stops

SEGMENT_ROWS = 100_000
"""An open segment with more rows than this is sealed."""

_MANIFEST = "manifest.jsonl"
_SENTINEL = b'"role":"'  # not in the line of an item; inside a text a quote is written \"
_OBSERVATIONS = msgspec.json.Decoder(Observation)


class SegmentJournal:
    """A journal in a folder; see the module. ``segment_rows``: when a segment is sealed."""

    def __init__(self, directory: Path, *, segment_rows: int = SEGMENT_ROWS) -> None:
        self.directory = directory
        self._segment_rows = segment_rows
        raw = read_header(directory)
        self._header: dict[str, Any] = msgspec.json.decode(raw)
        self._start = hashlib.sha256(raw).hexdigest()
        self._lock = WriterLock(directory)
        self._writer: SegmentWriter | None = None
        self._held = HeldKeys()
        self._marks = Marks()
        self._open_rows = 0
        self._open_batches: list[int] = []

    @classmethod
    def create(cls, directory: Path, header: dict[str, Any], **options: Any) -> SegmentJournal:
        """Start a journal for writing. Raises UsageError if there is one, InstrumentError."""
        if (directory / HEADER).exists():
            msg = f"{directory}: there is a journal here already; choose another folder"
            raise UsageError(msg)
        if any(directory.glob("segment-*")):
            msg = f"{directory}: has segments but no {HEADER}; choose another folder"
            raise UsageError(msg)
        write_header(directory, header)
        journal = cls(directory, **options)
        journal.write()
        return journal

    @classmethod
    def open_or_create(
        cls, directory: Path, header: dict[str, Any], **options: Any
    ) -> SegmentJournal:
        """Go on with the journal of ``header``, or start it. Raises UsageError for another."""
        if not (directory / HEADER).exists():
            return cls.create(directory, header, **options)
        journal = cls(directory, **options)
        require_same(directory, journal.header, header)
        journal.write()
        return journal

    @property
    def header(self) -> dict[str, Any]:
        """The declaration that the journal was opened with."""
        return self._header

    @property
    def rows(self) -> int:
        """How many observations it holds."""
        opened = self._open_rows if self._writer else sum(f.rows for _, f in self._scans())
        return opened + sum(segment.rows for segment in self._sealed())

    def batches(self) -> frozenset[int]:
        """The numbers of the batches that are whole."""
        numbers = {number for segment in self._sealed() for number in segment.batches}
        if self._writer:
            return frozenset(numbers.union(self._open_batches))
        return frozenset(numbers.union(m.batch for _, f in self._scans() for m in f.markers))

    def stops(self) -> tuple[Stop, ...]:
        """Where some categories were tried no further. Raises InstrumentError."""
        return read_stops(self.directory, self._start)

    def instrument_records(self) -> tuple[InstrumentRecord, ...]:
        """What it was measured with, one for each change. Raises InstrumentError."""
        return read_instrument(self.directory, self._start)

    def keys(self) -> frozenset[AttemptKey]:
        """Every attempt key held. For a resume, ``batches`` is enough and far smaller."""
        held = HeldKeys()
        opened = self._scans()
        for segment in self._sealed():
            held.add_rows(sealed.keys(self.directory / segment.name))
        for path, found in opened:
            held.add_lines(lines_of(path, found.good))
        return frozenset(held)

    def observations(self) -> Iterator[Observation]:
        """Every observation, in the order in which they were made, one at a time."""
        decode = _OBSERVATIONS.decode
        opened = self._scans()
        for segment in self._sealed():
            yield from map(decode, sealed.records(self.directory / segment.name))
        for path, found in opened:
            yield from map(decode, lines_of(path, found.good))

    def sentinels(self) -> Iterator[Observation]:
        """All observations but those of items: of sentinels, heartbeats and retrials."""
        decode = _OBSERVATIONS.decode
        opened = self._scans()
        for segment in self._sealed():
            yield from map(decode, sealed.sentinel_records(self.directory / segment.name))
        for path, found in opened:
            yield from (decode(line) for line in lines_of(path, found.good) if _SENTINEL in line)

    def fingerprint(self) -> str:
        """A digest that changes with what is held."""
        return fingerprint_of(self.directory, self._start, self._scans(), self._sealed())

    def write(self) -> None:
        """Take the journal for writing, and repair what a crash left behind.

        Called by ``append`` and ``seal``; call it early to learn early. Raises UsageError if
        another process is writing, InstrumentError if the journal is damaged.
        """
        if self._writer:
            return
        self._lock.take()
        try:
            sealed_names = {Path(segment.name).stem for segment in self._sealed()}
            drop_half_states(self.directory, sealed_names)
            cut_torn_tails(self._scans())
            self._marks.add(sealed.marks(self.directory / one.name) for one in self._sealed())
            self._start_segment()
        except BaseException:
            self._lock.release()
            raise

    def append(self, batch: int, observations: Iterable[Observation]) -> int:
        """Write one whole batch or nothing; returns how many observations were new.

        Raises InstrumentError when the disk does not take it: the journal is then as before.
        """
        self.write()
        fresh = self._held.take_new(self._without_sealed(list(observations)))
        try:
            self._open_segment.append(encode_batch(batch, fresh))
        except BaseException as error:
            self._held.forget(fresh)
            if isinstance(error, InstrumentError):
                raise InstrumentError(self._unwritten(error)) from error
            raise
        self._open_rows += len(fresh)
        self._open_batches.append(batch)
        if self._open_rows >= self._segment_rows:
            self.seal()
        return len(fresh)

    def stop(self, stop: Stop) -> None:
        """Write down a stop. Raises InstrumentError when the disk does not take it."""
        append_stop(self.directory, self._start, stop)

    def seal(self) -> None:
        """Turn the open segment into Parquet and chain it into the manifest.

        Each step may be the last one before a crash: the JSON lines go only when the manifest
        has the Parquet file. Raises InstrumentError; they then stay.
        """
        self.write()
        if not self._open_batches:
            return
        source = self._open_segment.path
        target = source.with_suffix(".parquet")
        records = sealed.write_sealed(source, target)
        segments = self._sealed()
        line = SealedSegment(
            name=target.name,
            rows=self._open_rows,
            batches=tuple(self._open_batches),
            sha256=sealed.digest_of_file(target),
            records_sha256=records,
            previous=segments[-1].hash if segments else self._start,
        )
        try:
            append_line(self.directory / _MANIFEST, line.chained())
        except OSError as error:
            msg = f"{self.directory / _MANIFEST}: {error.strerror or error}"
            raise InstrumentError(msg) from error
        self._open_segment.close()
        source.unlink()
        sync_folder(self.directory)
        self._marks.add([sealed.marks(target)])
        self._start_segment()

    def verify(self) -> None:
        """Check every byte. Raises InstrumentError naming the first place that does not hold."""
        opened = self._scans()
        self.stops()
        self.instrument_records()
        for segment in self._sealed():
            path = self.directory / segment.name
            if not path.exists():
                msg = f"{path}: is in the manifest, but missing"
                raise InstrumentError(msg)
            if sealed.digest_of_file(path) != segment.sha256:
                msg = f"{path}: its SHA-256 is not the one in the manifest: it was changed"
                raise InstrumentError(msg)
        for path, found in opened:
            if found.good != found.size:
                msg = f"{path}: byte {found.good}: a batch was cut short here"
                raise InstrumentError(msg)

    def close(self) -> None:
        """Let go of the files and the lock."""
        if self._writer:
            self._writer.close()
            self._writer = None
        self._lock.release()

    @property
    def _open_segment(self) -> SegmentWriter:
        if self._writer is None:  # pragma: no cover - write() has been called
            msg = "the journal is closed"
            raise InstrumentError(msg)
        return self._writer

    def _sealed(self) -> tuple[SealedSegment, ...]:
        return read_manifest(self.directory / _MANIFEST, self._start)

    def _scans(self) -> list[tuple[Path, Scan]]:
        """Open segments with what is whole in them. Raises InstrumentError at damage.

        Files are listed first: a segment sealed meanwhile is in the manifest, and counted once.
        """
        paths = sorted(self.directory.glob("segment-*.jsonl"))
        known = {Path(segment.name).stem for segment in self._sealed()}
        scans = [(path, scan(path)) for path in paths if path.stem not in known]
        for path, found in scans:
            if found.broken is not None:
                msg = f"{path}: byte {found.broken}: a batch here is not as it was written"
                raise InstrumentError(msg)
        return scans

    def _without_sealed(self, observations: list[Observation]) -> list[Observation]:
        """Those whose keys no sealed segment holds; looked up only where a mark is known."""
        suspects = self._marks.suspects([observation.key for observation in observations])
        if not suspects:
            return observations
        held = HeldKeys()
        for segment in self._sealed():
            held.add_rows(sealed.keys(self.directory / segment.name))
        return [one for one in observations if one.key not in suspects or one.key not in held]

    def _start_segment(self) -> None:
        """Go on with the open segment, or start the next one."""
        opened = self._scans()
        number = len(self._sealed()) + 1
        path = opened[-1][0] if opened else self.directory / f"segment-{number:06d}.jsonl"
        self._writer = SegmentWriter(path)
        self._held = HeldKeys()
        for each, found in opened:
            self._held.add_lines(lines_of(each, found.good))
        self._open_batches = [marker.batch for _, found in opened for marker in found.markers]
        self._open_rows = sum(found.rows for _, found in opened)

    def _unwritten(self, error: InstrumentError) -> str:
        done = self._open_batches or [one for each in self._sealed() for one in each.batches]
        upto = f"is whole up to batch {done[-1]}" if done else "is whole and empty"
        return f"{error}: the journal {upto}; free space and run the same command again"


def open_journal(directory: Path) -> SegmentJournal:
    """Open a journal to read it or to go on with it. Raises UsageError if there is none."""
    return SegmentJournal(directory)
