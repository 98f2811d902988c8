"""Open, check and compare packs: directories of categorised items with a manifest.

``open_pack`` checks the digests of all files and every row before it returns a pack. The items of
a long pack are then read one at a time, those of a short one are kept in memory. A pack is named by
its shipped name or by the path of its directory.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath

from corpora.item_table import FaultList, ItemTable, TableEntry
from corpora.manifest import FILE, Manifest, Resource, read_manifest
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError, known
from harness.model.corpus import CorpusReference, Item
from harness.untrusted.regular_file import open_regular

FILE_BYTES = 4 * 1024**3
"""The largest file of a pack that is read."""

KEPT_ROWS = 20_000
"""A pack of at most so many rows is read once, and kept in memory."""

PACKS = Path(__file__).parent / "packs"
"""Where the shipped packs are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A checked pack; satisfies ``harness.ports.network.Corpus``."""

    directory: Path
    manifest: Manifest
    reference: CorpusReference
    table: Path
    taxonomy: Taxonomy
    _kept: list[TableEntry] = field(default_factory=list, repr=False, compare=False)

    @property
    def size(self) -> int:
        """How many items there are."""
        return self.manifest.items.rows

    def items(self, start: int = 0) -> Iterator[Item]:
        """The items in file order from ``start`` on (0 is the first)."""
        return (entry.item for entry in self.entries(start))

    def entries(self, start: int = 0) -> Iterator[TableEntry]:
        """The items with their lines and notes, from ``start`` on (0 is the first).

        Raises FaultyDocument if the file is read again and somebody changed it in the meantime.
        """
        if not self._kept and self.size <= KEPT_ROWS:
            self._kept.extend(self._streamed())
        yield from islice(self._kept, start, None) if self._kept else self._streamed(start)

    def _streamed(self, start: int = 0) -> Iterator[TableEntry]:
        table = ItemTable(self.table, self.taxonomy)
        yield from table.entries(start)
        if table.faults:
            raise table.faults.error()

    def notes(self) -> dict[str, str]:
        """The notes of the items, by host, where there is one."""
        return {
            entry.item.host: entry.note
            for entry in self.entries()
            if entry.note and entry.item.host
        }


def open_pack(
    name_or_path: str,
    taxonomy: Taxonomy | None = None,
    *,
    checked: Collection[str] = (),
    rows: bool = True,
) -> Pack:
    """Open and check a pack.

    ``checked`` lists packs whose rows were checked before, as ``name version sha256``; their rows
    are not read again. Without ``rows`` no rows are checked, and the caller must check those that
    it uses. Raises UsageError if there is no such pack, FaultyDocument with a line per fault.
    """
    taxonomy = taxonomy or shipped()
    directory = _find(name_or_path)
    manifest = read_manifest(directory)
    faults = FaultList(str(directory / FILE))
    for resource in manifest.resources:
        _check_file(directory, resource, faults)
    if faults:
        raise faults.error()
    audit = manifest.accredit.labels.audit
    reference = CorpusReference(
        name=manifest.name,
        version=manifest.version,
        sha256=manifest.items.digest.removeprefix("sha256:"),
        title=manifest.title,
        purpose=manifest.accredit.purpose,
        kind=manifest.accredit.kind,
        sensitivity=manifest.accredit.sensitivity,
        use_limit=manifest.accredit.release.use_limit,
        audience=manifest.accredit.release.audience,
        design=manifest.accredit.sampling.design,
        audited=audit.items if audit else 0,
        audited_wrong=audit.wrong if audit else 0,
        agreement=manifest.accredit.labels.krippendorff_alpha,
    )
    table, is_checked = directory / manifest.items.path, reference.identity in checked
    kept = _read_rows(table, manifest.items, taxonomy) if rows and not is_checked else ()
    return Pack(
        directory=directory,
        manifest=manifest,
        reference=reference,
        table=table,
        taxonomy=taxonomy,
        _kept=list(kept),
    )


def shipped_packs() -> tuple[str, ...]:
    """The names of the shipped packs."""
    return tuple(sorted(path.parent.name for path in PACKS.glob(f"*/{FILE}")))


def _find(name_or_path: str) -> Path:
    if name_or_path in shipped_packs():
        return PACKS / name_or_path
    path = Path(name_or_path)
    if name_or_path and path.is_dir():
        return path
    msg = f"no pack {name_or_path!r}; {known(shipped_packs())}, or the path of a directory"
    raise UsageError(msg)


def _check_file(directory: Path, resource: Resource, faults: FaultList) -> None:
    """Add a fault if a resource is outside the pack, or its bytes are not those of the manifest."""
    key = f"resources[{resource.name}]"
    inside = PurePosixPath(resource.path)
    path = directory / resource.path
    is_inside = not inside.is_absolute() and ".." not in inside.parts and "\0" not in resource.path
    if not is_inside or not _is_within(path, directory):
        problem = f"{resource.path!r} is outside the pack"
        faults.add(None, f"{key}.path", problem, "a path inside it")
        return
    try:
        with open_regular(path) as stream:
            if (held := os.fstat(stream.fileno()).st_size) > FILE_BYTES:
                problem = f"the file has {held} bytes"
                faults.add(None, f"{key}.path", problem, f"at most {FILE_BYTES}")
                return
            digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError as error:
        faults.add(None, f"{key}.path", f"{resource.path!r}: {error.strerror or error}")
        return
    if size != resource.size:
        remedy = f"the manifest says {resource.size}"
        faults.add(None, f"{key}.bytes", f"the file has {size} bytes", remedy)
    if digest != resource.digest:
        remedy = f"the manifest says {resource.digest}"
        faults.add(None, f"{key}.hash", f"the file has {digest}", remedy)


def _is_within(path: Path, directory: Path) -> bool:
    inside = Path(os.path.realpath(path))  # Path.resolve raises for a loop
    return inside.is_relative_to(os.path.realpath(directory))


def _add_repeated_ids(table: ItemTable) -> None:
    """Add a fault for every repeated id. Only this pass keeps all ids, which takes memory."""
    ids: set[str] = set()
    for entry in ItemTable(table.path, table.taxonomy).entries():
        if entry.item.id in ids:
            problem = f"{entry.item.id!r} appears twice"
            table.faults.add(entry.line, "id", problem, "ids must be unique")
        ids.add(entry.item.id)


def _read_rows(path: Path, resource: Resource, taxonomy: Taxonomy) -> tuple[TableEntry, ...]:
    if path.parent.parent == PACKS and taxonomy is shipped():
        return _shipped_rows(path, resource.digest, resource.rows)
    return _check_rows(path, taxonomy, resource.rows)


def _check_rows(path: Path, taxonomy: Taxonomy, rows: int) -> tuple[TableEntry, ...]:
    """Read the table to its end, and return its entries if they are few, or else none.

    Raises FaultyDocument if anything is wrong in it.
    """
    import numpy as np  # noqa: PLC0415 - slow to import, and needed only where rows are read

    table, hashes, kept = ItemTable(path, taxonomy), array("q"), list[TableEntry]()
    for entry in table.entries():
        hashes.append(hash(entry.item.id))
        if table.rows <= KEPT_ROWS:
            kept.append(entry)
    ordered = np.sort(np.frombuffer(hashes, dtype=np.int64)) if hashes else np.empty(0)
    if (ordered[1:] == ordered[:-1]).any():
        _add_repeated_ids(table)
    if not table.faults and table.rows != rows:
        table.faults.add(None, "", f"{table.rows} rows", f"the manifest says {rows}")
    if table.faults:
        raise table.faults.error()
    return tuple(kept) if table.rows <= KEPT_ROWS else ()


@lru_cache(maxsize=8)
def _shipped_rows(path: Path, digest: str, rows: int) -> tuple[TableEntry, ...]:  # noqa: ARG001 - a key of the cache
    """Check the rows of a shipped pack once a process, for each ``digest`` that was compared."""
    return _check_rows(path, shipped(), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackDiff:
    """Ids of items that differ between two packs; changed items may be in several groups."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[str, ...]
    revalued: tuple[str, ...]
    otherwise: tuple[str, ...]

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.relabelled, self.revalued, self.otherwise))


def compare_packs(old: Pack, new: Pack) -> PackDiff:
    """Compare the items of two versions of a pack by id."""
    before = {item.id: item for item in old.items()}
    added, relabelled, revalued, otherwise = [], [], [], []
    common = set()
    for item in new.items():
        was = before.get(item.id)
        if was is None:
            added.append(item.id)
            continue
        common.add(item.id)
        if item.labels != was.labels:
            relabelled.append(item.id)
        if _value(item) != _value(was):
            revalued.append(item.id)
        if item != was and item.labels == was.labels and _value(item) == _value(was):
            otherwise.append(item.id)
    return PackDiff(
        added=tuple(added),
        removed=tuple(identity for identity in before if identity not in common),
        relabelled=tuple(relabelled),
        revalued=tuple(revalued),
        otherwise=tuple(otherwise),
    )


def _value(item: Item) -> tuple[str, str, str]:
    return item.kind, item.value, item.value_hmac
