"""Write and read the archive of a backup: a tar file that ends with the SHA-256 of all it holds.

The members come in the order in which they are written. Then comes ``files.jsonl``, with the name,
size and SHA-256 of each of them in that order, and at the end ``manifest.json``, with the SHA-256
of that list. Both directions take constant memory, however many files there are.

What is read may be damaged or made by somebody else: only regular files with plain relative names
are accepted, and what is not in the list, or otherwise than there, is refused.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import msgspec

from harness.errors import UsageError
from harness.model.stream import StreamHead
from harness.untrusted.regular_file import open_regular

FORMAT = "accredit-backup/1"
FILES, MANIFEST = "files.jsonl", "manifest.json"
MOST_MANIFEST = 16 * 1024 * 1024
AT_ONCE = 1024 * 1024
"""How many bytes are read at once."""

MOST_HEADER = 2 * AT_ONCE
"""The most bytes that a header of the archive may ask for at once."""

LONGEST_NAME, DEEPEST = 1000, 40


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: ``tables`` with their numbers of rows, ``streams`` with their heads.

    ``members`` and ``size`` are the number of files and their bytes, ``listing`` is the SHA-256 of
    their list. ``monitoring`` is the name of the monitoring file, and ``named`` holds the names of
    other files by the paths that hub.yaml gives them.
    """

    format: str
    made: datetime
    version: str
    schema: str
    hub: str
    monitoring: str
    named: dict[str, str]
    tables: dict[str, int]
    streams: tuple[StreamHead, ...]
    members: int = 0
    size: int = 0
    listing: str = ""


class ListedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list of files."""

    name: str
    size: int
    sha256: str


_MANIFESTS = msgspec.json.Decoder(BackupManifest)


class Readable(Protocol):
    """What can be read."""

    def read(self, size: int = -1, /) -> bytes:
        """Read at most so many bytes; none at the end."""


class Member(NamedTuple):
    """A file in an archive; ``content`` must be read to its end before the next is asked for."""

    name: str
    size: int
    mtime: int
    content: Readable


class ArchiveWriter:
    """Writes an archive to ``stream``, which can seek; ``listing`` is an empty temporary file."""

    def __init__(self, stream: IO[bytes], listing: IO[bytes]) -> None:
        self._stream, self._listing = stream, listing
        self._tar = tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - ended by ``finish``
        self._digest = hashlib.sha256()
        self.members = self.size = 0

    def add(self, name: str, content: bytes, at: datetime) -> None:
        """Add a file with that content."""
        self._add(name, io.BytesIO(content), len(content), int(at.timestamp()))

    def add_file(self, name: str, path: Path) -> bool:
        """Add a file of the disk; whether that was possible: it may be gone, or cut meanwhile.

        What is appended to it meanwhile is left out. Raises OSError for any other trouble.
        """
        begun = self._tar.offset
        try:
            with open_regular(path) as file:
                size, mtime = file.seek(0, io.SEEK_END), path.stat().st_mtime
                file.seek(0)
                self._add(name, file, size, int(mtime))
        except FileNotFoundError:
            return False
        except _Cut:
            self._stream.seek(begun)
            self._stream.truncate()
            self._tar.offset = begun
            return False
        return True

    def finish(self, manifest: BackupManifest) -> BackupManifest:
        """Write the list of files and the manifest, and return the manifest as it was written."""
        complete = msgspec.structs.replace(
            manifest, members=self.members, size=self.size, listing=self._digest.hexdigest()
        )
        at = int(manifest.made.timestamp())
        length = self._listing.seek(0, io.SEEK_END)
        self._listing.seek(0)
        self._tar.addfile(_header(FILES, length, at), self._listing)
        content = msgspec.json.format(msgspec.json.encode(complete), indent=2) + b"\n"
        self._tar.addfile(_header(MANIFEST, len(content), at), io.BytesIO(content))
        self._tar.close()
        return complete

    def _add(self, name: str, file: IO[bytes], size: int, mtime: int) -> None:
        reader = _Hashed(file, size)
        self._tar.addfile(_header(name, size, mtime), reader)
        _forget(self._tar)
        line = _line(name, size, reader.sha256)
        self._listing.write(line)
        self._digest.update(line)
        self.members += 1
        self.size += size


def read_archive(stream: IO[bytes], where: str) -> Iterator[Member | BackupManifest]:
    """Yield each file of an archive, and the manifest last, once all digests were found right.

    Raises UsageError for anything that is no archive of ``ArchiveWriter``, or was damaged.
    """
    try:
        with tarfile.open(fileobj=_Bounded(stream), mode="r:") as tar:
            yield from _members(tar, where)
    except tarfile.TarError as error:
        raise UsageError(f"{where}: not a backup, or damaged: {error}") from None
    except _Refused as error:
        raise UsageError(f"{where}: not a backup, or damaged: {error.words}") from None
    except (EOFError, ValueError, OverflowError):
        raise UsageError(f"{where}: not a backup, or damaged: it cannot be read") from None


def _members(tar: tarfile.TarFile, where: str) -> Iterator[Member | BackupManifest]:
    digest, members, size = hashlib.sha256(), 0, 0
    while (entry := _next(tar)).name != FILES:
        reader = _FromOutside(_content(tar, entry), entry.size, where)
        yield Member(_plain(entry.name), entry.size, int(entry.mtime), reader)
        if reader.left:
            raise _Refused(f"{entry.name} is cut off")
        digest.update(_line(entry.name, entry.size, reader.sha256))
        members, size = members + 1, size + entry.size
    listed = hashlib.sha256()
    content = _content(tar, entry)
    while chunk := content.read(AT_ONCE):
        listed.update(chunk)
    entry = _next(tar)
    if entry.name != MANIFEST or entry.size > MOST_MANIFEST:
        raise _Refused(f"{MANIFEST} is missing")
    try:
        manifest = _MANIFESTS.decode(_content(tar, entry).read())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _Refused(f"{MANIFEST} cannot be read") from None
    if manifest.format != FORMAT:
        raise _Refused(f"its format is {manifest.format[:40]!r}, not {FORMAT!r}")
    found = (members, size, digest.hexdigest(), listed.hexdigest())
    if found != (manifest.members, manifest.size, manifest.listing, manifest.listing):
        raise _Refused("a file is not as it was when the backup was made")
    if tar.next() is not None:
        raise _Refused(f"something comes after {MANIFEST}")
    yield manifest


def _next(tar: tarfile.TarFile) -> tarfile.TarInfo:
    entry = tar.next()
    _forget(tar)
    if entry is None:
        raise _Refused("it is cut off")
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.sparse:
        raise _Refused(f"{entry.name[:200]!r} is no regular file")
    return entry


def _forget(tar: tarfile.TarFile) -> None:
    """Empty the list of all members, which would grow with their number."""
    tar.members = []  # type: ignore[attr-defined]  # documented nowhere but in its source


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(entry)
    assert content is not None  # of a regular file
    return content


def _plain(name: str) -> str:
    """A name as it is, if it is a plain relative path. Raises _Refused."""
    parts = name.split("/")
    is_plain = 0 < len(name) <= LONGEST_NAME and len(parts) <= DEEPEST
    is_plain = is_plain and name.isprintable() and "\\" not in name
    if not is_plain or any(part in ("", ".", "..") for part in parts):
        raise _Refused(f"{name[:200]!r} is no name of a file in a backup")
    return name


def _header(name: str, size: int, mtime: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(_plain(name))
    entry.size, entry.mtime, entry.mode = size, max(mtime, 0), 0o600
    return entry


def _line(name: str, size: int, sha256: str) -> bytes:
    return msgspec.json.encode(ListedFile(name=name, size=size, sha256=sha256)) + b"\n"


class _Cut(Exception):
    """A file ended before its size."""


class _Refused(Exception):
    """An archive is not accepted; says why."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class _Hashed(io.RawIOBase):
    """Reads exactly ``left`` bytes of a file, and computes their SHA-256 meanwhile."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__()
        self._file, self.left = file, size
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The digest of what was read."""
        return self._digest.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """Read at most so many bytes. Raises _Cut if the file ends too early."""
        wanted = min(AT_ONCE if size < 0 else size, self.left)
        found = self._file.read(wanted)
        if len(found) < wanted:
            raise _Cut
        self.left -= len(found)
        self._digest.update(found)
        return found


class _FromOutside(_Hashed):
    """What a reader of an archive gets of a file in it."""

    def __init__(self, file: IO[bytes], size: int, where: str) -> None:
        super().__init__(file, size)
        self._where = where

    def read(self, size: int = -1) -> bytes:
        """Read at most so many bytes. Raises UsageError if the archive is damaged."""
        try:
            return super().read(size)
        except (tarfile.TarError, _Cut):
            raise UsageError(f"{self._where}: not a backup, or damaged: it is cut off") from None


class _Bounded(io.RawIOBase):
    """A file of which little can be asked at once, so that no header takes all memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read bytes. Raises _Refused if too many are asked for."""
        if size < 0 or size > MOST_HEADER:
            raise _Refused("a header is too large")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """The offset."""
        return self._stream.tell()
