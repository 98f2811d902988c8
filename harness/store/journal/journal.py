"""Write a journal: the append-only record of one campaign, consistent after any crash.

A journal is a folder: ``header.json`` (the declaration it was opened with), ``head.json`` (the
number of observations and the hash over them), ``manifest.jsonl`` (the hash chain of sealed
segments), ``segment-000001.gz`` ... (sealed), one open ``segment-00000n.jsonl``,
``torn-*.bin`` (batches that a crash cut short, moved aside), and optionally ``stops.jsonl`` (early
stops) and ``instrument.jsonl`` (instrument records).

Reading takes no lock and changes nothing. Writing takes the lock, repairs the effects of a crash,
and appends complete batches. The repair loses no complete batch: an incomplete one is moved aside,
and a segment that was being sealed keeps the form that the manifest lists.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.model.campaign import Stop
from harness.model.instrument_record import InstrumentRecord
from harness.model.observation import Observation
from harness.store.atomic_write import sync_folder, write_whole
from harness.store.journal import sealed_segment
from harness.store.journal.hash_chains import (
    CHAINS,
    append_line,
    append_record,
    append_stop,
    chain_hashes,
    chained,
)
from harness.store.journal.header import (
    HEADER,
    require_same,
    write_header,
)
from harness.store.journal.journal_state import (
    MANIFEST,
    Head,
    JournalState,
    SealedSegment,
    extended_hash,
    read_manifest,
    scan_folder,
    write_head,
)
from harness.store.journal.jsonl_segment import (
    Scan,
    SegmentWriter,
    encode_batch,
    lines_of,
    marker_of,
)
from harness.store.journal.key_index import KeyFilter, KeyIndex
from harness.store.journal.reader import JournalReader
from harness.store.journal.sealed_segment import SUFFIX, digest_of_file, sealed_beside
from harness.store.private_folder import WriterLock

SEGMENT_ROWS, SEGMENT_BYTES = 100_000, 16 * 2**20
"""An open segment with at least this many rows or bytes is sealed.

