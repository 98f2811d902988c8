"""Folders that only the user reads: what was measured tells of people and of how one tests."""

from __future__ import annotations

from pathlib import Path

ONLY_USER = 0o700


def make_private(directory: Path) -> None:
    """Make a folder that only the user can read, or close one that others can. Raises OSError.

    Folders above it are made as usual. One that belongs to somebody else is left as it is.
    """
    directory.mkdir(mode=ONLY_USER, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        try:
            directory.chmod(ONLY_USER)
        except PermissionError:
            return
