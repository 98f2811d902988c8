"""Put files and folders where they belong, whole or not at all, and wait for the disk.

For what an agent keeps while its power may be cut. ``harness.store.atomic_write`` does the same for
the registry, which probes know nothing of.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def make_private_folder(folder: Path) -> None:
    """Make a folder that only the user can read, if it is missing. Raises OSError."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file through a temporary one and a rename; it lasts when this returns.

    Raises OSError; then what was at the path is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        with os.fdopen(os.open(temporary, flags, PRIVATE_FILE), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def rename_durably(source: Path, target: Path) -> None:
    """Rename a file or folder, which is complete and on the disk already. Raises OSError."""
    source.rename(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file to a place where none is; the name lasts after ``sync_folder``. Raises OSError.

    No link: what is done to the original later must not change the copy.
    """
    with source.open("rb") as reading, target.open("xb") as writing:
        shutil.copyfileobj(reading, writing, 1024 * 1024)
        writing.flush()
        os.fsync(writing.fileno())


def remove_folder(folder: Path, hidden: Path) -> None:
    """Remove a folder: first its name, at once, then what is in it. Raises OSError.

    ``hidden`` is the name that it has meanwhile.
    """
    rename_durably(folder, hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; where no folder can be opened, do not."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems
            raise
    finally:
        os.close(descriptor)
