"""Which files an order may hold: the hub checks it before it sends one, and the agent again."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from harness.errors import UsageError
from harness.fleet.messages import OrderFile

MOST_FILES = 500

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,98}[A-Za-z0-9_-])?")
"""A part of a file's name. It begins with a letter or digit: it is neither hidden nor goes up. It
does not end with a full stop or a space, which Windows leaves out."""

_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?: *\..*)?", re.IGNORECASE)
"""What Windows takes for a device."""


def checked_files(files: tuple[OrderFile, ...]) -> dict[str, OrderFile]:
    """The files by their names. Raises UsageError for a name that may not be."""
    if len(files) > MOST_FILES:
        msg = f"an order of {len(files)} files is too large; at most {MOST_FILES} are taken"
        raise UsageError(msg)
    named = {checked_name(file.name): file for file in files}
    if len({name.casefold() for name in named}) != len(files):
        msg = "an order names a file twice"
        raise UsageError(msg)
    return named


def checked_name(name: str) -> str:
    """A relative path of plain parts. Raises UsageError."""
    parts = PurePosixPath(name).parts
    is_plain = all(_NAME.fullmatch(part) and not _DEVICE.fullmatch(part) for part in parts)
    if not parts or "/".join(parts) != name or not is_plain:
        msg = f"an order names a file {name!r}; only plain relative names are taken"
        raise UsageError(msg)
    return name
