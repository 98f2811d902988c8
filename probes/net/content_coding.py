"""Decode content codings (RFC 9110 section 8.4) within a size limit.

A body of a few kilobytes may decompress to gigabytes, so the output is bounded. Undeclared codings
are decoded as well: otherwise a page that a filter compressed without saying so would be counted
as not delivered.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

import brotli

from harness.untrusted.zstandard_frames import unpack_frames

ROUNDS = 5
"""Maximum number of nested codings that are decoded."""

UNDECLARED = "undeclared "
"""Prefix of the name of a coding that no header declared."""

GZIP = 16 + zlib.MAX_WBITS
EITHER = 32 + zlib.MAX_WBITS
RAW = -zlib.MAX_WBITS
NONE = frozenset({"", "identity"})
GZIP_SLICE = 4096
"""Bytes fed to a gzip decoder at once."""

LEAST_PLAUSIBLE = 64
"""Minimum decoded text, in bytes, for an undeclared coding without a signature."""

SAMPLE, BINARY_SHARE = 512, 0.1
"""A body is binary if a tenth of its first bytes are control characters or no UTF-8."""

_CONTROLS = bytes({*range(32)} - {9, 10, 12, 13, 27})
"""Control characters that text does not have."""


class Decoded(NamedTuple):
    """A decoded body.

    ``truncated``: there was more than the limit. ``incomplete``: the coded bytes ended early.
    ``codings`` were decoded, outermost first; ``undecoded`` is the one that could not be (the body
    is then as received).
    """

    body: bytes
    truncated: bool = False
    incomplete: bool = False
    codings: tuple[str, ...] = ()
    undecoded: str = ""


class Unpacked(NamedTuple):
    """The output of one decoder; ``complete`` if it reached the end of the coded bytes."""

    body: bytes
    complete: bool


def decode(body: bytes, declared: str, limit: int) -> Decoded:
    """Decode the codings of a Content-Encoding header, then undeclared ones.

    ``limit`` bounds the result, in bytes. If a declared coding is unknown or does not match the
    bytes, the body is left as received and ``undecoded`` names the coding.
    """
    codings: list[str] = []
    complete = True
    for coding in reversed([part.strip().lower() for part in declared.split(",")]):
        if coding in NONE:
            continue
        if len(codings) == ROUNDS:
            return _result(body, limit, codings, complete=complete, undecoded=coding)
        unpacked = _undo(body, coding, limit)
        if unpacked is None:
            if body and not _is_text(body):
                return _result(body, limit, codings, complete=complete, undecoded=coding)
            continue  # declared but never applied: the body is plain text
        codings.append(coding)
        body, complete = unpacked.body, complete and unpacked.complete
    while len(codings) < ROUNDS and (recognised := _undo_undeclared(body, limit)) is not None:
        name, unpacked = recognised
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
    """Decode one coding by name; None if the name is unknown or the bytes do not match."""
    if not body:
        return None
    decoders: dict[str, tuple[Callable[[bytes, int], Unpacked | None], ...]] = {
        "gzip": (_gzip,),
        "x-gzip": (_gzip,),
        # Servers send zlib (RFC 9110) or, contrary to it, raw deflate.
        "deflate": (_zlib, _raw_deflate),
        "br": (_brotli,),
        "zstd": (_zstd,),
    }
    for decoder in decoders.get(coding, ()):
        if (unpacked := decoder(body, limit)) is not None:
            return unpacked
    return None


def _undo_undeclared(body: bytes, limit: int) -> tuple[str, Unpacked] | None:
    """Decode a coding recognised by its first bytes, or Brotli, which has no signature."""
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
    """Whether decoding an undeclared coding made sense: binary bytes became more bytes of text."""
    packed_again = unpacked.body.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))
    if packed_again or body.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return bool(unpacked.body)
    return len(unpacked.body) >= LEAST_PLAUSIBLE and _is_text(unpacked.body)


def _is_text(body: bytes) -> bool:
    sample = body[:SAMPLE]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    odd = len(sample) - len(sample.translate(None, delete=_CONTROLS))
    replaced = sample.decode("utf-8", "replace").count("\ufffd")
    return (odd + replaced / 2) <= len(sample) * BINARY_SHARE


def _gzip(body: bytes, limit: int) -> Unpacked | None:
    """Decode gzip (RFC 1952), all members, in slices: after each member the rest is copied."""
    unpacked, position = bytearray(), 0
    while body.startswith(b"\x1f\x8b", position):
        member = zlib.decompressobj(GZIP)
        try:
            while position < len(body) and not member.eof and len(unpacked) <= limit:
                part = body[position : position + GZIP_SLICE]
                position += len(part)
                unpacked += member.decompress(part, limit + 1 - len(unpacked))
        except zlib.error:
            return Unpacked(bytes(unpacked), complete=False) if unpacked else None
        position -= len(member.unused_data)
        if not member.eof or len(unpacked) > limit:
            return Unpacked(bytes(unpacked), complete=member.eof)
    is_end = position == len(body)
    return Unpacked(bytes(unpacked), complete=True) if unpacked or is_end else None


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
    """Decode Brotli (RFC 7932)."""
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
    """Decode Zstandard (RFC 8878)."""
    unpacked = unpack_frames(body, limit)
    if unpacked.is_broken and not unpacked.body:
        return None
    return Unpacked(unpacked.body, complete=unpacked.is_whole)
