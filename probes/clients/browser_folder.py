"""The temporary folder of a running browser; those of processes that were killed are removed.

A process holds a lock in its folder until it ends, also if it is killed (``flock(2)``). A folder
with a lock that no process holds is left over. One without a lock is not removed: another program
made it, or it is being made.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "accredit-browser-"
"""What the names of the folders of running browsers begin with."""

LOCK = "lock"


@contextmanager
def browser_folder(parent: str | None) -> Iterator[Path]:
    """Give a new folder below ``parent`` (None: the system's choice), which is removed at the end.

    Folders of the same user that are left over there are removed first. Raises OSError.
    """
    import fcntl  # noqa: PLC0415 - POSIX alone has it, as it has the pipe to a browser

    remove_left_over(Path(parent or tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    descriptor = os.open(folder / "new-lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (folder / "new-lock").rename(folder / LOCK)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def remove_left_over(parent: Path) -> None:
    """Remove the folders of browsers whose processes have ended without removing them."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_dir() and not folder.is_symlink() and _is_left_over(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left_over(folder: Path) -> bool:
    """Whether a folder is this user's, and no process holds its lock. Raises OSError."""
    import fcntl  # noqa: PLC0415 - see above

    if folder.stat().st_uid != os.geteuid():
        return False
    descriptor = os.open(folder / LOCK, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
