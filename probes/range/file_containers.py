"""Put a file into containers: archives, compression, office documents, encodings of text.

The bytes depend on the file alone, so that they are the same on every line. Formats that Python
cannot write are written here without compression (cab, lha, rar, rpm), or left out (7z, chm).
Encrypted archives use the traditional cipher of zip, and AES for one row.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import hashlib
import io
import lzma
import quopri
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache

from harness.model.file_case import AGREED, MARKED
from harness.untrusted.zstandard_frames import zstd
from probes.net.file_contents import AES_EXTRA, AES_METHOD, AGREED_FILE, PASSWORD, AesKeys

Wrap = Callable[[bytes], bytes]

INNER = "letter.com"
"""The name of the file inside a container."""
DEEP = 24
"""Levels of an archive that is nested too deeply."""
HUGE = 8 * 1024 * 1024
"""Bytes of the file of zeros in an archive that expands to a huge size."""

_EPOCH = (2026, 1, 1, 0, 0, 0)
_PIXEL = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"
)
"""A GIF picture of one pixel."""


@lru_cache(maxsize=64)
def in_container(payload: bytes, layers: tuple[str, ...]) -> bytes:
    """Return a file in a container of ``harness.model.file_case``, the innermost layer first.

    Raises KeyError for a layer that cannot be made.
    """
    for layer in layers:
        kind, _, number = layer.partition(" ")
        if kind == "zip" and number.isdecimal():
            payload = _zip(payload, others=int(number))
        elif kind == "behind":
            payload = _zip(payload, more=(("film.mp4", film(int(number) * 1_000_000)),))
        else:
            payload = _WRAPS[layer](payload)
    return payload


def film(size: int) -> bytes:
    """Return so many bytes that no compression makes smaller, as of a film; always the same."""
    return hashlib.shake_256(b"film").digest(size)


def _zip(
    file: bytes, method: int = zipfile.ZIP_DEFLATED, inner: str = INNER, others: int = 0,
    more: tuple[tuple[str, bytes], ...] = (),
) -> bytes:  # fmt: skip
    """A zip archive (PKWARE APPNOTE 6.3) with the file, and other files before it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, body in more:
            archive.writestr(_entry(name, method), body)
        for number in range(others):
            archive.writestr(_entry(f"notes/{number:04}.txt", method), f"Note {number}.\r\n")
        archive.writestr(_entry(inner, method), file)
    return written.getvalue()


def _entry(name: str, method: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = method
    return entry


def _office(part: str, kind: str) -> Wrap:
    """An office document: a zip archive with the file as an embedded part."""
    head = (("[Content_Types].xml", b'<?xml version="1.0"?><Types/>'), (kind, b"<document/>"))
    return lambda file: _zip(file, inner=part, more=head)


def _deep(file: bytes) -> bytes:
    for _ in range(DEEP):
        file = _zip(file)
    return file


def _huge(file: bytes) -> bytes:
    return _zip(file, more=(("picture.bmp", bytes(HUGE)),))


def _encrypted(file: bytes, inner: str = INNER) -> bytes:
    """A zip archive with one encrypted file (PKWARE APPNOTE section 6.1, traditional cipher)."""
    plain = _zip(file, zipfile.ZIP_STORED, inner)
    checksum = zlib.crc32(file)
    secret = _cipher(bytes(11) + bytes([checksum >> 24]) + file)
    name_end = 30 + len(inner)
    central = plain.index(b"PK\x01\x02")
    local = bytearray(plain[:name_end])
    local[6] |= 1
    local[18:22] = struct.pack("<I", len(secret))
    rest = bytearray(plain[central:])
    rest[8] |= 1
    rest[20:24] = struct.pack("<I", len(secret))
    end = rest.index(b"PK\x05\x06")
    rest[end + 16 : end + 20] = struct.pack("<I", name_end + len(secret))
    return bytes(local) + secret + bytes(rest)


def _cipher(plain: bytes) -> bytes:
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = _crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = _crc(keys[2], keys[1] >> 24)

    for byte in PASSWORD:
        update(byte)
    secret = bytearray()
    for byte in plain:
        mask = keys[2] | 2
        secret.append(byte ^ ((mask * (mask ^ 1) >> 8) & 0xFF))
        update(byte)
    return bytes(secret)


def _crc(state: int, byte: int) -> int:
    """One step of the CRC-32 register, without the inversions of ``zlib.crc32``."""
    return zlib.crc32(bytes([byte]), state ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _zip_aes(file: bytes) -> bytes:
    """A zip archive with one file that is encrypted by AES-256 (WinZip AE-2; password given).

    The salt depends on the file alone.
    """
    salt = hashlib.sha256(file).digest()[:16]
    keys = AesKeys.derived(PASSWORD, salt)
    secret = keys.crypted(file)
    data = salt + keys.check + secret + keys.code_of(secret)
    extra = struct.pack("<HHH2sBH", AES_EXTRA, 7, 2, b"AE", 3, zipfile.ZIP_STORED)
    name = INNER.encode()
    moment = ((_EPOCH[0] - 1980) << 9 | _EPOCH[1] << 5 | _EPOCH[2]) << 16
    sizes = struct.pack("<III", 0, len(data), len(file)) + struct.pack("<HH", len(name), len(extra))
    shared = struct.pack("<HHHI", 51, 1, AES_METHOD, moment) + sizes
    local = b"PK\x03\x04" + shared + name + extra + data
    central = b"PK\x01\x02" + struct.pack("<H", 51) + shared + bytes(14) + name + extra
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def _rar(file: bytes) -> bytes:
    """A RAR 5.0 archive with the file as it is (RAR 5.0 technote, method "store")."""
    name, checksum = INNER.encode(), struct.pack("<I", zlib.crc32(file))
    size = _vint(len(file))
    has_data, has_checksum, stored, on_unix = b"\x02", b"\x04", b"\0", b"\x01"
    entry = has_data + size + has_checksum + size + b"\x20" + checksum + stored + on_unix
    blocks = (
        _rar_block(b"\x01\0\0"),
        _rar_block(b"\x02" + entry + _vint(len(name)) + name) + file,
        _rar_block(b"\x05\0\0"),
    )
    return b"Rar!\x1a\x07\x01\0" + b"".join(blocks)


def _rar_block(fields: bytes) -> bytes:
    sized = _vint(len(fields)) + fields
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _vint(number: int) -> bytes:
    """A number in groups of 7 bits, the lowest first."""
    groups = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - 7 bits
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*groups, number))


