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
import hashlib
import hmac
import io
import lzma
import quopri
import re
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from harness.untrusted.zstandard_frames import unpack_frames, zstd
from probes.net.readings import without_references

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


AES_METHOD, AES_EXTRA = 99, 0x9901
"""The method of zip entries that are encrypted by AES, and the id of their extra field."""
_SALT, _CHECK, _CODE = 16, 2, 10
"""Bytes of the salt, of the password check and of the authentication code (AES-256)."""
_AES_COST = 64 * 1024
"""Bytes that an encrypted member counts at least, because deriving its keys takes time."""


class AesKeys(NamedTuple):
    """What a password gives for one entry of a zip archive (WinZip AE-2, AES-256)."""

    cipher: bytes
    code: bytes
    check: bytes

    @classmethod
    def derived(cls, password: bytes, salt: bytes) -> AesKeys:
        """Derive the keys."""
        made = hashlib.pbkdf2_hmac("sha1", password, salt, 1000, 66)
        return cls(made[:32], made[32:64], made[64:])

    def crypted(self, data: bytes) -> bytes:
        """Encrypt or decrypt: AES in counter mode, with a counter in little-endian order."""
        blocks = range(1, len(data) // 16 + 2)
        counters = b"".join(number.to_bytes(16, "little") for number in blocks)
        made = Cipher(AES(self.cipher), ECB()).encryptor().update(counters)  # noqa: S305 - of counters
        size = len(data)
        return (int.from_bytes(data) ^ int.from_bytes(made[:size])).to_bytes(size)

    def code_of(self, secret: bytes) -> bytes:
        """Return the authentication code of encrypted data."""
        return hmac.digest(self.code, secret, "sha1")[:_CODE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How far containers are opened: levels, bytes of one file and of all, members of an archive.

    ``files`` is the most files that are opened altogether.
    """

    depth: int = 40
    each: int = 16 * 1024 * 1024
    total: int = 64 * 1024 * 1024
    members: int = 3000
    files: int = 20_000
    passwords: tuple[bytes, ...] = ()


CLIENT = Opening(passwords=(PASSWORD,))
"""How a client opens a file: as far as a person would."""

_WIDE = (b"\xff\xfe", b"\xfe\xff")
LONGEST_TEXT, MOST_RUNS = 1024 * 1024, 64
"""The most bytes of a text in which encodings are decoded, and runs of each encoding."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}\s?){24,}")
_UU = re.compile(rb"begin [0-7]{3} [^\r\n]{1,255}\r?\n((?:[\x20-\x60]*\r?\n)+)end")
_QUOTED = re.compile(rb"=(?:[0-9A-F]{2}|\r?\n)")
_ESCAPED = re.compile(rb"%[0-9a-fA-F]{2}|&#?\w+;")
_MEMORY = 128 * 1024 * 1024
"""Bytes of memory that a decoder of LZMA may use: twice what the best compression needs."""
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, NotImplementedError, zlib.error, lzma.LZMAError,
    zstd.ZstdError, EOFError, OSError, ValueError, IndexError, struct.error, OverflowError,
)  # fmt: skip
"""What Python's libraries raise for containers that are broken, or of a kind unknown to them."""


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
    waiting, seen = deque([(body, 0)]), {hash(body)}
    left, unopened = opening.total, ""
    while waiting:
        data, depth = waiting.popleft()
        yield data
        for inner in _opened(data, opening) if left >= 0 else ():
            left -= max(len(inner.data), inner.cost)
            is_new = bool(inner.data) and hash(inner.data) not in seen
            if left < 0 or len(seen) > opening.files:
                left, unopened = -1, unopened or "huge"
                break
            if is_new and depth < opening.depth:
                seen.add(hash(inner.data))
                waiting.append((inner.data, depth + 1))
            unopened = unopened or inner.unopened or "deep" * (is_new and depth >= opening.depth)
    if unopened and strict:
        raise UnopenedError(unopened)


def holds_test_string(body: bytes, opening: Opening = CLIENT) -> bool:
    """Whether a file is, or holds, the anti-malware test string."""
    wanted = eicar()
    return any(wanted in data for data in contents(body, opening))


class _Inner(NamedTuple):
    """A file in a container, or its start; ``unopened`` says why it is not (all) there.

    ``cost`` is what a file that could not be read to its end counts against the total: the most
    bytes it may have been inflated to.
    """

    data: bytes = b""
    unopened: str = ""
    cost: int = 0


def _opened(data: bytes, opening: Opening) -> Iterator[_Inner]:
    """Yield the files directly in a container."""
    if b"PK\x03\x04" in data:
        yield from _zip_members(data, opening)
    elif data.startswith(b"\x1f\x8b"):
        yield _inflated(data, opening.each)
    elif data.startswith(b"BZh"):
        yield _by(bz2.BZ2Decompressor(), data, opening.each)
    elif data.startswith(b"\xfd7zXZ\0"):
        yield _by(lzma.LZMADecompressor(memlimit=_MEMORY), data, opening.each)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        yield _zstd(data, opening.each)
    elif data[257:262] == b"ustar":
        yield from _tar_members(data, opening)
    else:
        yield from map(_Inner, _decoded(data))


