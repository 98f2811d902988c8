"""Undo content codings (RFC 9110 section 8.4), within a limit.

A body of a few kilobytes may unpack to gigabytes, so no more than a limit is ever produced.
Codings that nobody declared are undone as well: a filter that lets a page through must not look
as if it had not, only because it packed the page.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

import brotli
import zstandard

ROUNDS = 5
"""How many codings, one inside another, are undone."""

UNDECLARED = "undeclared "
"""Begins the name of a coding that no header declared."""

GZIP = 16 + zlib.MAX_WBITS
EITHER = 32 + zlib.MAX_WBITS
RAW = -zlib.MAX_WBITS
NONE = frozenset({"", "identity"})
LARGEST_WINDOW = 8 * 1024 * 1024
"""Bytes of the largest Zstandard window that is accepted (RFC 8878 section 3.1.1.1.2)."""

SLICE = 256
"""Bytes that a Zstandard decoder is given at once: they unpack to a few megabytes at most."""

LEAST_PLAUSIBLE = 64
"""Bytes of text that an undeclared coding without a signature must give."""

SAMPLE, BINARY_SHARE = 512, 0.1
"""A body is binary if a tenth of its first bytes are control characters or no UTF-8."""


class Decoded(NamedTuple):
    """The body as it was meant.

    ``truncated``: there was more than the limit. ``incomplete``: the coded bytes ended too
    early. ``codings`` were undone, outermost first; ``undecoded`` is the one that could not be
    (then the body is as it came).
    """

    body: bytes
    truncated: bool = False
    incomplete: bool = False
    codings: tuple[str, ...] = ()
    undecoded: str = ""


class Unpacked(NamedTuple):
    """What one decoder gave; ``complete`` if the coded bytes came to their end."""

    body: bytes
    complete: bool


def decode(body: bytes, declared: str, limit: int) -> Decoded:
    """Undo the codings of a Content-Encoding header and those that were not declared.

    ``limit`` bounds the result, in bytes. Bytes that do not fit a declared coding, and codings
    that are not known, leave the body as it came, with the coding's name in ``undecoded``.
    """
    codings: list[str] = []
    complete = True
    for coding in reversed([each.strip().lower() for each in declared.split(",")]):
        if coding in NONE:
            continue
        if len(codings) == ROUNDS:
            return _result(body, limit, codings, complete=complete, undecoded=coding)
        unpacked = _undo(body, coding, limit)
        if unpacked is None:
            if body and not _is_text(body):
                return _result(body, limit, codings, complete=complete, undecoded=coding)
            continue  # declared, but never applied: the body can be read as it is
        codings.append(coding)
        body, complete = unpacked.body, complete and unpacked.complete
    while len(codings) < ROUNDS and (found := _undo_undeclared(body, limit)) is not None:
        name, unpacked = found
        codings.append(UNDECLARED + name)
        body, complete = unpacked.body, complete and unpacked.complete
    return _result(body, limit, codings, complete=complete)


def _result(
    body: bytes, limit: int, codings: list[str], *, complete: bool, undecoded: str = ""
) -> Decoded:
    return Decoded(
        body=body[:limit],
        truncated=len(body) > limit,
        incomplete=not complete and len(body) <= limit,
        codings=tuple(codings),
        undecoded=undecoded[:40],
    )


def _undo(body: bytes, coding: str, limit: int) -> Unpacked | None:
    """Undo one coding by its name; ``None`` if the name or the bytes are not of a known one."""
    if not body:
        return None
    decoders: dict[str, tuple[Callable[[bytes, int], Unpacked | None], ...]] = {
        "gzip": (_gzip,),
        "x-gzip": (_gzip,),
        # Servers send zlib (as the RFC says) or bare deflate (as many do).
        "deflate": (_zlib, _raw_deflate),
        "br": (_brotli,),
        "zstd": (_zstd,),
    }
    for decoder in decoders.get(coding, ()):
        if (unpacked := decoder(body, limit)) is not None:
            return unpacked
    return None


def _undo_undeclared(body: bytes, limit: int) -> tuple[str, Unpacked] | None:
    """Undo a coding that the first bytes show, or Brotli, which has no signature."""
    candidates: tuple[tuple[str, Callable[[bytes, int], Unpacked | None]], ...]
    if body.startswith(b"\x1f\x8b"):
        candidates = (("gzip", _gzip),)
    elif body.startswith(b"\x28\xb5\x2f\xfd"):
        candidates = (("zstd", _zstd),)
    elif body and not _is_text(body):
        candidates = (("deflate", _zlib), ("br", _brotli))
    else:
        return None
    for name, decoder in candidates:
        unpacked = decoder(body, limit)
        if unpacked is not None and _is_plausible(unpacked, body):
            return name, unpacked
    return None


def _is_plausible(unpacked: Unpacked, body: bytes) -> bool:
    """Whether an undeclared coding was really there: binary bytes became more bytes of text."""
    packed_again = unpacked.body.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))
    if packed_again or body.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return bool(unpacked.body)
    return len(unpacked.body) >= LEAST_PLAUSIBLE and _is_text(unpacked.body)


def _is_text(body: bytes) -> bool:
    sample = body[:SAMPLE]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    odd = sum(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in sample)  # noqa: PLR2004 - control characters
    replaced = sample.decode("utf-8", "replace").count("\ufffd")
    return (odd + replaced / 2) <= len(sample) * BINARY_SHARE


def _gzip(body: bytes, limit: int) -> Unpacked | None:
    """Undo gzip (RFC 1952), all members of it."""
    unpacked = bytearray()
    while body.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(GZIP)
        try:
            unpacked += member.decompress(body, limit + 1 - len(unpacked))
        except zlib.error:
            return Unpacked(bytes(unpacked), complete=False) if unpacked else None
        body = member.unused_data
        if not member.eof or len(unpacked) > limit:
            return Unpacked(bytes(unpacked), complete=member.eof)
    return Unpacked(bytes(unpacked), complete=True) if unpacked or not body else None


def _zlib(body: bytes, limit: int) -> Unpacked | None:
    return _inflate(body, EITHER, limit)


def _raw_deflate(body: bytes, limit: int) -> Unpacked | None:
    return _inflate(body, RAW, limit)


def _inflate(body: bytes, window: int, limit: int) -> Unpacked | None:
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        return None
    return Unpacked(unpacked, complete=unpacker.eof)


def _brotli(body: bytes, limit: int) -> Unpacked | None:
    """Undo Brotli (RFC 7932)."""
    unpacker = brotli.Decompressor()
    unpacked = bytearray()
    try:
        unpacked += unpacker.process(body, output_buffer_limit=limit + 1)
        while len(unpacked) <= limit and not unpacker.can_accept_more_data():
            more = unpacker.process(b"", output_buffer_limit=limit + 1)
            if not more:
                break
            unpacked += more
    except brotli.error:
        return Unpacked(bytes(unpacked), complete=False) if unpacked else None
    return Unpacked(bytes(unpacked[: limit + 1]), complete=unpacker.is_finished())


def _zstd(body: bytes, limit: int) -> Unpacked | None:
    """Undo Zstandard (RFC 8878), all frames of it; fed in small slices, to bound the output."""
    unpacked = bytearray()
    while body and len(unpacked) <= limit:
        frame = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()
        try:
            for start in range(0, len(body), SLICE):
                unpacked += frame.decompress(body[start : start + SLICE])
                if frame.eof or len(unpacked) > limit:
                    break
        except zstandard.ZstdError:
            return Unpacked(bytes(unpacked), complete=False) if unpacked else None
        if not frame.eof:
            return Unpacked(bytes(unpacked[: limit + 1]), complete=False)
        body = frame.unused_data + body[start + SLICE :]
    return Unpacked(bytes(unpacked[: limit + 1]), complete=True)
