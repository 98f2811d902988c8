"""The digest of the code and data that a result is made with.

It covers whole packages with all that is below them, every module of ``harness`` that these import,
directly or through others, and the data files beside them. So no list of modules is kept by hand,
and a module that is split, moved into a folder, or put between two others stays covered.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from functools import cache
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder that holds the package ``harness``."""

_IMPORTS = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+(harness[.\w]*)(?:[ \t]+import[ \t]+(\([^)]*\)|[^\n]*))?",
    re.MULTILINE,
)
"""An import, at any depth; what is imported may be in brackets over several lines.

A text that looks like an import adds a module that is not needed, which does no harm.
"""

CODE, INIT = ".py", "/__init__.py"


@cache
def digest_of_code(*packages: str, root: Path = ROOT) -> str:
    """The SHA-256 over packages and all that they reach, in hexadecimal digits.

    Computed once a process: from about 130 files, in some hundredths of a second. Raises OSError.
    """
    digest = hashlib.sha256()
    for name, content in sorted(_reached(packages, root).items()):
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def reached_files(packages: tuple[str, ...], root: Path = ROOT) -> set[Path]:
    """The files of packages, of the modules that they reach, and the data beside these."""
    return {root / name for name in _reached(packages, root)}


def _reached(packages: Iterable[str], root: Path) -> dict[str, bytes]:
    """The contents of the files, by their names from the root, with "/" in them."""
    sources = _sources(root)
    names = frozenset(chain.from_iterable(sources.values()))
    below = tuple(f"{_place(package)}/" for package in packages)
    waiting = {name for name in names if name.startswith(below)}
    found: dict[str, bytes] = {}
    while waiting:
        name = waiting.pop()
        content = found[name] = (root / name).read_bytes()
        if name.endswith(CODE):
            waiting |= _imported(content) & names
        folder = name
        while folder := folder.rpartition("/")[0]:
            data = sources.pop(folder, ())  # once a folder
            waiting.update(each for each in data if each.endswith(INIT) or not each.endswith(CODE))
        waiting -= found.keys()
    return found


def _imported(content: bytes) -> set[str]:
    """The files in which a module's imports from ``harness`` may be; most do not exist."""
    places = set()
    for package, names in _IMPORTS.findall(content):
        place = _place(package.decode())
        places |= {place, *(f"{place}/{each.decode()}" for each in re.findall(rb"\w+", names))}
    return {place + end for place in places for end in (CODE, INIT)}


def _place(package: str) -> str:
    return package.replace(".", "/")


def _sources(root: Path) -> dict[str, list[str]]:
    """The files of ``harness`` by their folders, all by their names from the root."""
    found = {}
    for place, folders, files in os.walk(root / "harness"):
        folders[:] = [each for each in folders if each != "__pycache__"]
        folder = Path(place).relative_to(root).as_posix()
        found[folder] = [f"{folder}/{each}" for each in files if not each.startswith(".")]
    return found
