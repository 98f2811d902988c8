"""The stops of a journal: where its campaign tried some categories no further, hash-chained."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.errors import InstrumentError
from harness.model.stop import Stop
from harness.store.journal.manifest import append_line, chained, read_chain

STOPS = "stops.jsonl"


class StopLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the stop, and the chain."""

    name: str
    stop: Stop
    previous: str
    hash: str = ""


def read_stops(directory: Path, start: str) -> tuple[Stop, ...]:
    """The stops of the journal in a folder, oldest first; ``start`` is its header's digest.

    Raises InstrumentError, naming the byte, where the chain does not hold.
    """
    return tuple(line.stop for line in read_chain(directory / STOPS, start, StopLine))


def append_stop(directory: Path, start: str, stop: Stop) -> None:
    """Add one stop and wait until the disk has it. Raises InstrumentError, the file as it was."""
    path = directory / STOPS
    held = read_chain(path, start, StopLine)
    name = f"plan {stop.plan} for {stop.profile}"
    line = StopLine(name=name, stop=stop, previous=held[-1].hash if held else start)
    try:
        append_line(path, chained(line))
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise InstrumentError(msg) from error
