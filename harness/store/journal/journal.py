"""The journal: the append-only truth of one campaign, whole after any crash.

A folder: ``header.json`` (the declaration it was opened with), ``head.json`` (how much it
holds, and the hash over it), ``manifest.jsonl`` (the hash chain of sealed segments),
``segment-000001.parquet`` ... (sealed), one open ``segment-00000n.jsonl``, ``torn-*.bin``
(batches that a crash cut short, kept aside), and perhaps ``stops.jsonl`` (what was tried no
further) and ``instrument.jsonl`` (what it was measured with).

Reading takes no lock and changes nothing. Writing takes the lock, repairs what a crash
left behind, and appends whole batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.model.campaign import Stop
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import Observation
from harness.store.atomic_write import sync_folder
from harness.store.head import Head, extended, write_head
from harness.store.journal import parquet_segment
from harness.store.journal.header import (
    HEADER,
    require_same,
    write_header,
)
from harness.store.journal.jsonl_segment import SegmentWriter, encode_batch, lines_of, marker_of
from harness.store.journal.key_index import HeldKeys, Marks
from harness.store.journal.manifest import (
    CHAINS,
    MANIFEST,
    SealedSegment,
    append_line,
    chain_hashes,
    chained,
    look,
    read_manifest,
)
from harness.store.journal.reader import JournalReader
from harness.store.journal.repair import cut_torn_tails, drop_half_states
from harness.store.journal.side_records import append_record, append_stop
from harness.store.lock import WriterLock

SEGMENT_ROWS = 100_000
"""An open segment with more rows than this is sealed."""


Words = ParamSpec("Words")
Given = TypeVar("Given")


def _one_at_a_time(
    method: Callable[Concatenate[SegmentJournal, Words], Given],
) -> Callable[Concatenate[SegmentJournal, Words], Given]:
    """Threads of a measurement write in turn: each batch goes on from the head before it."""

    @wraps(method)
    def in_turn(journal: SegmentJournal, /, *words: Words.args, **named: Words.kwargs) -> Given:
        with journal._turn:  # noqa: SLF001 - the journal's own methods
            return method(journal, *words, **named)

    return in_turn


class SegmentJournal(JournalReader):
    """A journal in a folder; see the module. ``segment_rows``: when a segment is sealed."""

    def __init__(self, directory: Path, *, segment_rows: int = SEGMENT_ROWS) -> None:
        super().__init__(directory)
        self._segment_rows = segment_rows
        self._lock = WriterLock(directory)
        self._turn = RLock()
        self._writer: SegmentWriter | None = None
        self._held = HeldKeys()
        self._marks = Marks()
        self._open_rows = 0
        self._open_batches: list[int] = []
        self._head = Head(rows=0, hash=self.start)
        self._chains: dict[str, str] = {}

    @classmethod
    def create(cls, directory: Path, document: dict[str, Any], **options: Any) -> SegmentJournal:
        """Start a journal in ``directory`` with the header ``document``, and take it for writing.

        Raises UsageError if there is one already, InstrumentError if it cannot be written.
        """
        if (directory / HEADER).exists():
            msg = f"{directory}: there is a journal here already; choose another folder"
            raise UsageError(msg)
        if any(directory.glob("segment-*")):
            msg = f"{directory}: has segments but no {HEADER}; choose another folder"
            raise UsageError(msg)
        write_header(directory, document)
        journal = cls(directory, **options)
        journal.write()
        return journal

    @classmethod
    def open_or_create(
        cls, directory: Path, document: dict[str, Any], **options: Any
    ) -> SegmentJournal:
        """Resume the journal with the header ``document``, or start it, and take it for writing.

        Raises UsageError if the folder holds the journal of another declaration.
        """
        if not (directory / HEADER).exists():
            return cls.create(directory, document, **options)
        journal = cls(directory, **options)
        require_same(directory, journal.document, document)
        journal.write()
        return journal

    @property
    def head(self) -> Head:
        """How much it holds, and the hash that stands for all of it."""
        return self._head if self._writer else super().head

    def batches(self) -> frozenset[int]:
        """The numbers of the batches that are whole."""
        if not self._writer:
            return super().batches()
        within = (number for segment in self._sealed() for number in segment.batches)
        return frozenset((*within, *self._open_batches))

    def write(self) -> None:
        """Take the journal for writing, and repair what a crash left behind.

        Called by ``append`` and ``seal``; call it early to learn early. Raises UsageError if
        another process is writing, InstrumentError if the journal is damaged.
        """
        if self._writer:
            return
        self._lock.take()
        try:
            standing = self.standing()
            named = {Path(segment.name).stem: segment.sha256 for segment in standing.sealed}
            drop_half_states(self.directory, named)
            cut_torn_tails(standing.opened)
            self._marks.add(
                parquet_segment.marks(self.directory / one.name) for one in standing.sealed
            )
            self._head = standing.head
            self._keep_chains()
            self._start_segment()
        except BaseException:
            self._lock.release()
            raise

    @_one_at_a_time
    def append(self, batch: int, observations: Iterable[Observation]) -> int:
        """Write one whole batch or nothing; returns how many observations were new.

        Raises InstrumentError when the disk does not take it: the journal is then as before.
        """
        self.write()
        fresh = self._held.take_new(self._without_sealed(list(observations)))
        segment, head = self._open_segment, self._head
        size = segment.size
        try:
            text = encode_batch(batch, fresh)
            segment.append(text)
            end = extended(head.hash, marker_of(text))
            self._keep_head(Head(rows=head.rows + len(fresh), hash=end))
        except BaseException as error:
            self._held.forget(fresh)
            segment.take_back(size)
            if isinstance(error, InstrumentError):
                raise InstrumentError(self._unwritten(error)) from error
            raise
        self._open_rows += len(fresh)
        self._open_batches.append(batch)
        if self._open_rows >= self._segment_rows:
            self.seal()
        return len(fresh)

    @_one_at_a_time
    def stop(self, stop: Stop) -> None:
        """Write down a stop. Raises InstrumentError when the disk does not take it."""
        self.write()
        append_stop(self.directory, self.start, stop)
        self._keep_chains()

    @_one_at_a_time
    def record_instrument(self, record: InstrumentRecord) -> None:
        """Write down what it is measured with, if that changed. Raises InstrumentError."""
        self.write()
        if append_record(self.directory, self.start, record):
            self._keep_chains()

    @_one_at_a_time
    def seal(self) -> None:
        """Turn the open segment into Parquet and chain it into the manifest.

        Each step may be the last one before a crash: the JSON lines go only when the
        manifest has the Parquet file, and the head the manifest's line.
        Raises InstrumentError; the JSON lines then stay.
        """
        self.write()
        if not self._open_batches:
            return
        source = self._open_segment.path
        target = source.with_suffix(".parquet")
        records = parquet_segment.write_sealed(source, target)
        segments = self._sealed()
        line = chained(
            SealedSegment(
                name=target.name,
                rows=self._open_rows,
                batches=tuple(self._open_batches),
                sha256=parquet_segment.digest_of_file(target),
                records_sha256=records,
                previous=segments[-1].hash if segments else self.start,
            )
        )
        try:
            append_line(self.directory / MANIFEST, line)
        except OSError as error:
            msg = f"{self.directory / MANIFEST}: {error.strerror or error}"
            raise InstrumentError(msg) from error
        self._keep_head(Head(rows=self._head.rows, hash=line.hash))
        self._open_segment.close()
        source.unlink()
        sync_folder(self.directory)
        self._marks.add([parquet_segment.marks(target)])
        self._start_segment()

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
        return read_manifest(self.directory / MANIFEST, self.start)

    def _keep_head(self, head: Head) -> None:
        """Write down what is held now, with the last hash of each further chain."""
        write_head(self.directory, msgspec.structs.replace(head, chains=self._chains))
        self._head = head

    def _keep_chains(self) -> None:
        """Write down the last hash of each further chain, one of which has got a line."""
        ends = {name: chain_hashes(self.directory / name)[-1:] for name in CHAINS}
        self._chains = {name: end[0] for name, end in ends.items() if end}
        self._keep_head(self._head)

    def _without_sealed(self, observations: list[Observation]) -> list[Observation]:
        """Those whose keys no sealed segment holds; looked up only where a mark is known."""
        suspects = self._marks.suspects([observation.key for observation in observations])
        if not suspects:
            return observations
        held = HeldKeys()
        for segment in self._sealed():
            held.add_rows(parquet_segment.keys(self.directory / segment.name))
        return [one for one in observations if one.key not in suspects or one.key not in held]

    def _start_segment(self) -> None:
        """Go on with the open segment, or start the next one."""
        standing = look(self.directory, self.start)
        number = len(standing.sealed) + 1
        opened = standing.opened
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
    """Open a journal to read it or to go on with it.

    Raises UsageError if there is none, InstrumentError if its end is not as it was written.
    """
    journal = SegmentJournal(directory)
    _ = journal.head
    return journal
