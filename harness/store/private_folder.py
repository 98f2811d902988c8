"""Private folders: only the user can read them, and only one process at a time writes there.

Results describe people and tests, so others must not read them. The campaign's key is kept in
such a folder too.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import InstrumentError, UsageError
from harness.store.atomic_write import write_whole, write_whole_unsynced

if TYPE_CHECKING:
    from filelock import BaseFileLock

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


STATE_VARIABLE = "XDG_STATE_HOME"
"""The environment variable that names the folder of users' state (XDG Base Directory 0.8)."""


def state_folder() -> Path:
    """The folder for what Accredit keeps of a user beside results: crash logs, and a key.

    Raises RuntimeError for a user without a home.
    """
    state = Path(os.environ.get(STATE_VARIABLE, ""))
    return (state if state.is_absolute() else Path.home() / ".local/state") / "accredit"


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
            msg = f"{path}: the key cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from error
    except OSError as error:
        msg = f"{path}: the key cannot be read: {error.strerror or error}"
        raise InstrumentError(msg) from error
    if len(key) != LENGTH:
        msg = f"{path}: not a key of {LENGTH} bytes (it has {len(key)})"
        raise InstrumentError(msg)
    return key


class WriterLock:
    """A lock for writing to ``directory``, held until ``release`` or the end of the process.

    The operating system holds the lock (``flock(2)``, or ``msvcrt.locking`` on Windows). The file
    beside it names the process, for the message to others. A lock is also released when no object
    refers to it any more.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock: BaseFileLock | None = None
        self._holder = directory / "lock.pid"

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock is not None and bool(self._lock.is_locked)

    def take(self) -> None:
        """Take the lock. Raises UsageError, naming the other process, if it is held elsewhere."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - readers need no lock

        if self.held:
            return
        if self._lock is None:
            path = self._directory / "lock"
            self._lock = FileLock(path, timeout=0, mode=0o600, is_singleton=False)
        try:
            self._lock.acquire()
        except Timeout:
            msg = (
                f"{self._directory}: process {self._process()} is writing here; "
                "wait for it to end, or choose another folder"
            )
            raise UsageError(msg) from None
        write_whole_unsynced(self._holder, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._lock is not None:
            self._lock.release()

    def _process(self) -> str:
        try:
            return self._holder.read_text(encoding="ascii", errors="replace")[:32].strip()
        except OSError:
            return "unknown"
