"""Import UT1 and squidGuard trees: one folder per category with domains, urls and expressions.

See https://dsi.ut-capitole.fr/blacklists/. Another name of a category is a link (or, in a checkout
without links, a file that holds the name); it is an alias, not a second copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from corpora import hostnames
from corpora.archive import is_archive, unpacked
from corpora.importers import LIST_IMPORTERS
from corpora.source import (
    ImportEntry,
    ListRefused,
    Source,
    address_entry,
    host_entry,
    rejected_entry,
    skipped_entry,
)
from harness.untrusted.regular_file import read_bounded

_ROOT = "blacklists"
_ALIAS_BYTES = 128
_COLOURS = ("white", "black")
_LEAVES = "symlink leaves the tree: refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Category:
    """A folder of the tree, its category code, and a note for each of its entries."""

    folder: Path
    prefix: str
    code: str
    note: str


@LIST_IMPORTERS.register("ut1")
def read_ut1(source: Source) -> Iterator[ImportEntry]:
    """Entries of a tree, or of an archive that holds one, in the order of their names."""
    if is_archive(source.path):
        with unpacked(source.path, source.limits, source.deadline) as folder:
            yield from _read_tree(source, folder, source.path.name)
    else:
        yield from _read_tree(source, source.path, source.path.name)


@LIST_IMPORTERS.register("archive")
def read_archive(source: Source) -> Iterator[ImportEntry]:
    """Entries of a tree inside a tar or zip file."""
    if not is_archive(source.path):
        raise ListRefused("not an archive")
    yield from read_ut1(source)


def _read_tree(source: Source, folder: Path, name: str) -> Iterator[ImportEntry]:
    if not folder.is_dir():
        raise ListRefused("not a folder with a category in each folder")
    root = folder / _ROOT if (folder / _ROOT).is_dir() else folder
    for path in _files_in(root, source.limits.members):
        prefix = f"{name}/{path.name}"
        if path.is_symlink():
            yield _link(path, prefix, root)
        elif path.is_dir():
            yield from _read_category(source, path, prefix)
        elif path.is_file():
            yield _alias(path, prefix, root)


def _files_in(folder: Path, most: int) -> list[Path]:
    """The files of a folder, sorted. Raises ListRefused if there are too many."""
    files = list(islice(folder.iterdir(), most + 1))
    if len(files) > most:
        raise ListRefused(f"more than {most} files in {folder.name}")
    return sorted(files)


def _link(path: Path, prefix: str, root: Path) -> ImportEntry:
    target = Path(os.path.realpath(path))  # Path.resolve raises for a loop
    if target.parent != Path(os.path.realpath(root)):
        return rejected_entry(prefix, _LEAVES)
    if not target.is_dir():
        return rejected_entry(prefix, "symlink leads nowhere")
    return _alias_entry(prefix, target.name)


def _alias(path: Path, prefix: str, root: Path) -> ImportEntry:
    try:
        content = read_bounded(path, _ALIAS_BYTES)
    except OSError:
        content = b""
    name = content.decode("utf-8", "replace").strip()
    if name and name == Path(name).name and "\0" not in name and (root / name).is_dir():
        return _alias_entry(prefix, name)
    return skipped_entry(prefix, "not a category")


def _alias_entry(prefix: str, target: str) -> ImportEntry:
    note = "symlink is an alias, not a second copy"
    return ImportEntry(prefix, "", "", "alias", target, "ok", note)


def _read_category(source: Source, folder: Path, prefix: str) -> Iterator[ImportEntry]:
    code = source.translate("ut1", folder.name)
    notes = [_usage(source, folder, prefix)] + ([] if code else ["unknown category"])
    note = "; ".join(filter(None, notes))
    category = _Category(folder=folder, prefix=prefix, code=code, note=note)
    readers = {"domains": _domains, "urls": _urls, "expressions": _expressions}
    for path in _files_in(folder, source.limits.members):
        name = f"{prefix}/{path.name}"
        if path.is_symlink():
            yield rejected_entry(name, _LEAVES)
        elif path.name in readers and path.is_file():
            try:
                yield from readers[path.name](source.child(path, name), category)
            except ListRefused as refusal:
                if path.stat().st_size:  # a category may have no domains, or no urls
                    yield rejected_entry(name, str(refusal))
        elif path.name != "usage":
            yield skipped_entry(name, "not a list of the category")


def _usage(source: Source, folder: Path, prefix: str) -> str:
    """A note on the usage file of a category; empty if it only says ``black``."""
    path = folder / "usage"
    if path.is_symlink() or not path.is_file():
        return "no usage file"
    child = source.child(path, f"{prefix}/usage", quiet=True)
    try:
        words = [line.text.strip() for line in child.lines()]
    except ListRefused:
        return "unreadable usage file"
    colours = [word for word in words if word in _COLOURS]
    notes = ["comment lines in usage ignored"] if any(w.startswith("#") for w in words) else []
    if colours != ["black"]:
        notes.insert(0, f"usage {'|'.join(colours) or 'unsaid'}")
    return "; ".join(notes)


def _domains(source: Source, category: _Category) -> Iterator[ImportEntry]:
    """Entries of ``domains``; a name below a listed one is redundant."""
    listed = _listed(source)
    for number, text in source.lines():
        word = text.strip()
        if not word:
            continue
        line = source.line_label(number)
        address = address_entry(line, word, "label")
        bare = word.removeprefix(".")
        entry = address or host_entry(line, bare, "suffix", "label")
        if bare != word:
            parts = ("leading dot", entry.changes)
            entry = entry._replace(changes="; ".join(part for part in parts if part))
        if entry.match == "suffix" and category.code and _has_parent(entry.value, listed):
            entry = entry._replace(status="redundant", note="parent present")
        yield _labelled(entry, category)


def _listed(source: Source) -> set[str]:
    """All names of the file. Raises ListRefused if there are more than the limit of entries."""
    listed: set[str] = set()
    for _, text in source.child(source.path, "", quiet=True).lines():
        listed.add(_bare(text))
        if len(listed) > source.limits.entries:
            raise ListRefused(f"more than {source.limits.entries} entries")
    return listed


def _bare(text: str) -> str:
    return text.strip().lower().removeprefix(".").removesuffix(".")


def _has_parent(name: str, listed: set[str]) -> bool:
    while "." in (name := name.partition(".")[2]):
        if name in listed:
            return True
    return False


def _urls(source: Source, category: _Category) -> Iterator[ImportEntry]:
    """Entries of ``urls``, which have no scheme."""
    for number, text in source.lines():
        word = text.strip()
        if not word:
            continue
        line = source.line_label(number)
        host, slash, path = word.partition("/")
        name, colon, port = host.partition(":")
        if hostnames.is_address(name):
            entry = ImportEntry(line, name, "url_prefix", "label")
        else:
            entry = host_entry(line, name, "url_prefix", "label")
        if entry.status == "ok":
            entry = entry._replace(value=entry.value + colon + port + slash + path)
        yield _labelled(entry, category)


def _expressions(source: Source, category: _Category) -> Iterator[ImportEntry]:
    """Entries of ``expressions``; the expressions are not executed."""
    for number, text in source.lines():
        if text.strip():
            note = "expressions"
            entry = ImportEntry(
                source.line_label(number), text.strip(), "regex", "label", note=note
            )
            yield _labelled(entry, category)


def _labelled(entry: ImportEntry, category: _Category) -> ImportEntry:
    """The entry with the code of its category; a rejected one if the category is unknown."""
    if entry.status == "error":
        return entry
    note = "; ".join(part for part in (entry.note, category.note) if part)
    if not category.code:
        return entry._replace(status="error", note=note)
    return entry._replace(target=category.code, note=note)
