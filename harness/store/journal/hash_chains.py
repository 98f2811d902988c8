"""Hash chains: the files of a journal in which each line's hash covers the line before it.

The first line continues from the header's digest, so a line that was changed, removed or inserted
is found. Two of the chains are kept here, early stops and instrument records; the third is the
manifest of sealed segments (``harness.store.journal.journal_state``).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from harness.errors import InstrumentError
from harness.model.campaign import Stop
from harness.model.instrument_record import InstrumentRecord
from harness.store.atomic_write import write_all

STOPS, INSTRUMENT = "stops.jsonl", "instrument.jsonl"
CHAINS = (STOPS, INSTRUMENT)
"""The chains beside the manifest; the head of the journal records their ends."""


class Link(Protocol):
    """One line of a chain; a msgspec struct."""

    @property
    def name(self) -> str:
        """The subject of the line, for error messages."""

    @property
    def previous(self) -> str:
        """The previous hash; the header's digest for the first line."""

    @property
    def hash(self) -> str:
        """The hash of this line."""


AnyLink = TypeVar("AnyLink", bound=Link)


def read_chain(
    path: Path, start: str, decoder: msgspec.json.Decoder[AnyLink]
) -> tuple[AnyLink, ...]:
    """The lines of a chain, oldest first; an incomplete last line does not count.

    ``start`` is the digest of the header. Each line must be exactly the text that we write, so a
    new field of a kind must be omitted when it has its default. Raises InstrumentError, naming the
    byte, where the chain is broken.
    """
    links: list[AnyLink] = []
    offset, previous = 0, start
    for line in whole_lines(path):
        try:
            link = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            msg = f"{path}: byte {offset}: not a line of a {path.stem.rstrip('s')}: {error}"
            raise InstrumentError(msg) from None
        is_as_written = line == msgspec.json.encode(link) + b"\n"
        if not is_as_written or link.previous != previous or link.hash != expected_hash(link):
            msg = f"{path}: byte {offset}: the hash chain is broken at {link.name}"
            if not links:
                msg += "; header.json or the first lines were changed"
            raise InstrumentError(msg)
        links.append(link)
        offset, previous = offset + len(line), link.hash
    return tuple(links)


class _Hashed(msgspec.Struct):
    """The hash of a line of any chain."""

    hash: str


_HASHES = msgspec.json.Decoder(_Hashed)


def chain_hashes(path: Path) -> list[str]:
    """The hashes in a chain's lines, unchecked; ``read_chain`` checks them.

    Raises InstrumentError if a line has no hash.
    """
    try:
        return [_HASHES.decode(line).hash for line in whole_lines(path)]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path}: not a hash chain: {error}"
        raise InstrumentError(msg) from None


def chained(link: AnyLink) -> AnyLink:
    """The same line with its hash."""
    plain: Any = link  # no type says both "a struct" and "with a hash"
    hashed: AnyLink = msgspec.structs.replace(plain, hash=expected_hash(link))
    return hashed


def expected_hash(link: Link) -> str:
    """SHA-256 of the line without its hash."""
    plain: Any = link
    bare = msgspec.structs.replace(plain, hash="")
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()


def append_line(path: Path, link: Link) -> None:
    """Add a line and wait until it is on the disk.

    Raises InstrumentError; the file is then as before.
    """
    try:
        _append(path, msgspec.json.encode(link) + b"\n")
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise InstrumentError(msg) from error


def _append(path: Path, text: bytes) -> None:
    whole = sum(len(line) for line in whole_lines(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(descriptor, whole)
        os.lseek(descriptor, 0, os.SEEK_END)
        write_all(descriptor, text)
    except OSError:
        os.ftruncate(descriptor, whole)
        raise
    finally:
        os.close(descriptor)


def whole_lines(path: Path) -> list[bytes]:
    """The complete lines of a small file."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")]


class StopLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ``stops.jsonl``: an early stop, and the hashes of the chain."""

    name: str
    stop: Stop
    previous: str
    hash: str = ""


_STOPS = msgspec.json.Decoder(StopLine)


def read_stops(directory: Path, start: str) -> tuple[Stop, ...]:
    """The stops of the journal in a folder, oldest first; ``start`` is its header's digest.

    Raises InstrumentError, naming the byte, where the chain is broken.
    """
    return tuple(line.stop for line in read_chain(directory / STOPS, start, _STOPS))


def append_stop(directory: Path, start: str, stop: Stop) -> None:
    """Add a stop and wait until it is on the disk.

    Raises InstrumentError if it cannot be written; the file is then as before.
    """
    path = directory / STOPS
    held = read_chain(path, start, _STOPS)
    name = f"plan {stop.plan} for {stop.profile}"
    line = StopLine(name=name, stop=stop, previous=held[-1].hash if held else start)
    append_line(path, chained(line))


class InstrumentLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of ``instrument.jsonl``: a record, and the hashes of the chain."""

    name: str
    record: InstrumentRecord
    previous: str
    hash: str = ""


_INSTRUMENTS = msgspec.json.Decoder(InstrumentLine)


def read_instrument(directory: Path, start: str) -> tuple[InstrumentRecord, ...]:
    """The records of the journal in a folder, oldest first; ``start`` is its header's digest.

    Journals of older versions have none. Raises InstrumentError, naming the byte, where the chain
    is broken.
    """
    return tuple(line.record for line in read_chain(directory / INSTRUMENT, start, _INSTRUMENTS))


def append_record(directory: Path, start: str, record: InstrumentRecord) -> bool:
    """Add a record unless it equals the last one; return whether it was added.

    Raises InstrumentError if the chain is broken or cannot be written; the file is then as before.
    """
    path = directory / INSTRUMENT
    held = read_chain(path, start, _INSTRUMENTS)
    if held and held[-1].record.is_like(record):
        return False
    line = InstrumentLine(
        name=f"the instrument at {record.at:%Y-%m-%d %H:%M:%S}",
        record=record,
        previous=held[-1].hash if held else start,
    )
    append_line(path, chained(line))
    return True
