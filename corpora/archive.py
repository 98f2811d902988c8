"""Unpack untrusted tar and zip archives into a temporary folder, or refuse them as a whole.

Refused are paths and links that leave the folder, devices, and decompression bombs: the unpacked
bytes are counted, whatever sizes the archive states.
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
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from corpora.source import Deadline, Limits, ListRefused
from harness.untrusted.regular_file import open_regular

_CHUNK = 64 * 1024
_HEADER_LIMIT = 1024 * 1024
_DIRECTORY_LIMIT = 4 * 1024 * 1024
"""Largest directory of a zip file in bytes; 10,000 members need about 1 MiB."""
_DEPTH = 8
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
    ValueError, RuntimeError, NotImplementedError, OverflowError, MemoryError,
)  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether a file is a tar or zip archive, judged by its bytes."""
    try:
        with open_regular(path) as plain:
            if zipfile.is_zipfile(plain):
                return True
            plain.seek(0)
            _open_tar(plain, Limits()).close()
    except (*_BROKEN, ListRefused):
        return False
    return True


@contextlib.contextmanager
def unpacked(path: Path, limits: Limits, deadline: Deadline | None = None) -> Iterator[Path]:
    """Unpack an archive into a temporary folder, which is deleted at the end of the context.

    Raises ListRefused if any member is refused.
    """
    with tempfile.TemporaryDirectory(prefix="accredit-") as name:
        folder = Path(name)
        unpacking = _Unpacking(folder, limits, deadline or Deadline(limits.seconds))
        try:
            with open_regular(path) as plain:
                is_zip = zipfile.is_zipfile(plain)
                plain.seek(0)
                _unpack_zip(plain, unpacking) if is_zip else _unpack_tar(plain, unpacking)
        except _BROKEN as error:
            raise ListRefused(f"archive not readable: {type(error).__name__}") from None
        yield folder


@dataclass(frozen=True, slots=True)
class _Unpacking:
    """The target folder and the limits of one archive."""

    folder: Path
    limits: Limits
    deadline: Deadline

    def check_count(self, count: int) -> None:
        """Raise ListRefused if there are too many members, or the time is up."""
        if count > self.limits.members:
            raise ListRefused(f"more than {self.limits.members} files; whole archive rejected")
        self.deadline.check(f"at file {count} of the archive")


class _Counted(io.RawIOBase):
    """A stream with a limit on its bytes and on the size of a single read."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or size > _HEADER_LIMIT:
            raise ListRefused("archive header too large")
        content = self._stream.read(size)
        if self._stream.tell() > self._limit:
            raise ListRefused(f"more than {self._limit} bytes unpacked; whole archive rejected")
        return content

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or offset > self._limit:
            raise ListRefused(f"more than {self._limit} bytes unpacked; whole archive rejected")
        return self._stream.seek(offset)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


class _Directory(io.RawIOBase):
    """A zip file with a limit on its directory, which zipfile reads in one piece."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        most = _DIRECTORY_LIMIT + 1
        content = self._stream.read(most if size < 0 else min(size, most))
        if len(content) == most:
            raise ListRefused("directory of the archive too large; whole archive rejected")
        return content

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

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


def _unpack_tar(plain: IO[bytes], unpacking: _Unpacking) -> None:
    folder, limits = unpacking.folder, unpacking.limits
    with _open_tar(plain, limits) as archive:
        for count, member in enumerate(archive, start=1):
            unpacking.check_count(count)
            target = _target(folder, member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                _link(target, member.name, member.linkname)
            elif member.isreg():
                content = archive.extractfile(member)
                if content is not None:
                    _copy(content, target, limits.total_bytes, unpacking.deadline)
            else:
                raise ListRefused("link or device refused; whole archive rejected", member.name)


def _unpack_zip(plain: IO[bytes], unpacking: _Unpacking) -> None:
    left = unpacking.limits.total_bytes
    with zipfile.ZipFile(cast("IO[bytes]", _Directory(plain))) as archive:
        for count, member in enumerate(archive.infolist(), start=1):
            unpacking.check_count(count)
            target = _target(unpacking.folder, member.filename)
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            with archive.open(member) as content:
                left -= _copy(content, target, left, unpacking.deadline)


def _target(folder: Path, name: str) -> Path:
    """The path of a member in the folder. Raises ListRefused if it is outside."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or "\\" in name or "\0" in name:
        raise ListRefused("path traversal refused; whole archive rejected", name)
    if len(inside.parts) > _DEPTH:
        raise ListRefused("path too deep; whole archive rejected", name)
    target = folder.joinpath(*inside.parts)
    # a member behind a link would be written where the link leads
    if any(parent.is_symlink() for parent in (target, *target.parents)):
        raise ListRefused("path through a link refused; whole archive rejected", name)
    return target


def _link(target: Path, name: str, leads_to: str) -> None:
    """Create a link to a sibling, as aliases of categories are; refuse all other links."""
    if leads_to != PurePosixPath(leads_to).name or leads_to in ("", ".", ".."):
        raise ListRefused("link leaves its folder; whole archive rejected", name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(leads_to)


def _copy(content: IO[bytes], target: Path, limit: int, deadline: Deadline) -> int:
    """Write a member and return its size. Raises ListRefused if it exceeds the limit."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with target.open("xb") as out:
        while chunk := content.read(_CHUNK):
            size += len(chunk)
            deadline.check(f"in {target.name!r} at byte {size}")
            if size > limit:
                raise ListRefused(f"more than {limit} bytes unpacked; whole archive rejected")
            out.write(chunk)
    return size
