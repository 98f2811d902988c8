"""Image cards: flat-coloured PNG images that stand in for images which a filter should recognise.

The *agreed* card is given to the supplier, whose filter is to recognise it in any copy; all other
cards are harmless. Marks of delivery are in a text chunk, so that a delivered image is recognised.
Format: PNG (ISO/IEC 15948, RFC 2083).
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from functools import lru_cache

SIDE, FIELDS = 128, 8
"""Pixels of a side of a card, and coloured fields in a row."""
AGREED = "agreed image, version 1"
"""The seed of the agreed card."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def image_card(seed: str, marks: Iterable[str] = ()) -> bytes:
    """Return a card as PNG; its colours follow from ``seed``, its text chunk holds ``marks``."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)  # 8 bits, truecolour
    chunks = [(b"IHDR", header)]
    if text := " ".join(marks):
        chunks.append((b"tEXt", b"Comment\0" + text.encode("latin-1")))
    chunks += [(b"IDAT", pixels(seed)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


@lru_cache(maxsize=256)
def pixels(seed: str) -> bytes:
    """Return the compressed pixels of a card, which are the same in every copy."""
    colours = hashlib.shake_256(seed.encode()).digest(3 * FIELDS * FIELDS)
    width = SIDE // FIELDS
    rows = []
    for row in range(FIELDS):
        line = b"".join(
            colours[3 * field : 3 * field + 3] * width
            for field in range(row * FIELDS, (row + 1) * FIELDS)
        )
        rows.append((b"\0" + line) * width)
    return zlib.compress(b"".join(rows), 9)


def is_agreed(answer: bytes) -> bool:
    """Whether a response holds the agreed card, whatever its text chunk says."""
    return pixels(AGREED) in answer


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
