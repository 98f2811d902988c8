"""What a journal's folder holds, checked: every file is listed, and the head records the end.

Reading takes no lock, so a writer may move on between two files: the head is read before and
after, and the reading is made again if it has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import InstrumentError
from harness.store.head import HEAD, Head, read_head, steps
from harness.store.journal.jsonl_segment import Scan, scan
from harness.store.journal.manifest import SealedSegment, chain_hashes, read_manifest

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
