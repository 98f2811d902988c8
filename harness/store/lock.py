"""Let only one process at a time write to a folder (``flock``, released when it ends)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from harness.errors import UsageError


class WriterLock:
    """A lock for writing to ``directory``, held until ``release`` or the end of the process."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lock"
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self) -> None:
        """Take the lock. Raises UsageError, naming the other process, if it is held elsewhere."""
        if self.held:
            return
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            msg = (
                f"{self.path.parent}: process {holder} is writing here; "
                "wait for it to end, or choose another folder"
            )
            raise UsageError(msg) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
