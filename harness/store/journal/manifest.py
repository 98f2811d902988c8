"""Hash chains that start at a journal's header: the manifest of its sealed segments, its stops.

Each line's hash covers the line and the hash before it, so no line can be changed, taken out
or put in without the chain saying where.
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
from harness.store.head import HEAD, Head, read_head, steps
from harness.store.journal.jsonl_segment import Scan, scan


class Link(Protocol):
    """One line of a chain; a struct of msgspec."""

    @property
    def name(self) -> str:
        """What it is about."""

    @property
    def previous(self) -> str:
        """The hash before it; that of the header for the first one."""

    @property
    def hash(self) -> str:
        """Its own hash."""


AnyLink = TypeVar("AnyLink", bound=Link)


class SealedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the Parquet file, its digest, the digest of its lines, and the chain."""

    name: str
    rows: int
    batches: tuple[int, ...]
    sha256: str
    records_sha256: str
    previous: str
    hash: str = ""

    def chained(self) -> SealedSegment:
        """The same line with its hash."""
        return chained(self)


def read_manifest(path: Path, start: str) -> tuple[SealedSegment, ...]:
    """The sealed segments, oldest first; see ``read_chain``."""
    return read_chain(path, start, SealedSegment)


def read_chain(path: Path, start: str, kind: type[AnyLink]) -> tuple[AnyLink, ...]:
    """The lines of a chain, oldest first; a last line that was cut short does not count.

    ``start`` is the digest of the header. Each line must be the very text that we write, so a
    kind that gets another field leaves it out where it has its default. Raises InstrumentError,
    naming the byte, where the chain does not hold.
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
            msg = f"{path}: byte {offset}: the hash chain does not hold at {link.name}"
            raise InstrumentError(msg)
        links.append(link)
        offset, previous = offset + len(line), link.hash
    return tuple(links)


class _Hashed(msgspec.Struct):
    """Of a line of any chain, its hash alone."""

    hash: str


def chain_hashes(path: Path) -> list[str]:
    """The hashes of a chain's lines, as they are written; see ``read_chain`` for a check.

    Raises InstrumentError if a line is none.
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
    """Add one line and wait until the disk has it. Raises OSError, the file as it was."""
    whole = sum(len(line) for line in whole_lines(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, whole)
        os.lseek(descriptor, 0, os.SEEK_END)
        write_all(descriptor, msgspec.json.encode(link) + b"\n")
    except OSError:
        os.ftruncate(descriptor, whole)
        raise
    finally:
        os.close(descriptor)


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a small file that end as lines do."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")]


MANIFEST = "manifest.jsonl"
CHAINS = ("stops.jsonl", "instrument.jsonl")
"""Further hash chains of a journal that its head records."""

READINGS = 10
"""So often a folder is read again before its writer is taken to be at work all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Sealed segments, open ones with what is whole in them, and the head that this makes.

    ``behind`` are the heads that a crash may have left: one batch, or one sealing, before.
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
        within = [number for segment in self.sealed for number in segment.batches]
        return within + [one.batch for _, found in self.opened for one in found.markers]


def read_standing(directory: Path, start: str, *, has_head: bool) -> Standing:
    """Read a folder whose header has the digest ``start``, and hold it against its head.

    Older journals have no head: ``has_head`` is whether this one must. Raises InstrumentError,
    naming the file, where something is damaged, missing or listed nowhere.
    """
    for _ in range(READINGS):
        before = read_head(directory)
        standing = look(directory, start)
        if before == read_head(directory):
            _require(directory, standing, before, has_head=has_head)
            return standing
    return look(directory, start)


def look(directory: Path, start: str) -> Standing:
    """Read a folder without its head. Raises InstrumentError at damage.

    Files are listed before the manifest is read: a segment that is sealed meanwhile is then in
    the manifest, and counted once.
    """
    paths = sorted(directory.glob("segment-*.jsonl"))
    parquet = sorted(directory.glob("segment-*.parquet"))
    sealed = read_manifest(directory / MANIFEST, start)
    names = {Path(segment.name).stem for segment in sealed}
    opened = tuple((path, scan(path)) for path in paths if path.stem not in names)
    for path, found in opened:
        if found.broken is not None:
            msg = f"{path}: byte {found.broken}: a batch here is not as it was written"
            raise InstrumentError(msg)
    _require_listed(directory, parquet, names, {path.stem for path in paths})
    rows = sum(segment.rows for segment in sealed)
    markers = [marker for _, found in opened for marker in found.markers]
    made = steps(sealed[-1].hash if sealed else start, rows, markers)
    behind = made[-2:-1] or _before_sealing(directory, start, sealed)
    return Standing(sealed=sealed, opened=opened, head=made[-1], behind=tuple(behind))


def _require_listed(directory: Path, found: list[Path], listed: set[str], opened: set[str]) -> None:
    """Every Parquet file is in the manifest, or is being made of an open segment."""
    for path in found:
        if path.stem not in listed | opened:
            msg = f"{path}: is in no line of {MANIFEST}, which has lost some, or was put here"
            raise InstrumentError(msg)
    for name in sorted(listed - {path.stem for path in found}):
        path = directory / f"{name}.parquet"
        if not path.exists():  # else it was sealed after the folder was listed
            msg = f"{path}: is in the manifest, but missing"
            raise InstrumentError(msg)


def _before_sealing(directory: Path, start: str, sealed: tuple[SealedSegment, ...]) -> list[Head]:
    """The head before the last segment was sealed, if its open form is still there."""
    if not sealed:
        return []
    path = directory / Path(sealed[-1].name).with_suffix(".jsonl")
    try:
        markers = scan(path).markers
    except FileNotFoundError:
        return []
    rows = sum(segment.rows for segment in sealed[:-1])
    previous = sealed[-2].hash if len(sealed) > 1 else start
    return steps(previous, rows, markers)[-1:]


def _require(directory: Path, standing: Standing, head: Head | None, *, has_head: bool) -> None:
    path = directory / HEAD
    if head is None:
        if has_head and (standing.rows or standing.batches or standing.sealed):
            msg = f"{path}: is missing, so the end of the journal cannot be checked: damaged"
            raise InstrumentError(msg)
        return
    bare = Head(rows=head.rows, hash=head.hash)
    if bare not in (standing.head, *standing.behind):
        held = f"{standing.rows:,} observations are here, the head records {head.rows:,}"
        msg = f"{path}: the journal's end is not as it was written: {held}"
        raise InstrumentError(msg)
    if unknown := sorted(set(head.chains) - set(CHAINS)):
        msg = f"{path}: records {unknown[0]!r}, which no journal has: it was changed"
        raise InstrumentError(msg)
    for name in CHAINS:
        hashes = ["", *chain_hashes(directory / name)]
        if head.chains.get(name, "") not in hashes[-2:]:
            msg = f"{directory / name}: has lost lines that the head records"
            raise InstrumentError(msg)
