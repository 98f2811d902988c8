"""Hash chains that start at a journal's header: the manifest of its sealed segments, its stops.

Each line's hash covers the line and the hash before it, so no line can be changed, taken out
or put in without the chain saying where.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from harness.errors import InstrumentError
from harness.store.atomic_write import write_all


class Link(Protocol):
    """One line of a chain; a struct of msgspec."""

    @property
    def name(self) -> str:
        """What it is about."""

    @property
    def previous(self) -> str:
        """The hash before it; that of the header for the first one."""

    @property
    def hash(self) -> str:
        """Its own hash."""


AnyLink = TypeVar("AnyLink", bound=Link)


class SealedSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the Parquet file, its digest, the digest of its lines, and the chain."""

    name: str
    rows: int
    batches: tuple[int, ...]
    sha256: str
    records_sha256: str
    previous: str
    hash: str = ""

    def chained(self) -> SealedSegment:
        """The same line with its hash."""
        return chained(self)


def read_manifest(path: Path, start: str) -> tuple[SealedSegment, ...]:
    """The sealed segments, oldest first; see ``read_chain``."""
    return read_chain(path, start, SealedSegment)


def read_chain(path: Path, start: str, kind: type[AnyLink]) -> tuple[AnyLink, ...]:
    """The lines of a chain, oldest first; a last line that was cut short does not count.

    ``start`` is the digest of the header. Each line must be the very text that we write, so a
    kind that gets another field leaves it out where it has its default. Raises InstrumentError,
    naming the byte, where the chain does not hold.
    """
    links: list[AnyLink] = []
    offset, previous = 0, start
    for line in whole_lines(path):
        try:
            link = msgspec.json.decode(line, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            msg = f"{path}: byte {offset}: not a line of a {path.stem.rstrip('s')}: {error}"
            raise InstrumentError(msg) from None
        is_as_written = line == msgspec.json.encode(link) + b"\n"
        if not is_as_written or link.previous != previous or link.hash != expected_hash(link):
            msg = f"{path}: byte {offset}: the hash chain does not hold at {link.name}"
            raise InstrumentError(msg)
        links.append(link)
        offset, previous = offset + len(line), link.hash
    return tuple(links)


class _Hashed(msgspec.Struct):
    """Of a line of any chain, its hash alone."""

    hash: str


def chain_hashes(path: Path) -> list[str]:
    """The hashes of a chain's lines, as they are written; see ``read_chain`` for a check.

    Raises InstrumentError if a line is none.
    """
    try:
        return [msgspec.json.decode(line, type=_Hashed).hash for line in whole_lines(path)]
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
    """Add one line and wait until the disk has it. Raises OSError, the file as it was."""
    whole = sum(len(line) for line in whole_lines(path))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, whole)
        os.lseek(descriptor, 0, os.SEEK_END)
        write_all(descriptor, msgspec.json.encode(link) + b"\n")
    except OSError:
        os.ftruncate(descriptor, whole)
        raise
    finally:
        os.close(descriptor)


def whole_lines(path: Path) -> list[bytes]:
    """The lines of a small file that end as lines do."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")]
