"""Check a folder of evidence: each body by the digest in its name, and those that are missing.

The name of a body is the digest that observations hold. What a body is, its media type, is covered
by no digest.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

_BODY = re.compile(r"(..)/(..)/(?P<digest>\1\2[0-9a-f]{60})")
_BESIDE = re.compile(r"(..)/(..)/\1\2[0-9a-f]{60}(\.type|(\.type)?\.\d+\.tmp)")
"""The media type of a body, and what a killed process leaves of either."""


def held_files(folder: Path) -> set[str]:
    """The paths of all files below a folder, relative to it, with slashes.

    Texts, not paths: there may be a hundred thousand, and this is done at each conclusion.
    """
    start = len(str(folder)) + 1
    return {
        f"{place[start:]}/{name}".replace(os.sep, "/").lstrip("/")
        for place, _, names in os.walk(folder)
        for name in names
    }


def changed_bodies(folder: Path, held: Iterable[str]) -> Iterator[str]:
    """Read every held body; yield a sentence for each that is not what its name says.

    Bodies that no observation names are no fault: an attempt that was killed leaves such. Hidden
    files are passed over. Raises OSError.
    """
    for name in sorted(held):
        if body := _BODY.fullmatch(name):
            try:
                digest = _digest_of(f"{folder}/{name}")
            except FileNotFoundError:  # removed meanwhile
                continue
            if digest != body["digest"]:
                yield f"{folder / name}: its SHA-256 does not match its name: it was changed"
        elif not _BESIDE.fullmatch(name) and not Path(name).name.startswith("."):
            yield f"{folder / name}: is no evidence: this file was added"


def missing_bodies(held: Container[str], named: Iterable[str]) -> list[str]:
    """The named digests whose bodies, or media types, are not held."""
    missing = []
    for digest in sorted(named):
        name = digest.removeprefix("sha256:")
        path = f"{name[:2]}/{name[2:4]}/{name}"
        if path not in held or f"{path}.type" not in held:
            missing.append(digest)
    return missing


def _digest_of(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - a text, see held_files
        return hashlib.sha256(file.read()).hexdigest()
