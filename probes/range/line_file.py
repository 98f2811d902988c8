"""A log file to which whole lines are appended."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

STDOUT = 1


class LineFile:
    """A file of lines, appended without a buffer; the caller serialises the calls.

    The path ``-`` is standard output. Without ``report`` an error of the file is raised (OSError);
    with it, lines that cannot be written are dropped, and ``report`` gets one sentence for each
    time that the file was opened. ``contents`` is what that sentence calls the lines. Once closed,
    it drops all lines.
    """

    def __init__(
        self, path: Path, report: Callable[[str], None] | None = None, contents: str = "lines"
    ) -> None:
        self._path = path
        self._report = report
        self._contents = contents
        self._is_torn = False
        self._has_reported = False
        self.is_failing = False
        self._file: BinaryIO | None = _opened(path)

    def write(self, text: str) -> bool:
        """Write one line, and return whether it was; after a line cut off, begin a new one."""
        if self._file is None:
            return False
        line = ("\n" if self._is_torn else "").encode() + text.encode() + b"\n"
        try:
            written, reason = self._file.write(line), "only a part of a line"
        except OSError as error:
            if self._report is None:
                raise
            written, reason = 0, error.strerror or str(error)
        has_failed = written != len(line)
        self._is_torn = has_failed and bool(written or self._is_torn)
        self.is_failing = has_failed
        if has_failed and not self._has_reported and self._report is not None:
            self._has_reported = True
            self._report(
                f"the log {self._path} cannot be written: {reason}; {self._contents} are not "
                "recorded until this is fixed, the service continues"
            )
        return not has_failed

    def reopen(self) -> None:
        """Open the file at the path again, after a log rotation; if that fails, keep the old."""
        if self._file is None:
            return
        try:
            opened = _opened(self._path)
        except OSError as error:
            if self._report is None:
                raise
            self._report(f"the log {self._path} was not opened again: {error.strerror}")
            return
        self._file.close()
        self._file = opened
        self._is_torn = self._has_reported = self.is_failing = False

    def close(self) -> None:
        """Close the file; no effect if it is closed."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _opened(path: Path) -> BinaryIO:
    """Open a log for appending, unbuffered; a copy of standard output for the path ``-``."""
    if str(path) == "-":
        return os.fdopen(os.dup(STDOUT), "wb", buffering=0)
    return path.open("ab", buffering=0)
