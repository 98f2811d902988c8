"""The digest of the code and data that a result is made with.

It covers whole packages with all that is below them, every module of ``harness`` that these import,
directly or through others, and the data files beside them. So no list of modules is kept by hand,
and a module that is split, moved into a folder, or put between two others stays covered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
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

CODE = ".py"


@cache
def digest_of_code(*packages: str, root: Path = ROOT) -> str:
    """The SHA-256 over packages and all that they reach, in hexadecimal digits.

    Computed once a process: from about 130 files, in some hundredths of a second. Raises OSError.
    """
    digest = hashlib.sha256()
    for path in sorted(reached_files(packages, root)):
        name = path.relative_to(root).as_posix()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


def reached_files(packages: tuple[str, ...], root: Path = ROOT) -> set[Path]:
    """The files of packages, of the modules that they reach, and the data beside these."""
    places = [root.joinpath(*package.split(".")) for package in packages]
    waiting = [path for place in places for path in place.rglob("*") if _is_source(path)]
    found: set[Path] = set()
    folders = {root}
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == CODE:
            waiting += _imported(path, root)
        for folder in (path.parent, *path.parent.parents):
            if folder in folders:
                break
            folders.add(folder)
            waiting += _of_folder(folder)
    return found


def _imported(path: Path, root: Path) -> Iterator[Path]:
    """The modules of ``harness`` that a module imports."""
    for package, names in _IMPORTS.findall(path.read_bytes()):
        place = root.joinpath(*package.decode().split("."))
        for module in (place, *(place / name.decode() for name in re.findall(rb"\w+", names))):
            for one in (module.with_name(module.name + CODE), module / f"__init__{CODE}"):
                if one.is_file():
                    yield one


def _of_folder(folder: Path) -> Iterator[Path]:
    """The data of a package, and the module that makes it one."""
    for path in folder.iterdir():
        if (path.suffix != CODE or path.stem == "__init__") and _is_source(path):
            yield path


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
