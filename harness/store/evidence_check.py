"""Check a folder of evidence: each body by the digest in its name, and those that are missing.

The name of a body is the digest that observations hold. What a body is, its media type, is covered
by no digest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.store.journal.parquet_segment import digest_of_file

_BODY = re.compile(r"(..)/(..)/(?P<digest>\1\2[0-9a-f]{60})")
_BESIDE = re.compile(r"(..)/(..)/\1\2[0-9a-f]{60}(\.type|(\.type)?\.\d+\.tmp)")
"""The media type of a body, and what a killed process leaves of either."""


def changed_bodies(folder: Path) -> Iterator[str]:
    """Read every body in a folder; yield a sentence for each that is not what its name says.

    Bodies that no observation names are no fault: an attempt that was killed leaves such. Hidden
    files are passed over. Raises OSError.
    """
    for name in sorted(_files_below(folder)):
        path = folder / name
        if body := _BODY.fullmatch(name):
            try:
                is_same = digest_of_file(path) == body["digest"]
            except FileNotFoundError:  # removed meanwhile
                continue
            if not is_same:
                yield f"{path}: its SHA-256 does not match its name: the evidence was changed"
        elif not _BESIDE.fullmatch(name) and not path.name.startswith("."):
            yield f"{path}: is no evidence: this file was added"


def missing_bodies(folder: Path, named: Iterable[str]) -> list[str]:
    """The named digests whose bodies, or media types, a folder does not hold."""
    held = _files_below(folder)
    missing = []
    for digest in sorted(named):
        name = digest.removeprefix("sha256:")
        path = f"{name[:2]}/{name[2:4]}/{name}"
        if path not in held or f"{path}.type" not in held:
            missing.append(digest)
    return missing


def _files_below(folder: Path) -> set[str]:
    """The paths of all files below a folder, relative to it, with slashes."""
    return {
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
    }
