"""The complete lines of a log that a service still writes, as they are now.

Memory stays flat: the file is not read to find where its last complete line ends, except from its
end backwards to the last line feed.
"""

from __future__ import annotations

import os
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from harness.errors import UsageError
from harness.untrusted.regular_file import open_regular

if TYPE_CHECKING:
    from typing_extensions import Buffer

BLOCK_BYTES = 64 * 1024
"""How much is read at once to find the last line feed."""


def complete_lines(path: Path) -> BinaryIO:
    """Open a file up to its last line feed; what is written later is not read.

    Raises UsageError if it cannot be opened.
    """
    try:
        stream = open_regular(path)
        return BufferedReader(_Beginning(stream, _end_of_lines(stream)))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None


def _end_of_lines(stream: BinaryIO) -> int:
    """Return where the last complete line ends; 0 without one."""
    end = stream.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - BLOCK_BYTES)
        stream.seek(start)
        found = stream.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


class _Beginning(RawIOBase):
    """The first ``size`` bytes of a stream, which is closed with it."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._left = stream, size
        stream.seek(0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        content = self._stream.read(min(len(view), self._left))
        view[: len(content)] = content
        self._left -= len(content)
        return len(content)

    def close(self) -> None:
        self._stream.close()
        super().close()
