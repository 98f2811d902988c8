"""Open regular files only: no pipe, device, socket or folder.

Opening a pipe waits for a writer, and a device such as ``/dev/zero`` never ends. So a file is
opened without blocking and its type is checked on the open descriptor, which avoids a race.
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
    """The path is not a regular file; ``strerror`` says what it is."""


class FileTooLarge(OSError):
    """The file is larger than the limit, which ``strerror`` names."""


def open_regular(path: Path | str) -> BufferedReader:
    """Open a file for reading. Raises OSError; NotRegularFile if it is no regular file."""
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
    """Return the bytes of a file of at most ``limit``.

    Raises OSError; FileTooLarge or NotRegularFile where these apply.
    """
    with open_regular(path) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        size = f"{limit // 1024**2} MiB" if limit >= 1024**2 else f"{limit // 1024} KiB"
        raise FileTooLarge(errno.EFBIG, f"larger than {size}", str(path))
    return content


def _other(kind: str, path: Path | str) -> NotRegularFile:
    return NotRegularFile(errno.EINVAL, f"is {kind}, not a regular file", str(path))