def _lha(file: bytes) -> bytes:
    """An LHA archive with the file as it is (level 0, method -lh0-)."""
    name, checksum = INNER.encode(), 0
    for byte in file:  # CRC-16/ARC
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0xA001 if checksum & 1 else 0)
    sizes = struct.pack("<III", len(file), len(file), 0)
    head = b"-lh0-" + sizes + b"\x20\0" + bytes([len(name)]) + name + struct.pack("<H", checksum)
    return bytes((len(head), sum(head) & 0xFF)) + head + file + b"\0"


def _rpm(file: bytes) -> bytes:
    """An RPM package with the file in a cpio archive (RPM 4 format; empty headers).

    It cannot be installed, but its contents can be read.
    """
    lead = struct.pack(">4sBBHH66sHH16x", b"\xed\xab\xee\xdb", 3, 0, 0, 1, b"letter-1", 1, 5)
    no_header = b"\x8e\xad\xe8\x01" + bytes(12)
    return lead + no_header + no_header + _cpio(INNER, file) + _cpio("TRAILER!!!", b"")


def _cpio(name: str, file: bytes) -> bytes:
    """An entry of a cpio archive of the kind newc (``cpio(5)``)."""
    mode = 0o100644 if file else 0
    numbers = (1, mode, 0, 0, 1, 0, len(file), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % number for number in numbers) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + file + bytes(-len(file) % 4)


