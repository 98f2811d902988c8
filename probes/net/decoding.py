"""Undoes content codings (RFC 9110 section 8.4) without being bombed.

A body of a few kilobytes may unpack to gigabytes, so no more than a limit is ever produced.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

GZIP = 16 + zlib.MAX_WBITS
EITHER = 32 + zlib.MAX_WBITS
RAW = -zlib.MAX_WBITS


class Decoded(NamedTuple):
    """The body as it was meant; ``truncated`` if there was more than the limit."""

    body: bytes
    truncated: bool


def decode(body: bytes, coding: str, limit: int) -> Decoded:
    """Undo one content coding, up to ``limit`` bytes.

    A coding that is not known, or bytes that do not fit it, leave the body as it came:
    what arrived is the fact.
    """
    coding = coding.strip().lower()
    unpacked = None
    if coding in ("gzip", "x-gzip"):
        unpacked = _inflate(body, GZIP, limit)
    elif coding == "deflate":
        # Servers send zlib (as the RFC says) or bare deflate (as many do).
        unpacked = _inflate(body, EITHER, limit) or _inflate(body, RAW, limit)
    if unpacked is None:
        return Decoded(body=body[:limit], truncated=len(body) > limit)
    return unpacked


def _inflate(body: bytes, window: int, limit: int) -> Decoded | None:
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return None
    return Decoded(body=unpacked[:limit], truncated=len(unpacked) > limit)
