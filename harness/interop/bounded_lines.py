"""The lines of other people's measurements, up to limits of bytes, rows and seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from harness.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLimits:
    """How much is read: bytes of a line and of all, lines, and seconds."""

    line_bytes: int = 32 * 1024**2
    total_bytes: int = 16 * 1024**3
    rows: int = 20_000_000
    seconds: float = 6 * 3600.0


def bounded_lines(
    stream: BinaryIO,
    where: str,
    limits: LineLimits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[bytes]:
    """The lines as they come, each with its end.

    Raises UsageError at the line where a limit is passed: what came before has been given.
    """
    limits = limits or LineLimits()
    end, number, total = clock() + limits.seconds, 0, 0
    while line := stream.readline(limits.line_bytes + 1):
        number += 1
        total += len(line)
        passed = (
            (len(line) > limits.line_bytes, f"this line has more than {limits.line_bytes} bytes"),
            (total > limits.total_bytes, f"more than {limits.total_bytes} bytes"),
            (number > limits.rows, f"more than {limits.rows} lines"),
            (clock() > end, f"stopped after {limits.seconds:g} seconds"),
        )
        for is_passed, found in passed:
            if is_passed:
                done = f"{number - 1} lines and {total - len(line)} bytes were read"
                msg = f"{where}:{number}: {found}; {done}; split the file"
                raise UsageError(msg)
        yield line
