"""Hash chains of a journal (manifest, stops, instrument), and the state of a journal's folder.

Each line's hash covers the line and the previous hash, starting at the header's digest, so a line
that was changed, removed or inserted is found. ``read_journal_state`` reads the manifest and the
segments of a folder and checks them against its head.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from harness.errors import InstrumentError
from harness.store.atomic_write import write_all
from harness.store.head import HEAD, Head, heads_after, read_head
from harness.store.journal.jsonl_segment import Scan, scan


class Link(Protocol):
    """One line of a chain; a msgspec struct."""

    @property
    def name(self) -> str:
        """The subject of the line, for error messages."""

    @property
    def previous(self) -> str:
        """The previous hash; the header's digest for the first line."""

    @property
    def hash(self) -> str:
        """The hash of this line."""


AnyLink = TypeVar("AnyLink", bound=Link)


class SealedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the manifest: a Parquet file, its digest, the digest of its lines, and hashes."""

    name: str
    rows: int
    batches: tuple[int, ...]
    sha256: str
    records_sha256: str
    previous: str
    hash: str = ""


def read_manifest(path: Path, start: str) -> tuple[SealedSegment, ...]:
    """The sealed segments, oldest first; see ``read_chain``."""
    return read_chain(path, start, SealedSegment)


def read_chain(path: Path, start: str, kind: type[AnyLink]) -> tuple[AnyLink, ...]:
    """The lines of a chain, oldest first; an incomplete last line does not count.

    ``start`` is the digest of the header. Each line must be exactly the text that we write, so a
    new field of a kind must be omitted when it has its default. Raises InstrumentError, naming the
    byte, where the chain is broken.
    """
    links: list[AnyLink] = []
    offset, previous = 0, start
    for line in whole_lines(path):
        try:
            link = msgspec.json.decode(line, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            msg = f"{path}: byte {offset}: not a line of a {path.stem.rstrip('s')}: {error}"
            raise InstrumentError(msg) from None
        is_as_written = line == msgspec.json.encode(link) + b"\n"
        if not is_as_written or link.previous != previous or link.hash != expected_hash(link):
            msg = f"{path}: byte {offset}: the hash chain is broken at {link.name}"
            raise InstrumentError(msg)
        links.append(link)
        offset, previous = offset + len(line), link.hash
    return tuple(links)


class _Hashed(msgspec.Struct):
    """The hash of a line of any chain."""

    hash: str


def chain_hashes(path: Path) -> list[str]:
    """The hashes in a chain's lines, unchecked; ``read_chain`` checks them.

    Raises InstrumentError if a line has no hash.
    """
    try:
        return [msgspec.json.decode(line, type=_Hashed).hash for line in whole_lines(path)]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path}: not a hash chain: {error}"
        raise InstrumentError(msg) from None


def chained(link: AnyLink) -> AnyLink:
    """The same line with its hash."""
    plain: Any = link  # no type says both "a struct" and "with a hash"
    hashed: AnyLink = msgspec.structs.replace(plain, hash=expected_hash(link))
    return hashed


def expected_hash(link: Link) -> str:
    """SHA-256 of the line without its hash."""
    plain: Any = link
    bare = msgspec.structs.replace(plain, hash="")
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()


def append_line(path: Path, link: Link) -> None:
    """Add a line and wait until it is on the disk.

    Raises InstrumentError; the file is then as before.
    """
    try:
        _append(path, msgspec.json.encode(link) + b"\n")
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise InstrumentError(msg) from error


def _append(path: Path, text: bytes) -> None:
    whole = sum(len(line) for line in whole_lines(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, whole)
        os.lseek(descriptor, 0, os.SEEK_END)
        write_all(descriptor, text)
    except OSError:
        os.ftruncate(descriptor, whole)
        raise
    finally:
        os.close(descriptor)


def whole_lines(path: Path) -> list[bytes]:
    """The complete lines of a small file."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")]


MANIFEST = "manifest.jsonl"
STOPS, INSTRUMENT = "stops.jsonl", "instrument.jsonl"
CHAINS = (STOPS, INSTRUMENT)
"""The other hash chains of a journal, whose ends its head records."""

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
        state = scan_folder(directory, start)
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
    parquet = sorted(directory.glob("segment-*.parquet"))
    sealed = read_manifest(directory / MANIFEST, start)
    names = {Path(segment.name).stem for segment in sealed}
    opened = tuple((path, scan(path)) for path in paths if path.stem not in names)
    for path, contents in opened:
        if contents.broken is not None:
            msg = f"{path}: byte {contents.broken}: a batch was changed here"
            raise InstrumentError(msg)
    _require_listed(directory, parquet, names, {path.stem for path in paths})
    rows = sum(segment.rows for segment in sealed)
    markers = [marker for _, contents in opened for marker in contents.markers]
    heads = heads_after(sealed[-1].hash if sealed else start, rows, markers)
    behind = heads[-2:-1] or _before_sealing(directory, start, sealed)
    return JournalState(sealed=sealed, opened=opened, head=heads[-1], behind=tuple(behind))


def _require_listed(directory: Path, paths: list[Path], listed: set[str], opened: set[str]) -> None:
    """Require that every Parquet file is in the manifest, or belongs to an open segment."""
    for path in paths:
        if path.stem not in listed | opened:
            msg = f"{path}: not in {MANIFEST}: lines were removed there, or this file was added"
            raise InstrumentError(msg)
    for name in sorted(listed - {path.stem for path in paths}):
        path = directory / f"{name}.parquet"
        if not path.exists():  # else the segment was sealed after the folder was listed
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
