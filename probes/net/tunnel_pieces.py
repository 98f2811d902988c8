"""A page in pieces, as tunnels in control protocols carry it: what is asked, and what is answered.

Each question names the host, the nonce of the attempt, and the number of a piece. The pieces make
up an HTTP answer, compressed (RFC 1950). A question has at most 19 bytes more than the host's name.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.raw_http1 import read_answer

ASKED, ANSWERED = 0x51, 0x52
"""The first byte of a question and of an answer: an echo of a question is no answer."""

MOST_PIECES = 4096

_ASKED = struct.Struct("!B16sH")
_ANSWERED = struct.Struct("!BHH")
_NONCE = re.compile(r"[0-9a-f]{32}")
_HOST = re.compile(rb"[a-z0-9.-]{1,253}")

HEAD_BYTES = _ANSWERED.size
"""Bytes of an answer before its part of the page."""


class Wanted(NamedTuple):
    """One piece of a host's page that is asked for, by an attempt."""

    host: str
    nonce: str
    number: int


class Piece(NamedTuple):
    """One piece of a page: which of how many, and its bytes."""

    number: int
    total: int
    data: bytes


def write_wanted(wanted: Wanted) -> bytes:
    """Return a question. Raises ValueError for what is no nonce."""
    if not _NONCE.fullmatch(wanted.nonce):
        raise ValueError("a tunnel needs a nonce of 32 hexadecimal digits")
    return _ASKED.pack(ASKED, bytes.fromhex(wanted.nonce), wanted.number) + wanted.host.encode()


def read_wanted(data: bytes) -> Wanted | None:
    """Return what a question asks for; None if it is none."""
    if len(data) <= _ASKED.size:
        return None
    kind, nonce, number = _ASKED.unpack_from(data)
    host = data[_ASKED.size :]
    if kind != ASKED or not _HOST.fullmatch(host):
        return None
    return Wanted(host.decode("ascii"), nonce.hex(), number)


def write_piece(piece: Piece) -> bytes:
    """Return an answer."""
    return _ANSWERED.pack(ANSWERED, piece.number, piece.total) + piece.data


def read_piece(data: bytes) -> Piece | None:
    """Return the piece in an answer; None if it is none."""
    if len(data) <= HEAD_BYTES:
        return None
    kind, number, total = _ANSWERED.unpack_from(data)
    if kind != ANSWERED or not number < total <= MOST_PIECES:
        return None
    return Piece(number, total, data[HEAD_BYTES:])


def cut(page: bytes, size: int) -> tuple[Piece, ...]:
    """Return a page in pieces, each an answer of at most ``size`` bytes. Raises ValueError."""
    each = size - HEAD_BYTES
    if each < 1:
        raise ValueError("an answer has no room for a piece")
    compressed = zlib.compress(page, 9)
    parts = [compressed[start : start + each] for start in range(0, len(compressed), each)]
    if len(parts) > MOST_PIECES:
        raise ValueError("the page has too many pieces")
    return tuple(Piece(number, len(parts), part) for number, part in enumerate(parts))


Ask = Callable[[bytes, int], Awaitable[Piece]]
"""Sends a question for the piece of some number, and returns the piece."""


async def fetch_pieces(ask: Ask, host: str, nonce: str, recorder: ExchangeRecorder) -> None:
    """Ask for all pieces of a host's page, one after the other, and record the HTTP answer.

    Raises what ``ask`` raises, ValueError for pieces that do not fit, EOFError for half an answer.
    """
    recorder.stage = "response"
    parts: list[bytes] = []
    total = 1
    while len(parts) < total:
        number = len(parts)
        piece = await ask(write_wanted(Wanted(host, nonce, number)), number)
        if piece.number != number or (number and piece.total != total):
            raise ValueError("a piece of the page does not fit those before it")
        total = piece.total
        parts.append(piece.data)
    await read_answer(_Ended(), recorder, _uncompressed(b"".join(parts), recorder.limit))


def _uncompressed(data: bytes, limit: int) -> bytes:
    """Return what the pieces hold, at most ``limit`` bytes and a head. Raises ValueError."""
    try:
        return zlib.decompressobj().decompress(data, limit + 65536)
    except zlib.error as error:
        msg = f"the pieces of the page cannot be joined: {error}"
        raise ValueError(msg) from None


class _Ended:
    """A stream from which nothing more comes."""

    async def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def read(self) -> bytes:
        return b""

    async def start_tls(self, trust: object, host: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close nothing."""
