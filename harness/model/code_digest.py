"""The digest of the code and data that a result is made with.

It covers whole packages with all that is below them, every module of ``harness`` that these import,
directly or through others, and the data files beside them. So no list of modules is kept by hand,
and a module that is split, moved into a folder, or put between two others stays covered.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
"""The folder that holds the package ``harness``."""

_IMPORTS = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+(harness[.\w]*)(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?",
    re.MULTILINE,
)
"""An import, at any depth; what is imported may be in brackets over several lines.

A text that looks like an import adds a module that is not needed, which does no harm.
"""

CODE, INIT = ".py", "__init__.py"


@cache
def digest_of_code(*packages: str, root: Path = ROOT) -> str:
    """The SHA-256 over packages and all that they reach, in hexadecimal digits.

    Computed once a process: from about 130 files, in some hundredths of a second. Raises OSError.
    """
    digest = hashlib.sha256()
    for name, content in sorted(_Reached(packages, root).contents.items()):
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def reached_files(packages: tuple[str, ...], root: Path = ROOT) -> set[Path]:
    """The files of packages, of the modules that they reach, and the data beside these."""
    return {root / name for name in _Reached(packages, root).contents}


class _Reached:
    """What packages reach: ``contents`` of files by their names from the root, with "/" in them.

    Names are texts, and each folder is listed once: a module has hundreds of possible places.
    """

    def __init__(self, packages: Iterable[str], root: Path) -> None:
        self._root = root
        self._listed: dict[str, Folder] = {"": Folder(frozenset(), frozenset())}
        self.contents: dict[str, bytes] = {}
        self._waiting = {
            name for package in packages for name in self._below(package.replace(".", "/"))
        }
        self._begun = {""}
        while self._waiting:
            self._read(self._waiting.pop())

    def _read(self, name: str) -> None:
        """Read a file; what it imports, and the data beside it and above, wait to be read."""
        if name in self.contents:
            return
        content = self.contents[name] = (self._root / name).read_bytes()
        if name.endswith(CODE):
            self._waiting.update(self._imported(content))
        folder = name.rpartition("/")[0]
        while folder not in self._begun:
            self._begun.add(folder)
            files = self._folder(folder).files
            self._waiting.update(
                f"{folder}/{each}" for each in files if each == INIT or not each.endswith(CODE)
            )
            folder = folder.rpartition("/")[0]

    def _imported(self, content: bytes) -> Iterator[str]:
        """The modules of ``harness`` that a module imports."""
        for package, names in _IMPORTS.findall(content):
            place = package.decode().replace(".", "/")
            yield from self._module(place)
            for each in re.findall(rb"\w+", names):
                yield from self._module(f"{place}/{each.decode()}")

    def _module(self, place: str) -> Iterator[str]:
        """The file of a module, or that which makes its folder a package, if there is one."""
        folder, _, stem = place.rpartition("/")
        beside = self._folder(folder)
        if stem + CODE in beside.files:
            yield place + CODE
        if stem in beside.folders and INIT in self._folder(place).files:
            yield f"{place}/{INIT}"

    def _below(self, folder: str) -> Iterator[str]:
        """The files of a folder and of all below it."""
        found = self._folder(folder)
        yield from (f"{folder}/{each}" for each in found.files)
        for each in found.folders:
            yield from self._below(f"{folder}/{each}")

    def _folder(self, name: str) -> Folder:
        """What is in a folder: its source files, and its folders; nothing if it is none."""
        if name not in self._listed:
            self._listed[name] = _listed(self._root / name)
        return self._listed[name]


class Folder(NamedTuple):
    """The names of the files and the folders in a folder."""

    files: frozenset[str]
    folders: frozenset[str]


def _listed(folder: Path) -> Folder:
    files, folders = set(), set()
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                folders.add(entry.name)
            elif not entry.name.startswith("."):
                files.add(entry.name)
    return Folder(frozenset(files), frozenset(folders - {"__pycache__"}))
