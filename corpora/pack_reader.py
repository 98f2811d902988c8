"""A pack: a directory with categorised items, its manifest, and digests of its files.

Opening one reads it to the end and checks everything; only then can an item be had, one at a
time. A pack is a shipped one by name, or a directory by path.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from corpora.item_table import FaultList, ItemTable, TableEntry
from corpora.manifest import FILE, Manifest, Resource, read_manifest
from corpora.taxonomy import Taxonomy, shipped
from harness.errors import UsageError, known
from harness.model.corpus import CorpusReference, Item
from harness.untrusted.regular_file import open_regular

MOST_BYTES = 4 * 1024**3
"""A file of a pack that is larger is not read."""

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

    @property
    def size(self) -> int:
        """How many items there are."""
        return self.manifest.items.rows

    def items(self, start: int = 0) -> Iterator[Item]:
        """The items in file order from ``start`` on (0 is the first), streamed."""
        return (entry.item for entry in self.entries(start))

    def entries(self, start: int = 0) -> Iterator[TableEntry]:
        """The items with their lines and notes, streamed from ``start`` on (0 is the first).

        Raises FaultyDocument if somebody changed the file since the pack was opened.
        """
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

    ``checked`` are packs whose rows were checked before, each as name, version and SHA-256 with
    a space between: as long as the bytes are the same, their rows are not read again. Without
    ``rows`` they are not read in any case, and whoever takes some must check them.
    Raises UsageError if there is none, FaultyDocument with a line per fault if it is wrong.
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
    )
    table = ItemTable(directory / manifest.items.path, taxonomy)
    if rows and f"{reference.name} {reference.version} {reference.sha256}" not in checked:
        _check_rows(table, manifest.items)
    return Pack(
        directory=directory,
        manifest=manifest,
        reference=reference,
        table=table.path,
        taxonomy=taxonomy,
    )


def names_of_packs() -> tuple[str, ...]:
    """The names of the shipped packs."""
    return tuple(sorted(path.parent.name for path in PACKS.glob(f"*/{FILE}")))


def _find(name_or_path: str) -> Path:
    if name_or_path in names_of_packs():
        return PACKS / name_or_path
    path = Path(name_or_path)
    if name_or_path and path.is_dir():
        return path
    msg = f"no pack {name_or_path!r}; {known(names_of_packs())}, or the path of a directory"
    raise UsageError(msg)


def _check_file(directory: Path, resource: Resource, faults: FaultList) -> None:
    """Whether a resource is inside the pack and has the bytes that the manifest says."""
    key = f"resources[{resource.name}]"
    inside = PurePosixPath(resource.path)
    path = directory / resource.path
    is_inside = not inside.is_absolute() and ".." not in inside.parts and "\0" not in resource.path
    if not is_inside or not _is_within(path, directory):
        found = f"{resource.path!r} leads out of the pack"
        faults.add(None, f"{key}.path", found, "a path inside it")
        return
    try:
        with open_regular(path) as stream:
            if (held := os.fstat(stream.fileno()).st_size) > MOST_BYTES:
                found = f"the file has {held} bytes"
                faults.add(None, f"{key}.path", found, f"at most {MOST_BYTES}")
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


def _tell_doubles(table: ItemTable) -> None:
    """Add every id that is there twice. Ids are kept only here: a million of them are large."""
    seen: set[str] = set()
    for entry in ItemTable(table.path, table.taxonomy).entries():
        if entry.item.id in seen:
            found = f"{entry.item.id!r} is there twice"
            table.faults.add(entry.line, "id", found, "ids are used once")
        seen.add(entry.item.id)


def _check_rows(table: ItemTable, resource: Resource) -> None:
    """Read the table to its end. Raises FaultyDocument if anything is wrong in it."""
    marks = array("q", (hash(entry.item.id) for entry in table.entries()))
    ordered = np.sort(np.frombuffer(marks, dtype=np.int64)) if marks else np.empty(0)
    if (ordered[1:] == ordered[:-1]).any():
        _tell_doubles(table)
    if not table.faults and table.rows != resource.rows:
        table.faults.add(None, "", f"{table.rows} rows", f"the manifest says {resource.rows}")
    if table.faults:
        raise table.faults.error()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Ids of items, in the order of their files. An item may be in several of the last three."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: tuple[str, ...]
    revalued: tuple[str, ...]
    otherwise: tuple[str, ...]

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.relabelled, self.revalued, self.otherwise))


def compare(old: Pack, new: Pack) -> Difference:
    """What became of the items of ``old`` in ``new``."""
    before = {item.id: item for item in old.items()}
    added, relabelled, revalued, otherwise = [], [], [], []
    kept = set()
    for item in new.items():
        was = before.get(item.id)
        if was is None:
            added.append(item.id)
            continue
        kept.add(item.id)
        if item.labels != was.labels:
            relabelled.append(item.id)
        if _value(item) != _value(was):
            revalued.append(item.id)
        if item != was and item.labels == was.labels and _value(item) == _value(was):
            otherwise.append(item.id)
    return Difference(
        added=tuple(added),
        removed=tuple(identity for identity in before if identity not in kept),
        relabelled=tuple(relabelled),
        revalued=tuple(revalued),
        otherwise=tuple(otherwise),
    )


def _value(item: Item) -> tuple[str, str, str]:
    return item.kind, item.value, item.value_hmac
