"""Opens regular files only: no pipe, device, socket or folder, and none that has no end.

Opening a pipe waits for a writer, and a device such as ``/dev/zero`` never ends. So a file is
opened without waiting, and looked at when it is open: nobody can swap it in between.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)


class NotRegularFile(OSError):
    """It is something else than a file; ``strerror`` says what."""


class FileTooLarge(OSError):
    """The file has more bytes than are read; ``strerror`` says how many are."""


def open_regular(path: Path | str) -> BufferedReader:
    """Open a file for reading. Raises OSError, and of these NotRegularFile."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # what opening a socket gives
            raise _other("a socket or a device without a driver", path) from None
        raise
    except ValueError as error:
        raise NotRegularFile(errno.EINVAL, "a NUL is in the name", str(path)) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = next((name for test, name in _KINDS if test(mode)), "something else")
        raise _other(kind, path)
    return os.fdopen(descriptor, "rb")


def read_bounded(path: Path | str, limit: int) -> bytes:
    """The bytes of a small file. Raises OSError, and of these FileTooLarge, NotRegularFile."""
    with open_regular(path) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        size = f"{limit // 1024**2} MiB" if limit >= 1024**2 else f"{limit // 1024} KiB"
        raise FileTooLarge(errno.EFBIG, f"larger than {size}", str(path))
    return content


def _other(kind: str, path: Path | str) -> NotRegularFile:
    return NotRegularFile(errno.EINVAL, f"is {kind}, not a regular file", str(path))
