"""The state of a journal's folder: its head, the manifest of sealed segments, and open segments.

A hash chain shows changes within it, but not lines that were cut off at its end. So the head, the
number of observations and the hash over all of them, is in a separate file that is replaced
atomically after each batch is on the disk. A crash between the two leaves a head that is one batch
behind, which the writer corrects. A head that records more than the journal holds means that
something was removed. ``read_journal_state`` reads manifest and segments, and checks them against
the head.

Somebody who rewrites both the chain and the head is found only by comparison with an earlier head;
each report, assessment and bundle prints one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import InstrumentError
from harness.model.outcome import PrintedHead
from harness.store.atomic_write import write_whole
from harness.store.journal.hash_chains import (
    CHAINS,
    chain_hashes,
    read_chain,
)
from harness.store.journal.jsonl_segment import BatchMarker, Scan, scan
from harness.store.journal.sealed_segment import sealed_in

HEAD = "head.json"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The number of observations, the hash over all of them, and the ends of the other chains.

    ``chains`` maps the name of a file, such as ``stops.jsonl``, to its last hash; an empty chain
    is left out.
    """

    rows: int
    hash: str
    chains: dict[str, str] = {}

    def printed(self) -> PrintedHead:
        """The head in the form that an assessment prints."""
        return PrintedHead(held=self.rows, hash=self.hash)


_HEADS = msgspec.json.Decoder(Head)


def read_head(directory: Path) -> Head | None:
    """The head in a folder, if there is one. Raises InstrumentError if the file is damaged."""
    path = directory / HEAD
    try:
        text = path.read_bytes()
        head = _HEADS.decode(text)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path}: not the head of a journal, which is damaged: {error}"
        raise InstrumentError(msg) from None
    if text != msgspec.json.encode(head) + b"\n":
        msg = f"{path}: not the head of a journal as it was written; the journal is damaged"
        raise InstrumentError(msg)
    return head


def write_head(directory: Path, head: Head) -> None:
    """Replace the head and wait until it is on the disk. Raises InstrumentError."""
    try:
        write_whole(directory / HEAD, msgspec.json.encode(head) + b"\n", mode=0o600)
    except OSError as error:
        msg = f"{directory / HEAD}: {error.strerror or error}"
        raise InstrumentError(msg) from error


def extended_hash(previous: str, marker: BatchMarker) -> str:
    """The hash after one more batch: over the previous hash and the batch's hash."""
    text = f"{previous}\x1f{marker.batch}\x1f{marker.rows}\x1f{marker.sha256}"
    return hashlib.sha256(text.encode()).hexdigest()


def heads_after(previous: str, rows: int, markers: Iterable[BatchMarker]) -> list[Head]:
    """The heads before the first of the batches and after each one, without the other chains."""
    heads = [Head(rows=rows, hash=previous)]
    for marker in markers:
        last = heads[-1]
        heads.append(Head(rows=last.rows + marker.rows, hash=extended_hash(last.hash, marker)))
    return heads


class SealedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the manifest: a sealed file, its digest, the digest of its lines, and hashes."""

    name: str
    rows: int
    batches: tuple[int, ...]
    sha256: str
    records_sha256: str
    previous: str
    hash: str = ""


_SEALED_SEGMENTS = msgspec.json.Decoder(SealedSegment)


def read_manifest(path: Path, start: str) -> tuple[SealedSegment, ...]:
    """The sealed segments, oldest first; see ``read_chain``."""
    return read_chain(path, start, _SEALED_SEGMENTS)


MANIFEST = "manifest.jsonl"

READINGS = 10
"""How often a folder is read again because a process is writing to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """The state of a folder: sealed segments, scanned open segments, and the resulting head.

    ``behind`` are the heads that a crash may have left: from before the last batch or sealing.
    """

    sealed: tuple[SealedSegment, ...]
    opened: tuple[tuple[Path, Scan], ...]
    head: Head
    behind: tuple[Head, ...] = ()

    @property
    def rows(self) -> int:
        """How many observations there are."""
        return self.head.rows

    @property
    def batches(self) -> list[int]:
        """The numbers of the batches, in the order in which they were written."""
        sealed = [number for segment in self.sealed for number in segment.batches]
        return sealed + [marker.batch for _, contents in self.opened for marker in contents.markers]