def _zip_members(data: bytes, opening: Opening) -> Iterator[_Inner]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN:
        return
    for entry in archive.infolist()[: opening.members]:
        if entry.file_size > opening.each:
            yield _Inner(unopened="huge")
        elif not entry.is_dir():
            yield _zip_member(archive, data, entry, opening.passwords)


def _zip_member(
    archive: zipfile.ZipFile, data: bytes, entry: zipfile.ZipInfo, passwords: tuple[bytes, ...]
) -> _Inner:
    """Return a member of at most ``entry.file_size`` bytes.

    ``zipfile`` inflates some methods without a limit, so these are read here.
    """
    size, is_encrypted = entry.file_size, bool(entry.flag_bits & 1)
    if entry.compress_type == AES_METHOD:
        return _aes_member(data, entry, passwords)
    if entry.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return _Inner(unopened="encrypted") if is_encrypted else _other_member(data, entry)
    for password in passwords or (None,):
        try:
            with (
                warnings.catch_warnings(action="ignore"),  # of overlapping members
                archive.open(entry, pwd=password) as member,
            ):
                return _Inner(member.read(size))
        except _BROKEN:
            return _Inner(cost=size)
        except RuntimeError:  # a wrong password
            continue
    return _Inner(unopened="encrypted")


def _stored(data: bytes, entry: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member as they are in the archive (PKWARE APPNOTE 4.3.7)."""
    lengths = data[entry.header_offset + 26 : entry.header_offset + 30]
    name, extra = int.from_bytes(lengths[:2], "little"), int.from_bytes(lengths[2:], "little")
    start = entry.header_offset + 30 + name + extra
    return data[start : start + entry.compress_size]


def _aes_member(data: bytes, entry: zipfile.ZipInfo, passwords: tuple[bytes, ...]) -> _Inner:
    """Return a member that is encrypted by AES-256, and not compressed before."""
    held = _stored(data, entry)
    salt, check, secret = held[:_SALT], held[_SALT : _SALT + _CHECK], held[_SALT + _CHECK : -_CODE]
    for password in passwords:
        keys = AesKeys.derived(password, salt)
        if keys.check == check and keys.code_of(secret) == held[-_CODE:]:
            return _Inner(keys.crypted(secret), cost=_AES_COST)
    return _Inner(unopened="encrypted", cost=_AES_COST)


def _other_member(data: bytes, entry: zipfile.ZipInfo) -> _Inner:
    """Return a member that is compressed by bzip2 or LZMA (PKWARE APPNOTE 5.8)."""
    coded = _stored(data, entry)
    if entry.compress_type == zipfile.ZIP_BZIP2:
        return _by(bz2.BZ2Decompressor(), coded, entry.file_size + 1)
    properties, unknown_size = coded[4:9], b"\xff" * 8
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY)
    return _by(decompressor, properties + unknown_size + coded[9:], entry.file_size + 1)


def _tar_members(data: bytes, opening: Opening) -> Iterator[_Inner]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry, _ in zip(archive, range(opening.members), strict=False):
                file = archive.extractfile(entry) if entry.isreg() else None
                if file is not None:
                    yield _Inner(file.read(opening.each))
    except (*_BROKEN, RecursionError):
        return


def _inflated(data: bytes, limit: int) -> _Inner:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        inflated = inflater.decompress(data, limit)
    except _BROKEN:
        return _Inner(cost=limit)
    return _Inner(inflated, "" if inflater.eof or not inflater.unconsumed_tail else "huge")


def _by(
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, data: bytes, limit: int
) -> _Inner:
    try:
        decompressed = decompressor.decompress(data, limit)
    except _BROKEN:
        return _Inner(cost=limit)
    return _Inner(decompressed, "" if decompressor.eof or len(decompressed) < limit else "huge")


def _zstd(data: bytes, limit: int) -> _Inner:
    unpacked = unpack_frames(data, limit)
    if unpacked.is_broken and not unpacked.body:
        return _Inner(cost=limit)
    return _Inner(unpacked.body[:limit], "" if len(unpacked.body) <= limit else "huge")


def _decoded(data: bytes) -> Iterator[bytes]:
    """Yield what encodings of text hold: Base64, hexadecimal, uuencode, quoted-printable."""
    if data.startswith(_WIDE) or len(data) > LONGEST_TEXT:
        return
    for run in _BASE64.findall(data)[:MOST_RUNS]:
        yield _base64(run)
    for run in _HEX.findall(data)[:MOST_RUNS]:
        yield bytes.fromhex(b"".join(run.split()).decode("ascii"))
    for block in _UU.findall(data)[:MOST_RUNS]:
        yield _uudecoded(block)
    if b"\\\\" in data:  # a string in a document or a script
        yield data.replace(b"\\\\", b"\\")
    if _QUOTED.search(data):
        yield quopri.decodestring(data)
    if _ESCAPED.search(data):
        text = without_references(data.decode("latin-1"))
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
        return b"".join(binascii.a2b_uu(line) for line in block.splitlines() if line)
    except binascii.Error:
        return b""
