"""What a file holds once its containers are opened, and the anti-malware test string.

The test string is the 68 bytes of the EICAR test file (eicar.org), which every anti-malware product
recognises by agreement. It is harmless. It is joined in memory from parts, and must never be
written to a file. ``contents`` opens containers as a client would: archives, compression, and
encodings of text. Sizes and depths are bounded.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import html
import io
import lzma
import quopri
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import zstandard

_PARTS = (r"X5O!P%@AP[4\PZX5", "4(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST", "-FILE!$H+H*")

AGREED_FILE = (
    b"This harmless file is agreed between an assessor and a supplier. It stands for a file that a "
    b"service knows by its digest alone.\r\n"
)
"""The file that suppliers are given: the equivalent of a cloud look-up."""

PASSWORD = b"agreed"
"""The password of encrypted archives, as a pupil would find it beside the link."""


def eicar() -> bytes:
    """Return the anti-malware test string: 68 bytes, joined anew at each call."""
    return "".join(_PARTS).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How far containers are opened: levels, bytes of one file, bytes of all files, passwords."""

    depth: int = 40
    each: int = 16 * 1024 * 1024
    total: int = 64 * 1024 * 1024
    members: int = 3000
    passwords: tuple[bytes, ...] = ()


CLIENT = Opening(passwords=(PASSWORD,))
"""How a client opens a file: as far as a person would."""

_WIDE = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_TEXT = 1024 * 1024
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}\s?){24,}")
_UU = re.compile(rb"begin [0-7]{3} [^\r\n]+\r?\n(.*?)\r?\n`?\r?\nend", re.DOTALL)
_QUOTED = re.compile(rb"=(?:[0-9A-F]{2}|\r?\n)")
_ESCAPED = re.compile(rb"%[0-9a-fA-F]{2}|&#?\w+;")
_MOST_RUNS = 64


class UnopenedError(Exception):
    """A container that was not opened: ``kind`` is ``deep``, ``encrypted`` or ``huge``."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the file was not opened: {kind}")
        self.kind = kind


def contents(body: bytes, opening: Opening = CLIENT, *, strict: bool = False) -> Iterator[bytes]:
    """Yield a file and all files in it, the outermost first.

    What cannot be opened is left out; if ``strict``, UnopenedError is raised instead, after
    everything that could be opened was yielded.
    """
    waiting, seen = [(body, 0)], {hash(body)}
    left, unopened = opening.total, ""
    while waiting:
        data, depth = waiting.pop(0)
        yield data
        for inner in _opened(data, opening):
            if isinstance(inner, str):
                unopened = unopened or inner
            elif depth >= opening.depth:
                unopened = unopened or "deep"
            elif len(inner) > left:
                unopened = unopened or "huge"
            elif hash(inner) not in seen:
                left -= len(inner)
                seen.add(hash(inner))
                waiting.append((inner, depth + 1))
    if unopened and strict:
        raise UnopenedError(unopened)


def holds_test_string(body: bytes, opening: Opening = CLIENT) -> bool:
    """Whether a file is, or holds, the anti-malware test string."""
    wanted = eicar()
    return any(wanted in data for data in contents(body, opening))


def _opened(data: bytes, opening: Opening) -> Iterator[bytes | str]:
    """Yield the files directly in a container; a word where one was not opened."""
    if b"PK\x03\x04" in data:
        yield from _zip_members(data, opening)
    elif data.startswith(b"\x1f\x8b"):
        yield from _inflated(data, opening.each)
    elif data.startswith(b"BZh"):
        yield from _by(bz2.BZ2Decompressor(), data, opening.each)
    elif data.startswith(b"\xfd7zXZ\0"):
        yield from _by(lzma.LZMADecompressor(), data, opening.each)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        yield from _zstd(data, opening.each)
    elif data[257:262] == b"ustar":
        yield from _tar_members(data, opening)
    else:
        yield from _decoded(data)


def _zip_members(data: bytes, opening: Opening) -> Iterator[bytes | str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist()[: opening.members]:
                if not entry.is_dir():
                    yield _zip_member(archive, entry, opening)
    except (zipfile.BadZipFile, OSError, ValueError):
        return


def _zip_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, opening: Opening) -> bytes | str:
    if entry.file_size > opening.each:
        return "huge"
    for password in opening.passwords or (None,):
        try:
            with archive.open(entry, pwd=password) as member:
                return member.read(opening.each)
        except RuntimeError:
            continue
        except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error, lzma.LZMAError):
            return b""
    return "encrypted"


def _tar_members(data: bytes, opening: Opening) -> Iterator[bytes | str]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive.getmembers()[: opening.members]:
                file = archive.extractfile(entry) if entry.isreg() else None
                if file is not None:
                    yield file.read(opening.each)
    except (tarfile.TarError, OSError, ValueError):
        return


def _inflated(data: bytes, limit: int) -> Iterator[bytes | str]:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        inflated = inflater.decompress(data, limit)
    except zlib.error:
        return
    yield inflated if inflater.eof or not inflater.unconsumed_tail else "huge"


def _by(
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, data: bytes, limit: int
) -> Iterator[bytes | str]:
    try:
        decompressed = decompressor.decompress(data, limit)
    except (OSError, lzma.LZMAError, EOFError):
        return
    yield decompressed if decompressor.eof or len(decompressed) < limit else "huge"


def _zstd(data: bytes, limit: int) -> Iterator[bytes | str]:
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=2**23).stream_reader(io.BytesIO(data))
        decompressed = reader.read(limit + 1)
    except zstandard.ZstdError:
        return
    yield decompressed if len(decompressed) <= limit else "huge"


def _decoded(data: bytes) -> Iterator[bytes]:
    """Yield what encodings of text hold: Base64, hexadecimal, uuencode, quoted-printable."""
    if data.startswith(_WIDE) or len(data) > _LONGEST_TEXT:
        return
    for run in _BASE64.findall(data)[:_MOST_RUNS]:
        yield _base64(run)
    for run in _HEX.findall(data)[:_MOST_RUNS]:
        yield bytes.fromhex(b"".join(run.split()).decode("ascii"))
    for block in _UU.findall(data)[:_MOST_RUNS]:
        yield _uudecoded(block)
    if b"\\\\" in data:  # a string in a document or a script
        yield data.replace(b"\\\\", b"\\")
    if _QUOTED.search(data):
        yield quopri.decodestring(data)
    if _ESCAPED.search(data):
        text = html.unescape(data.decode("latin-1"))
        yield unquote_to_bytes(text.encode("latin-1", "replace"))


def _base64(run: bytes) -> bytes:
    bare = b"".join(run.split()).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4))
    except binascii.Error:
        return b""


def _uudecoded(block: bytes) -> bytes:
    try:
        return b"".join(binascii.a2b_uu(line) for line in block.splitlines())
    except binascii.Error:
        return b""
