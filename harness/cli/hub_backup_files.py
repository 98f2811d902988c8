"""Which files belong to the backup of a hub, and the names that they have in it.

``hub/`` is the folder of the hub, ``files/`` that of the monitoring file, ``results/`` the results,
``named/`` files elsewhere
that hub.yaml names, as certificates. The registry is not among them: it is copied by rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.campaign.assemble import read_campaign
from harness.cli.hub_file import FILE, HubFile
from harness.cli.named_files import NamedFiles, add_files_of
from harness.errors import UsageError
from harness.untrusted.passwords import is_database
from harness.untrusted.regular_file import read_bounded
from harness.yaml_reader import read_document

HUB, FILES, RESULTS, NAMED = "hub", "files", "results", "named"
SCRATCH, UPKEEP, INCOMING = "scratch", "upkeep", "sent/incoming"
"""Folders of a hub that hold nothing to keep: unpacked bundles, a lock, and forms under way."""

RANKS = {"bundles": 1, "reports": 2, "aside": 3}
"""Folders to which the server moves files of others; they are read later, so none is missed."""

LOCKS = frozenset({"lock", "lock.pid"})
UNFINISHED = (".tmp", ".partial")
"""Endings of files that are being written."""

DATABASE_ENDINGS = ("", "-journal", "-wal", "-shm")
SMALL = 1024 * 1024
LONGEST_PATH = 1000
OWN = ("monitoring", "out", "url", "listen")
"""Keys of hub.yaml whose files have places of their own in a backup, or that name none."""


class BackupFile(NamedTuple):
    """A file, and its name in the archive."""

    name: str
    path: Path


class HubFiles:
    """The files of a hub. ``note`` is told in a sentence what is left out."""

    def __init__(self, hub: HubFile, note: Callable[[str], None]) -> None:
        self._hub, self._note = hub, note
        self._results = _real(hub.results)
        self._folder = _real(hub.folder)
        held = hub.registry
        where = "" if is_database(str(held)) else str(_real(Path(held)))
        self._database = {where + ending for ending in DATABASE_ENDINGS} if where else set()
        self._root = _real(hub.monitoring_path).parent
        self.monitoring = f"{FILES}/{hub.monitoring_path.name}"
        self.named = dict(self._named_by_hub())

    def __iter__(self) -> Iterator[BackupFile]:
        yield from self._of_hub()
        yield from self._named()
        yield from self._below(self._results, RESULTS, leave={self._folder})
        for given, name in self.named.items():
            if name.startswith(NAMED):
                yield BackupFile(name, self._hub.folder / given)

    def _named_by_hub(self) -> Iterator[tuple[str, str]]:
        """The paths as hub.yaml writes them, but those of its own keys, with their names here."""
        document = read_document(self._hub.folder / FILE).data
        texts = dict.fromkeys(
            text for key, value in document.items() if key not in OWN for text in _texts(value)
        )
        for number, given in enumerate(texts, 1):
            path = _real(self._hub.folder / given)
            if not path.is_file():
                continue
            if path.is_relative_to(self._folder):
                yield given, f"{HUB}/{path.relative_to(self._folder)}"
            else:
                yield given, f"{NAMED}/{number}-{path.name}"

    def require_elsewhere(self, archive: Path) -> None:
        """Raise UsageError for an archive that would be part of the next backup."""
        for folder in (self._folder, self._results):
            if _real(archive).is_relative_to(folder):
                msg = f"{archive}: lies in {folder}, of which it is a copy; write it elsewhere"
                raise UsageError(msg)

    def _of_hub(self) -> Iterator[BackupFile]:
        passing = (self._folder / name for name in (SCRATCH, UPKEEP, INCOMING))
        yield from self._below(self._folder, HUB, leave={self._results, *passing})

    def _below(self, folder: Path, name: str, leave: set[Path]) -> Iterator[BackupFile]:
        """The files below a folder, in the order of their names; no links, locks and databases."""
        try:
            entries = sorted(os.scandir(folder), key=lambda one: (RANKS.get(one.name, 0), one.name))
        except FileNotFoundError:  # moved meanwhile, or never made
            return
        for entry in entries:
            path, named = Path(entry.path), f"{name}/{entry.name}"
            if entry.is_symlink():
                self._note(f"{path}: is a link; it is not in the backup")
            elif entry.is_dir(follow_symlinks=False):
                if path not in leave:
                    yield from self._below(path, named, leave)
            elif not (_is_passing(entry.name) or entry.path in self._database):
                yield BackupFile(named, path)

    def _named(self) -> Iterator[BackupFile]:
        """The monitoring file, and the files that it names, each once."""
        names = _Names(self._root, self._note)
        names.add(self._hub.monitoring_path.name, "")
        for _, schedule in self._hub.read_monitoring().schedules():
            try:
                name = names.add(schedule.campaign, "")
                add_files_of(names, read_campaign(names.root / name)[0], name)
            except UsageError as error:
                self._note(f"not everything that a schedule names is in the backup: {error}")
        for name in sorted(names.found):
            if not name.startswith("/"):
                yield BackupFile(f"{FILES}/{name}", self._root / name)


class _Names(NamedFiles):
    """Names of files; what is outside of the folder, or absolute, is told and left out."""

    def __init__(self, root: Path, note: Callable[[str], None]) -> None:
        super().__init__(root)
        self._note = note

    def name(self, given: str, beside: str) -> str:
        """The name of a file: absolute, if it is none below the folder."""
        try:
            return super().name(given, beside)
        except UsageError:
            return os.path.normpath(self.root / Path(beside).parent / given)

    def add(self, given: str, beside: str) -> str:
        """Add a file; one that is absent or elsewhere is told."""
        name = self.name(given, beside)
        if name in self.found:
            return name
        path = self.root / name
        self.found[name] = b""
        if path.is_file() and path.stat().st_size <= SMALL:
            self.found[name] = read_bounded(path, SMALL)
        if name.startswith("/"):
            self._note(f"{path}: lies outside of {self.root}; it is not in the backup")
        return name


def _texts(value: object) -> Iterator[str]:
    """The texts in a value of YAML that could be paths."""
    if isinstance(value, str) and 0 < len(value) <= LONGEST_PATH and value.isprintable():
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _texts(each)


def _is_passing(name: str) -> bool:
    return name in LOCKS or name.endswith(UNFINISHED)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
