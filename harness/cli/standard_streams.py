"""Standard output and error that survive a reader who leaves, and a terminal of any encoding.

Python raises BrokenPipeError in the middle of a command whose output goes to ``head``, and exits
with 120 if it happens at the end; here the rest of the output is dropped, and the command does
its work to the end. A standard stream that was closed from the start is led to the null device,
so that no file of ours is opened under its number and written into by a library.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.cli.printing import say
from harness.errors import InstrumentError

STDOUT, STDERR = 1, 2


class _Output(io.FileIO):
    """A standard stream that drops what cannot be written, and remembers the first reason."""

    reason: OSError | None = None
    """Why text was dropped; a reader who left is no reason to complain of."""

    def write(self, text: Any, /) -> Any:
        """Write, or drop: the command goes on in both cases."""
        try:
            return super().write(text)
        except BrokenPipeError:
            _lead_to_null(self.fileno())
        except OSError as error:
            self.reason = error
            _lead_to_null(self.fileno())
        return memoryview(text).nbytes


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Replace the process's own standard streams for a while; those that a test put there stay."""
    for number in (0, STDOUT, STDERR):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    before = sys.stdout, sys.stderr
    if sys.stdout is sys.__stdout__:
        sys.stdout = _guarded(STDOUT)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _guarded(STDERR)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def flush_output() -> None:
    """Wait until standard output has everything. Raises InstrumentError if some was dropped."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Output) and raw.reason:
        msg = f"standard output cannot be written: {raw.reason.strerror}; run it again elsewhere"
        raise InstrumentError(msg)


def complain(message: str) -> None:
    """One line for each fault on standard error."""
    say(*(f"accredit: {line}" for line in message.split("\n")), to_stderr=True)


def _guarded(number: int) -> io.TextIOWrapper:
    """A stream in the encoding of the terminal, which shows what that cannot by its number."""
    raw = _Output(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(sys.__stdout__, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=raw.isatty() or number == STDERR,
    )


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _lead_to_null(number: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
