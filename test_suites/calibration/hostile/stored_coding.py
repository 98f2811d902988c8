"""Brotli and Zstandard without a library: the stored form that both formats allow.

RFC 7932 section 9.2 (uncompressed meta-blocks) and RFC 8878 section 3.1.1 (raw blocks).
"""

from __future__ import annotations

BROTLI_MOST = 1 << 16
ZSTD_MOST = 1 << 17


def brotli(data: bytes) -> bytes:
    """``data`` in Brotli's form."""
    out = bytearray()
    for start in range(0, len(data), BROTLI_MOST):
        piece = data[start : start + BROTLI_MOST]
        head = (len(piece) - 1) << 3 | 1 << 19  # not last, four nibbles, length, uncompressed
        if start == 0:
            out += (head << 1).to_bytes(3, "little")  # one bit before: the window
        else:
            out += head.to_bytes(3, "little")
        out += piece
    return bytes(out) + b"\x03" if data else b"\x06"


def zstd(data: bytes) -> bytes:
    """``data`` in Zstandard's form: one frame of raw blocks."""
    out = bytearray(b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little"))
    pieces = [data[at : at + ZSTD_MOST] for at in range(0, len(data), ZSTD_MOST)] or [b""]
    for number, piece in enumerate(pieces, 1):
        is_last = number == len(pieces)
        out += (int(is_last) | len(piece) << 3).to_bytes(3, "little") + piece
    return bytes(out)
