"""Let one process at a time write to a folder; the lock ends with the process that holds it."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import UsageError
from harness.store.atomic_write import write_whole_unsynced


class WriterLock:
    """A lock for writing to ``directory``, held until ``release`` or the end of the process.

    The operating system holds the lock (``flock(2)``, or ``msvcrt.locking`` on Windows). The file
    beside it names the process, for the message to others. A lock that nobody refers to any more
    is released too.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = FileLock(directory / "lock", timeout=0, mode=0o600, is_singleton=False)
        self._holder = directory / "lock.pid"

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return bool(self._lock.is_locked)

    def take(self) -> None:
        """Take the lock. Raises UsageError, naming the other process, if it is held elsewhere."""
        if self.held:
            return
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
        self._lock.release()

    def _process(self) -> str:
        try:
            return self._holder.read_text(encoding="ascii", errors="replace")[:32].strip()
        except OSError:
            return "unknown"
