"""Zstandard (RFC 8878): Python's own library since 3.14, and its backport before.

The one place that chooses between them, and that unpacks frames which come from elsewhere.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["Frames", "unpack_frames", "zstd"]

LARGEST_WINDOW = 8 * 1024 * 1024
"""Bytes of the largest window that is accepted (RFC 8878 section 3.1.1.1.2)."""

SLICE = 256
"""Bytes fed to a decompressor at once: they decompress to a few megabytes at most."""

_OPTIONS: dict[int, int] = {
    zstd.DecompressionParameter.window_log_max: LARGEST_WINDOW.bit_length() - 1
}


class Frames(NamedTuple):
    """What frames hold; ``is_whole`` if the last one ended, ``is_broken`` if one is none."""

    body: bytes
    is_whole: bool
    is_broken: bool = False


def unpack_frames(packed: bytes, limit: int) -> Frames:
    """Unpack one frame after the other, in small slices, until there are ``limit`` bytes and one.

    What came before a broken frame is returned with it; a larger window breaks a frame too.
    """
    body, position = bytearray(), 0
    while position < len(packed) and len(body) <= limit:
        frame = zstd.ZstdDecompressor(options=_OPTIONS)
        try:
            while position < len(packed) and not frame.eof and len(body) <= limit:
                part = packed[position : position + SLICE]
                position += len(part)
                body += frame.decompress(part)
        except zstd.ZstdError:
            return Frames(bytes(body), is_whole=False, is_broken=True)
        if not frame.eof:
            return Frames(bytes(body[: limit + 1]), is_whole=False)
        position -= len(frame.unused_data)
    return Frames(bytes(body[: limit + 1]), is_whole=True)
