"""Folders and keys that only the user can read, because results describe people and tests."""

from __future__ import annotations

import secrets
from pathlib import Path

from harness.errors import InstrumentError
from harness.store.atomic_write import write_whole

ONLY_USER = 0o700


def make_private(directory: Path) -> None:
    """Make a folder that only the user can read, or restrict an existing one. Raises OSError.

    Parent folders are made as usual. A folder of another user is left as it is.
    """
    directory.mkdir(mode=ONLY_USER, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        try:
            directory.chmod(ONLY_USER)
        except PermissionError:
            return


LENGTH = 32
"""Bytes of a key."""


def private_key(path: Path) -> bytes:
    """The key at ``path``; a new one is made there (mode 0600) if there is none.

    Raises InstrumentError if it cannot be read or written, or has another length.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(LENGTH)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, key, mode=0o600)
        except OSError as error:
            msg = f"{path}: the campaign's key cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from error
    except OSError as error:
        msg = f"{path}: the campaign's key cannot be read: {error.strerror or error}"
        raise InstrumentError(msg) from error
    if len(key) != LENGTH:
        msg = f"{path}: not a campaign's key ({len(key)} bytes instead of {LENGTH})"
        raise InstrumentError(msg)
    return key