Sealing takes memory by the bytes, and a resumed journal reads the open segment again.
"""


Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def _one_at_a_time(
    method: Callable[Concatenate[SegmentJournal, Parameters], Result],
) -> Callable[Concatenate[SegmentJournal, Parameters], Result]:
    """Let one thread at a time run the method: each batch extends the previous head."""

    @wraps(method)
    def locked(
        journal: SegmentJournal, /, *arguments: Parameters.args, **named: Parameters.kwargs
    ) -> Result:
        with journal._mutex:  # noqa: SLF001 - the journal's own methods
            return method(journal, *arguments, **named)

    return locked


class SegmentJournal(JournalReader):
    """A journal that can be written; see the module.

    A segment is sealed at ``segment_rows`` observations or ``segment_bytes``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        segment_rows: int = SEGMENT_ROWS,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        super().__init__(directory)
        self._segment_rows, self._segment_bytes = segment_rows, segment_bytes
        self._lock = WriterLock(directory)
        self._mutex = RLock()
        self._writer: SegmentWriter | None = None
        self._keys = KeyIndex()
        self._key_filter = KeyFilter()
        self._open_rows = 0
        self._open_batches: list[int] = []
        self._head = Head(rows=0, hash=self.start)
        self._chains: dict[str, str] = {}

    @classmethod
    def create(cls, directory: Path, document: dict[str, Any], **options: Any) -> SegmentJournal:
        """Start a journal in ``directory`` with the header ``document``, and open it for writing.

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
        """Resume the journal with the header ``document``, or start it, and open it for writing.

        Raises UsageError if the folder's journal was begun with another declaration.
        """
        if not (directory / HEADER).exists():
            return cls.create(directory, document, **options)
        journal = cls(directory, **options)
        require_same(directory, journal.document, document)
        journal.write()
        return journal

    @property
    def head(self) -> Head:
        """The number of observations, and the hash over all of them."""
        return self._head if self._writer else super().head

    def batches(self) -> frozenset[int]:
        """The numbers of the complete batches."""
        if not self._writer:
            return super().batches()
        sealed = (number for segment in self._sealed() for number in segment.batches)
        return frozenset((*sealed, *self._open_batches))

    @_one_at_a_time
    def state(self) -> JournalState:
        """The present state of the folder, not in the middle of a change by another thread."""
        return super().state()

    def write(self) -> None:
        """Open the journal for writing, and repair the effects of a crash.

        ``append`` and ``seal`` call it; call it earlier to find errors earlier. Raises UsageError
        if another process is writing, InstrumentError if the journal is damaged.
        """
        if self._writer:
            return
        self._lock.take()
        try:
            state = self.state()
            named = {Path(segment.name).stem: segment.sha256 for segment in state.sealed}
            remove_interrupted_sealing(self.directory, named)
            cut_torn_tails(state.opened)
            self._key_filter.add(
                sealed_segment.key_hashes(self.directory / one.name) for one in state.sealed
            )
            self._head = state.head
            self._keep_chains()
            self._start_segment()
        except BaseException:
            self._lock.release()
            raise

    @_one_at_a_time
    def append(self, batch: int, observations: Iterable[Observation]) -> int:
        """Write a complete batch or nothing; return how many observations were new.

        Raises InstrumentError if it cannot be written; the journal is then as before.
        """
        self.write()
        new = self._keys.take_new(self._without_sealed(list(observations)))
        segment, head = self._open_segment, self._head
        size = segment.size
        try:
            text = encode_batch(batch, new)
            segment.append(text)
            end = extended_hash(head.hash, marker_of(text))
            self._keep_head(Head(rows=head.rows + len(new), hash=end))
        except BaseException as error:
            self._keys.forget(new)
            segment.take_back(size)
            if isinstance(error, InstrumentError):
                raise InstrumentError(self._unwritten(error)) from error
            raise
        self._open_rows += len(new)
        self._open_batches.append(batch)
        if self._open_rows >= self._segment_rows or segment.size >= self._segment_bytes:
            self.seal()
        return len(new)

    @_one_at_a_time
    def stop(self, stop: Stop) -> None:
        """Record an early stop. Raises InstrumentError if it cannot be written."""
        self.write()
        append_stop(self.directory, self.start, stop)
        self._keep_chains()

    @_one_at_a_time
    def record_instrument(self, record: InstrumentRecord) -> None:
        """Record the instrument, if it changed. Raises InstrumentError."""
        self.write()
        if append_record(self.directory, self.start, record):
            self._keep_chains()

    @_one_at_a_time
    def seal(self) -> None:
        """Compress the open segment and add it to the manifest's hash chain.

        A crash may happen between any two steps: the JSON lines are deleted only when the manifest
        lists the sealed file and the head covers the manifest's line.
        Raises InstrumentError; the JSON lines then stay.
        """
        self.write()
        if not self._open_batches:
            return
        source = self._open_segment.path
        target = source.with_suffix(SUFFIX)
        records = sealed_segment.write_sealed(source, target)
        segments = self._sealed()
        line = chained(
            SealedSegment(
                name=target.name,
                rows=self._open_rows,
                batches=tuple(self._open_batches),
                sha256=sealed_segment.digest_of_file(target),
                records_sha256=records,
                previous=segments[-1].hash if segments else self.start,
            )
        )
        append_line(self.directory / MANIFEST, line)
        self._keep_head(Head(rows=self._head.rows, hash=line.hash))
        self._open_segment.close()
        source.unlink()
        sync_folder(self.directory)
        self._key_filter.add([sealed_segment.key_hashes(target)])
        self._start_segment()

    def close(self) -> None:
        """Close the files and release the lock."""
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
        """Write the head, with the last hash of each of the other chains."""
        write_head(self.directory, msgspec.structs.replace(head, chains=self._chains))
        self._head = head

    def _keep_chains(self) -> None:
        """Update the head after a line was added to one of the other chains."""
        ends = {name: chain_hashes(self.directory / name)[-1:] for name in CHAINS}
        self._chains = {name: end[0] for name, end in ends.items() if end}
        self._keep_head(self._head)

    def _without_sealed(self, observations: list[Observation]) -> list[Observation]:
        """The observations whose keys are in no sealed segment; the filter avoids most reads."""
        suspects = self._key_filter.suspects([observation.key for observation in observations])
        if not suspects:
            return observations
        sealed_keys = KeyIndex()
        for segment in self._sealed():
            sealed_keys.add_lines(sealed_segment.records(self.directory / segment.name))
        return [
            one for one in observations if one.key not in suspects or one.key not in sealed_keys
        ]

    def _start_segment(self) -> None:
        """Continue the open segment, or start the next one."""
        state = scan_folder(self.directory, self.start)
        number = len(state.sealed) + 1
        opened = state.opened
        path = opened[-1][0] if opened else self.directory / f"segment-{number:06d}.jsonl"
        self._writer = SegmentWriter(path)
        self._keys = KeyIndex()
        for segment_path, contents in opened:
            self._keys.add_lines(lines_of(segment_path, contents.good))
        self._open_batches = [marker.batch for _, contents in opened for marker in contents.markers]
        self._open_rows = sum(contents.rows for _, contents in opened)

    def _unwritten(self, error: InstrumentError) -> str:
        done = self._open_batches or [
            number for segment in self._sealed() for number in segment.batches
        ]
        extent = f"is intact up to batch {done[-1]}" if done else "is intact and empty"
        return f"{error}: the journal {extent}; free space and run the same command again"


def open_journal(directory: Path) -> SegmentJournal:
    """Open a journal to read or resume it.

    Raises UsageError if there is none, InstrumentError if its end was changed.
    """
    journal = SegmentJournal(directory)
    _ = journal.head
    return journal


def remove_interrupted_sealing(directory: Path, sealed: Mapping[str, str]) -> None:
    """Remove what interrupted sealing left, so that each segment exists in one form.

    That is the sealed one if its stem is in ``sealed``, else JSON lines. ``sealed`` has the SHA-256
    of each sealed file by its stem: the JSON lines are deleted only if it matches. Raises OSError,
    InstrumentError.
    """
    for pattern in ("segment-*.gz.tmp", "segment-*.parquet.tmp", "head.json.*.tmp"):
        for path in directory.glob(pattern):
            path.unlink()
    for path in directory.glob("segment-*.jsonl"):
        file = sealed_beside(path)
        if path.stem not in sealed:
            file.unlink(missing_ok=True)
            continue
        if digest_of_file(file) != sealed[path.stem]:
            msg = f"{file}: its SHA-256 does not match the manifest; {path.name} has the lines"
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
