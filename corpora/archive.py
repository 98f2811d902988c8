"""Unpacks archives from strangers into a folder of their own, or refuses them whole.

Refused are paths that leave the folder, links that do, devices, and bombs: the bytes that
come out are counted, not those that the archive promises.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from corpora.source import Limits, Refused

_CHUNK = 64 * 1024
_HEADER_LIMIT = 1024 * 1024
_DEPTH = 8
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
    ValueError, RuntimeError, NotImplementedError, OverflowError,
)  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether a file is a tar or zip archive, as its bytes say."""
    try:
        if not path.is_file():
            return False
        if zipfile.is_zipfile(path):
            return True
        with path.open("rb") as plain:
            _open_tar(plain, Limits()).close()
    except (*_BROKEN, Refused):
        return False
    return True


@contextlib.contextmanager
def unpacked(path: Path, limits: Limits) -> Iterator[Path]:
    """A folder with what is in the archive, for as long as the context lasts.

    Raises Refused if anything in it is not as it should be.
    """
    with tempfile.TemporaryDirectory(prefix="accredit-") as name:
        folder = Path(name)
        try:
            if zipfile.is_zipfile(path):
                _unpack_zip(path, folder, limits)
            else:
                _unpack_tar(path, folder, limits)
        except _BROKEN as error:
            raise Refused(f"archive not readable: {type(error).__name__}") from None
        yield folder


class _Counted(io.RawIOBase):
    """A stream that gives no more than so many bytes, and no header of a size to fear."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or size > _HEADER_LIMIT:
            raise Refused("archive header too large")
        content = self._stream.read(size)
        if self._stream.tell() > self._limit:
            raise Refused(f"more than {self._limit} bytes unpacked; whole archive rejected")
        return content

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or offset > self._limit:
            raise Refused(f"more than {self._limit} bytes unpacked; whole archive rejected")
        return self._stream.seek(offset)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _open_tar(plain: IO[bytes], limits: Limits) -> tarfile.TarFile:
    magic = plain.read(2)
    plain.seek(0)
    counted = cast("IO[bytes]", _Counted(_decompressed(magic, plain), limits.total_bytes))
    return tarfile.open(fileobj=counted, mode="r:")


def _decompressed(magic: bytes, plain: IO[bytes]) -> IO[bytes]:
    if magic == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=plain))
    if magic == b"BZ":
        return cast("IO[bytes]", bz2.BZ2File(plain))
    if magic == b"\xfd7":
        return cast("IO[bytes]", lzma.LZMAFile(plain))
    return plain


def _unpack_tar(path: Path, folder: Path, limits: Limits) -> None:
    with path.open("rb") as plain, _open_tar(plain, limits) as archive:
        for count, member in enumerate(archive, start=1):
            _check_count(count, limits)
            target = _target(folder, member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                _link(target, member.name, member.linkname)
            elif member.isreg():
                content = archive.extractfile(member)
                if content is not None:
                    _copy(content, target, limits.total_bytes)
            else:
                raise Refused("link or device refused; whole archive rejected", member.name)


def _unpack_zip(path: Path, folder: Path, limits: Limits) -> None:
    left = limits.total_bytes
    with zipfile.ZipFile(path) as archive:
        for count, member in enumerate(archive.infolist(), start=1):
            _check_count(count, limits)
            target = _target(folder, member.filename)
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            with archive.open(member) as content:
                left -= _copy(content, target, left)


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.members:
        raise Refused(f"more than {limits.members} files; whole archive rejected")


def _target(folder: Path, name: str) -> Path:
    """Where a member goes. Raises Refused if that is not inside the folder."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or "\\" in name or "\0" in name:
        raise Refused("path traversal refused; whole archive rejected", name)
    if len(inside.parts) > _DEPTH:
        raise Refused("path too deep; whole archive rejected", name)
    target = folder.joinpath(*inside.parts)
    # a member behind a link would be written where the link leads
    if any(parent.is_symlink() for parent in (target, *target.parents)):
        raise Refused("path through a link refused; whole archive rejected", name)
    return target


def _link(target: Path, name: str, leads_to: str) -> None:
    """Keep a link to a sibling, which is how aliases come; refuse all others."""
    if leads_to != PurePosixPath(leads_to).name or leads_to in ("", ".", ".."):
        raise Refused("link leaves its folder; whole archive rejected", name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(leads_to)


def _copy(content: IO[bytes], target: Path, limit: int) -> int:
    """Write a member; gives its size. Raises Refused if there is more than the limit."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with target.open("xb") as out:
        while chunk := content.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise Refused(f"more than {limit} bytes unpacked; whole archive rejected")
            out.write(chunk)
    return size