def read_journal_state(directory: Path, start: str, *, has_head: bool) -> JournalState:
    """Read a folder whose header has the digest ``start``, and check it against its head.

    Journals of older versions have no head: ``has_head`` is whether this one must. Raises
    InstrumentError, naming the file, where something is damaged, missing or not listed.
    """
    for _ in range(READINGS):
        before = read_head(directory)
        try:
            state = scan_folder(directory, start)
        except FileNotFoundError:  # a segment was sealed after the manifest was read
            continue
        if before == read_head(directory):
            _require(directory, state, before, has_head=has_head)
            return state
    return scan_folder(directory, start)


def scan_folder(directory: Path, start: str) -> JournalState:
    """Read a folder without its head. Raises InstrumentError if it is damaged.

    Files are listed before the manifest is read, so that a segment sealed in between is in the
    manifest and counted once.
    """
    paths = sorted(directory.glob("segment-*.jsonl"))
    files = sealed_in(directory)
    sealed = read_manifest(directory / MANIFEST, start)
    names = {Path(segment.name).stem for segment in sealed}
    opened = tuple((path, scan(path)) for path in paths if path.stem not in names)
    for path, contents in opened:
        if contents.broken is not None:
            msg = f"{path}: byte {contents.broken}: a batch was changed here"
            raise InstrumentError(msg)
    _require_listed(directory, files, sealed, {path.stem for path in paths})
    rows = sum(segment.rows for segment in sealed)
    markers = [marker for _, contents in opened for marker in contents.markers]
    heads = heads_after(sealed[-1].hash if sealed else start, rows, markers)
    behind = heads[-2:-1] or _before_sealing(directory, start, sealed)
    return JournalState(sealed=sealed, opened=opened, head=heads[-1], behind=tuple(behind))


def _require_listed(
    directory: Path, files: list[Path], sealed: tuple[SealedSegment, ...], opened: set[str]
) -> None:
    """Require that every sealed file is in the manifest, or belongs to an open segment."""
    listed = {segment.name for segment in sealed}
    for path in files:
        if path.name not in listed and path.stem not in opened:
            msg = f"{path}: not in {MANIFEST}: lines were removed there, or this file was added"
            raise InstrumentError(msg)
    for name in sorted(listed - {path.name for path in files}):
        path = directory / name
        # one that is there was sealed after the folder was listed; a name never leads elsewhere
        if path.name != name or not path.exists():
            msg = f"{path}: is in the manifest, but missing"
            raise InstrumentError(msg)


def _before_sealing(directory: Path, start: str, sealed: tuple[SealedSegment, ...]) -> list[Head]:
    """The head before the last segment was sealed, if its JSON lines still exist."""
    if not sealed:
        return []
    path = directory / Path(sealed[-1].name).with_suffix(".jsonl")
    try:
        markers = scan(path).markers
    except FileNotFoundError:
        return []
    rows = sum(segment.rows for segment in sealed[:-1])
    previous = sealed[-2].hash if len(sealed) > 1 else start
    return heads_after(previous, rows, markers)[-1:]


def _require(directory: Path, state: JournalState, head: Head | None, *, has_head: bool) -> None:
    path = directory / HEAD
    if head is None:
        if has_head and (state.rows or state.batches or state.sealed):
            msg = f"{path}: is missing, so the end of the journal cannot be checked: damaged"
            raise InstrumentError(msg)
        return
    bare = Head(rows=head.rows, hash=head.hash)
    if bare not in (state.head, *state.behind):
        msg = (
            f"{path}: the journal's end was changed: it holds {state.rows:,} observations, "
            f"but its head records {head.rows:,}"
        )
        raise InstrumentError(msg)
    if unknown := sorted(set(head.chains) - set(CHAINS)):
        msg = f"{path}: records {unknown[0]!r}, which no journal has: the file was changed"
        raise InstrumentError(msg)
    for name in CHAINS:
        hashes = ["", *chain_hashes(directory / name)]
        if head.chains.get(name, "") not in hashes[-2:]:
            msg = f"{directory / name}: lines that the head records were removed"
            raise InstrumentError(msg)
