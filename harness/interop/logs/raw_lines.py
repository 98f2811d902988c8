"""The bytes of a log: unpacked, counted, searched for secrets, and split into lines.

Memory stays flat: a file is read in blocks, and a line that is too long is cut. gzip is found by
its first bytes (RFC 1952), whatever the name of the file; several members are read one after the
other, as rotated logs are often joined.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from harness.interop.logs.line_reader import RawLine, UnreadableLog

BLOCK_BYTES = 256 * 1024
"""How much is read or unpacked at once."""
LINE_BYTES = 64 * 1024
"""The longest line or record."""
ENDLESS_BYTES = 1024 * 1024
"""After so many bytes without a line end the file has no lines."""
TOTAL_BYTES = 64 * 1024**3
"""The most bytes of a file, unpacked."""
MOST_PLACES = 1000
"""The most lines that are named for each secret."""

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
"""The number by which zlib reads gzip and checks its sum (zlib.h, inflateInit2)."""


@dataclass(slots=True, kw_only=True)
class SecretFound:
    """A secret that is in the log: how often, and in which lines (the first 1,000)."""

    secret: bytes = field(repr=False)
    count: int = 0
    lines: list[int] = field(default_factory=list)


class SecretSearch:
    """Searches blocks for secrets, also across their borders.

    ``secrets`` are at least one byte and at most LINE_BYTES long; raises ValueError otherwise.
    """

    def __init__(self, secrets: Collection[bytes]) -> None:
        for secret in secrets:
            if not 0 < len(secret) <= LINE_BYTES:
                msg = f"a secret has 1 to {LINE_BYTES} bytes, not {len(secret)}"
                raise ValueError(msg)
        self._found = {secret: SecretFound(secret=secret) for secret in secrets}
        self._overlap = max(map(len, secrets), default=1) - 1
        self._rest = b""
        self._line = 1

    @property
    def found(self) -> tuple[SecretFound, ...]:
        """The secrets that were found so far."""
        return tuple(each for each in self._found.values() if each.count)

    def search(self, block: bytes) -> None:
        """Search the next block."""
        if not self._found:
            return
        window, old = self._rest + block, len(self._rest)
        for secret, found in self._found.items():
            at = window.find(secret, max(0, old - len(secret) + 1))
            while at >= 0:
                found.count += 1
                if len(found.lines) < MOST_PLACES:
                    found.lines.append(self._line + window.count(b"\n", 0, at))
                at = window.find(secret, at + len(secret))
        keep = min(self._overlap, len(window))
        self._line += window.count(b"\n", 0, len(window) - keep)
        self._rest = window[len(window) - keep :]


@dataclass(slots=True, kw_only=True)
class FileBytes:
    """The blocks of a file, unpacked. ``size`` and ``sha256`` are of the file as it is.

    Iterating raises UnreadableLog if the file is damaged or too large, and OSError.
    """

    stream: BinaryIO
    search: SecretSearch
    size: int = 0
    unpacked: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was read so far, in hexadecimal."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        for block in self._plain():
            self.unpacked += len(block)
            if self.unpacked > TOTAL_BYTES:
                limit = f"{TOTAL_BYTES / 1024**3:g} GiB"
                raise UnreadableLog(f"the file is larger than {limit}", "split it")
            self.search.search(block)
            yield block

    def _plain(self) -> Iterator[bytes]:
        blocks = self._stored()
        first = next(blocks, b"")
        while 0 < len(first) < len(_GZIP) and (more := next(blocks, b"")):
            first += more
        yield from (_unpack if first.startswith(_GZIP) else _joined)(first, blocks)

    def _stored(self) -> Iterator[bytes]:
        while block := self.stream.read(BLOCK_BYTES):
            self.size += len(block)
            self._hash.update(block)
            yield block


def _joined(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from blocks


def _unpack(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack members of gzip, one block at a time, however much they hold."""
    unpack = zlib.decompressobj(_GZIP_WINDOW)
    try:
        for block in _joined(first, blocks):
            packed = block
            while True:
                if unpack.eof:
                    packed = packed.lstrip(b"\0")  # padding of tapes and blocks
                    if not packed:
                        break
                    unpack = zlib.decompressobj(_GZIP_WINDOW)
                plain = unpack.decompress(packed, BLOCK_BYTES)
                if plain:
                    yield plain
                packed = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
                if not packed:
                    break
    except zlib.error as error:
        msg = f"the compressed file is damaged ({error})"
        raise UnreadableLog(msg, "copy it again") from None
    if not unpack.eof:
        raise UnreadableLog("the compressed file ends too early", "copy it again")


def lines_of(blocks: Iterator[bytes]) -> Iterator[RawLine]:
    """Split blocks at line feeds. A line longer than LINE_BYTES is cut to one byte more.

    Raises UnreadableLog for one of more than ENDLESS_BYTES.
    """
    number, rest, dropped = 0, b"", 0
    for block in blocks:
        parts = (rest + block).split(b"\n")
        last = parts.pop()
        rest = last[: LINE_BYTES + 1]
        dropped = len(last) - len(rest) + (0 if parts else dropped)
        for number, part in enumerate(parts, number + 1):  # noqa: B020 - goes on where it was
            yield RawLine(number, part, True)  # noqa: FBT003 - a tuple is made faster by position
        if dropped > ENDLESS_BYTES:
            raise UnreadableLog(f"line {number + 1} does not end within 1 MiB", "is this a text?")
    if rest:
        yield RawLine(number + 1, rest, False)  # noqa: FBT003 - the same
