"""The side records of a journal: early stops and instrument records, each a hash chain."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.model.campaign import Stop
from harness.model.instrument_record import InstrumentRecord
from harness.store.journal.manifest import INSTRUMENT, STOPS, append_line, chained, read_chain


class StopLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ``stops.jsonl``: an early stop, and the hashes of the chain."""

    name: str
    stop: Stop
    previous: str
    hash: str = ""


def read_stops(directory: Path, start: str) -> tuple[Stop, ...]:
    """The stops of the journal in a folder, oldest first; ``start`` is its header's digest.

    Raises InstrumentError, naming the byte, where the chain is broken.
    """
    return tuple(line.stop for line in read_chain(directory / STOPS, start, StopLine))


def append_stop(directory: Path, start: str, stop: Stop) -> None:
    """Add a stop and wait until it is on the disk.

    Raises InstrumentError if it cannot be written; the file is then as before.
    """
    path = directory / STOPS
    held = read_chain(path, start, StopLine)
    name = f"plan {stop.plan} for {stop.profile}"
    line = StopLine(name=name, stop=stop, previous=held[-1].hash if held else start)
    append_line(path, chained(line))


class InstrumentLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of ``instrument.jsonl``: a record, and the hashes of the chain."""

    name: str
    record: InstrumentRecord
    previous: str
    hash: str = ""


def read_instrument(directory: Path, start: str) -> tuple[InstrumentRecord, ...]:
    """The records of the journal in a folder, oldest first; ``start`` is its header's digest.

    Journals of older versions have none. Raises InstrumentError, naming the byte, where the chain
    is broken.
    """
    return tuple(line.record for line in read_chain(directory / INSTRUMENT, start, InstrumentLine))


def append_record(directory: Path, start: str, record: InstrumentRecord) -> bool:
    """Add a record unless it equals the last one; return whether it was added.

    Raises InstrumentError if the chain is broken or cannot be written; the file is then as before.
    """
    path = directory / INSTRUMENT
    held = read_chain(path, start, InstrumentLine)
    if held and held[-1].record.is_like(record):
        return False
    line = InstrumentLine(
        name=f"the instrument at {record.at:%Y-%m-%d %H:%M:%S}",
        record=record,
        previous=held[-1].hash if held else start,
    )
    append_line(path, chained(line))
    return True
