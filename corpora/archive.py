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
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from corpora.source import Deadline, Limits, Refused
from harness.untrusted.regular_file import open_regular

_CHUNK = 64 * 1024
_HEADER_LIMIT = 1024 * 1024
_DIRECTORY_LIMIT = 4 * 1024 * 1024
"""Bytes of the list of members in a zip file: for 10,000 of them 1 MiB is plenty."""
_DEPTH = 8
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
    ValueError, RuntimeError, NotImplementedError, OverflowError, MemoryError,
)  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether a file is a tar or zip archive, as its bytes say."""
    try:
        with open_regular(path) as plain:
            if zipfile.is_zipfile(plain):
                return True
            plain.seek(0)
            _open_tar(plain, Limits()).close()
    except (*_BROKEN, Refused):
        return False
    return True


@contextlib.contextmanager
def unpacked(path: Path, limits: Limits, deadline: Deadline | None = None) -> Iterator[Path]:
    """A folder with what is in the archive, for as long as the context lasts.

    Raises Refused if anything in it is not as it should be.
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
            raise Refused(f"archive not readable: {type(error).__name__}") from None
        yield folder


@dataclass(frozen=True, slots=True)
class _Unpacking:
    """Where an archive goes, and how much of it is borne."""

    folder: Path
    limits: Limits
    deadline: Deadline

    def check_count(self, count: int) -> None:
        """Raises Refused if there are too many members, or it takes too long."""
        if count > self.limits.members:
            raise Refused(f"more than {self.limits.members} files; whole archive rejected")
        self.deadline.check(f"at file {count} of the archive")


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


class _Directory(io.RawIOBase):
    """A zip file that is never read in large pieces: its directory is, and that is bounded."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        most = _DIRECTORY_LIMIT + 1
        content = self._stream.read(most if size < 0 else min(size, most))
        if len(content) == most:
            raise Refused("directory of the archive too large; whole archive rejected")
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
                raise Refused("link or device refused; whole archive rejected", member.name)


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


def _copy(content: IO[bytes], target: Path, limit: int, deadline: Deadline) -> int:
    """Write a member; gives its size. Raises Refused if there is more than the limit."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with target.open("xb") as out:
        while chunk := content.read(_CHUNK):
            size += len(chunk)
            deadline.check(f"in {target.name!r} at byte {size}")
            if size > limit:
                raise Refused(f"more than {limit} bytes unpacked; whole archive rejected")
            out.write(chunk)
    return size
