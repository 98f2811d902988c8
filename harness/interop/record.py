"""Records: single measurements of other people, as trials that the rules can judge.

Also ``bounded_lines``, which reads files within limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, TypeVar

import msgspec

from harness.errors import UsageError
from harness.model.corpus import Item
from harness.model.facts import Facts
from harness.model.observation import CONTROL, AttemptKey, Failure, Observation
from harness.model.verdict import Trial

T = TypeVar("T")

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a record that does not say when it was made."""


class NotReadable(ValueError):
    """A line that does not have its format; the message says what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One measurement: its id and its trials. ``alone`` marks a page without a control."""

    id: str
    trials: tuple[Trial, ...]
    alone: bool = False


def decode_line(line: bytes | str, decoder: msgspec.json.Decoder[T]) -> T:
    """Read a line of JSON. Raises NotReadable."""
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotReadable(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What the service or the control of a foreign trial saw."""

    facts: Facts | None = None
    failure: Failure | None = None


def trial(
    identity: str,
    url: str,
    probe: str,
    service: Side,
    control: Side | None,
    *,
    started: datetime = LONG_AGO,
) -> Trial:
    """Make a trial of ``url`` from what both sides saw."""
    item = Item(id=identity, value=url, labels=("FOREIGN",), kind="url")

    def observed(side: Side, line: str) -> Observation:
        key = AttemptKey(
            campaign="foreign", item=identity, probe=probe, line=line, profile="foreign"
        )
        return Observation(
            key=key,
            item=item,
            started=started,
            batch=0,
            facts=side.facts,
            failure=side.failure,
        )

    return Trial(
        service=observed(service, "service"),
        control=observed(control, CONTROL) if control is not None else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLimits:
    """How much is read: bytes of a line and in total, lines, and seconds."""

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
    """Yield the lines of a stream, each with its line end.

    Raises UsageError at the line that exceeds a limit; the lines before have been yielded.
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