def _tar(file: bytes, inner: str = INNER) -> bytes:
    """A tar archive (POSIX ustar)."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(inner)
        entry.size = len(file)
        archive.addfile(entry, io.BytesIO(file))
    return written.getvalue()


def _ar(file: bytes) -> bytes:
    """An ar archive, as Debian packages are (``ar(5)``)."""
    head = f"{INNER + '/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(file):<10}`\n".encode()
    return b"!<arch>\n" + head + file + (b"\n" if len(file) % 2 else b"")


def _cab(file: bytes) -> bytes:
    """A cabinet with the file as it is (Microsoft Cabinet Format, no compression)."""
    name = INNER.encode() + b"\0"
    entry = struct.pack("<IIHHHH", len(file), 0, 0, 0, 0, 0x20) + name
    start = 36 + 8 + len(entry)
    data = struct.pack("<IHH", 0, len(file), len(file)) + file
    size = start + len(data)
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, size, 0, 44, 0, 3, 1, 1, 1, 0, 0, 0)
    return head + struct.pack("<IHH", start, 1, 0) + entry + data


def _iso(file: bytes) -> bytes:
    """A disc image (ECMA-119): a volume descriptor, its end, and the file in a sector."""
    sector = 2048
    descriptor = (b"\x01CD001\x01\0" + b"LINUX".ljust(32) + b"LETTER".ljust(32)).ljust(
        sector, b"\0"
    )
    end = b"\xffCD001\x01".ljust(sector, b"\0")
    return (
        bytes(16 * sector) + descriptor + end + file.ljust(-(-len(file) // sector) * sector, b"\0")
    )


def _rtf(file: bytes) -> bytes:
    return b"{\\rtf1\\ansi{\\object\\objemb{\\*\\objdata " + file.hex().encode() + b"}}}\r\n"


def _mail(file: bytes) -> bytes:
    """A mailbox of one message with the file as an attachment (RFC 4155, RFC 2045)."""
    return (
        b"From sender@example.org Thu Jan  1 00:00:00 2026\nFrom: sender@example.org\n"
        b"To: reader@example.org\nSubject: letter\nMIME-Version: 1.0\n"
        b"Content-Type: application/octet-stream; name=letter.com\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(file) + b"\n"
    )


def _script(file: bytes) -> bytes:
    coded = base64.b64encode(file).decode()
    return (
        f'var link = document.createElement("a"); link.download = "{INNER}";'
        f'link.href = URL.createObjectURL(new Blob([atob("{coded}")])); link.click();'
    ).encode()


def _html(inside: bytes) -> bytes:
    return (
        b'<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>Letter</title>'
        b"</head><body><p>Your letter.</p>" + inside + b"</body></html>\n"
    )


def _svg(file: bytes) -> bytes:
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>' + _script(file) + b"</script></svg>\n"
    )


def _data_link(file: bytes) -> bytes:
    address = b"data:application/octet-stream;base64," + base64.b64encode(file)
    return _html(b'<a download="' + INNER.encode() + b'" href="' + address + b'">Open</a>')


def _uuencoded(file: bytes, inner: str = INNER) -> bytes:
    lines = (binascii.b2a_uu(file[start : start + 45]) for start in range(0, len(file), 45))
    return f"begin 644 {inner}\n".encode() + b"".join(lines) + b"`\nend\n"


def _rot13(file: bytes) -> bytes:
    return codecs.encode(file.decode("latin-1"), "rot13").encode("latin-1")


_WRAPS: dict[str, Wrap] = {
    "none": lambda file: file,
    "renamed": lambda file: file,
    "exe": lambda file: file,
    "zip": _zip,
    "zip stored": lambda file: _zip(file, zipfile.ZIP_STORED),
    "zip lzma": lambda file: _zip(file, zipfile.ZIP_LZMA),
    "zip AES-256": _zip_aes,
    "zip bzip2": lambda file: _zip(file, zipfile.ZIP_BZIP2),
    "tar": _tar,
    "gz": lambda file: gzip.compress(file, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
    "ar/deb": _ar,
    "cab": _cab,
    "iso9660": _iso,
    "rar5": _rar,
    "lha": _lha,
    "rpm": _rpm,
    "jar": _office("example/Letter.class", "META-INF/MANIFEST.MF"),
    "apk": _office("assets/letter.bin", "AndroidManifest.xml"),
    "docx": _office("word/embeddings/oleObject1.bin", "word/document.xml"),
    "xlsx": _office("xl/embeddings/oleObject1.bin", "xl/workbook.xml"),
    "pptx": _office("ppt/embeddings/oleObject1.bin", "ppt/presentation.xml"),
    "odt": _office("Object 1", "content.xml"),
    "rtf": _rtf,
    "mbox": _mail,
    "html base64 smuggling": lambda file: _html(b"<script>" + _script(file) + b"</script>"),
    "svg script smuggling": _svg,
    "data: URI": _data_link,
    "uuencode": _uuencoded,
    "base64 text": base64.encodebytes,
    "quoted-printable": lambda file: quopri.encodestring(file, quotetabs=True),
    "rot13": _rot13,
    "polyglot gif+zip": lambda file: _PIXEL + _zip(file),
    "trailing whitespace": lambda file: file + b" " * (128 - len(file)),
    "UTF-16 text of string": lambda file: file.decode("latin-1").encode("utf-16"),
    "lower-cased string": bytes.lower,
    "deep": _deep,
    "encrypted": _encrypted,
    "huge": _huge,
    AGREED: lambda _: AGREED_FILE,
    MARKED: lambda file: file,
}
"""The containers by name."""

NAMING: dict[str, Callable[[bytes, str], bytes]] = {
    "zip": lambda file, inner: _zip(file, inner=inner),
    "tar": _tar,
    "encrypted": _encrypted,
    "uuencode": _uuencoded,
}
"""Containers that give the file in them a name (in ASCII)."""
