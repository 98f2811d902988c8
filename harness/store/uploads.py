"""Files that come in parts, one folder for each sender: whole or not at all, never a mixture.

A part counts as held once it is on the disk. Parts may come again, and an upload goes on where it
stopped, also after a crash. A file whose SHA-256 is not the announced one is removed. A sender sees
only its own files.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Literal, NamedTuple

from harness.errors import InstrumentError
from harness.store.atomic_write import sync_file, sync_folder, write_all
from harness.store.private_folder import make_private
from harness.untrusted.regular_file import open_regular

MOST_UNREPORTED = 4 * 1024**3
"""The most bytes that one sender may have here which belong to no report yet."""

MOST_UNFINISHED = 32
"""The most files that one sender may have begun."""

_NAME = re.compile(r"[0-9a-f]{32,64}", re.ASCII)

Refusal = Literal["", "too-large", "incomplete", "busy"]


class Received(NamedTuple):
    """How many bytes of a file are held, and why a part was refused; in words in ``words``."""

    held: int
    refusal: Refusal = ""
    words: str = ""


class Uploads:
    """The parts and whole files of one sender. Only one thread at a time may use it.

    ``parts`` and ``whole`` are the folders for those of all senders.
    """

    def __init__(self, parts: Path, whole: Path, sender: str) -> None:
        self._parts = parts / _checked(sender)
        self._whole = whole / _checked(sender)

    def path(self, sha256: str) -> Path:
        """Where a file is when it is whole."""
        return self._whole / f"{_checked(sha256)}.zip"

    def held(self, sha256: str) -> int:
        """How many bytes of a file are held."""
        for path in (self.path(sha256), self._part(sha256)):
            if path.is_file():
                return path.stat().st_size
        return 0

    def receive(
        self, sha256: str, size: int, offset: int, data: bytes, reported: Collection[str] = ()
    ) -> Received:
        """Take a part of a file of ``size`` bytes. Raises InstrumentError if the disk refuses.

        What is at another offset than where the file ends is not taken. ``reported`` are the files
        that do not count in the limit, because reports name them.
        """
        try:
            return self._received(sha256, size, offset, data, reported)
        except OSError as error:
            msg = f"{self._parts}: an upload cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from None

    def adopt(self, sha256: str, path: Path, reported: Collection[str] = ()) -> Received:
        """Take a whole file whose SHA-256 the caller has computed; it is moved here.

        Raises InstrumentError if the disk refuses.
        """
        size = path.stat().st_size
        try:
            if refused := self._too_much(sha256, size, reported):
                return Received(0, "busy", refused)
            sync_file(path)
            make_private(self._whole)
            path.replace(self.path(sha256))
            sync_folder(self._whole)
            self._part(sha256).unlink(missing_ok=True)
        except OSError as error:
            msg = f"{self._whole}: an upload cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from None
        return Received(size)

    def finish(self, sha256: str, size: int) -> Received:
        """Give a file its place that a process which ended had received whole.

        Raises InstrumentError if the disk refuses.
        """
        held = self.held(sha256)
        if held != size or self.path(sha256).is_file():
            return Received(held)
        try:
            return self._finish(sha256, size)
        except OSError as error:
            msg = f"{self._parts}: an upload cannot be read: {error.strerror or error}"
            raise InstrumentError(msg) from None

    def forget(self, sha256: str) -> None:
        """Remove what is held of a file. Raises InstrumentError if the disk refuses."""
        try:
            for path in (self.path(sha256), self._part(sha256)):
                path.unlink(missing_ok=True)
        except OSError as error:
            msg = f"{self._whole}: a file cannot be removed: {error.strerror or error}"
            raise InstrumentError(msg) from None

    def _received(
        self, sha256: str, size: int, offset: int, data: bytes, reported: Collection[str]
    ) -> Received:
        held = self.held(sha256)
        if self.path(sha256).is_file():
            return Received(held)
        if held >= size > 0:  # of a process that ended before it gave the file its place
            return self._finish(sha256, held)
        if size == 0 or offset != held or not data:
            return Received(held)
        if offset + len(data) > size:
            return Received(held, "incomplete", "the file is longer than was announced")
        if refused := self._too_much(sha256, len(data), reported):
            return Received(held, "busy", refused)
        held = self._append(sha256, held, data)
        return self._finish(sha256, held) if held == size else Received(held)

    def _append(self, sha256: str, held: int, data: bytes) -> int:
        """Add data at the end of a part. What a full disk left of it is cut off again."""
        make_private(self._parts)
        path = self._part(sha256)
        is_new = not path.exists()
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            os.lseek(descriptor, held, os.SEEK_SET)
            try:
                write_all(descriptor, data)
            except OSError:
                os.ftruncate(descriptor, held)
                raise
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self._parts)
        return held + len(data)

    def _finish(self, sha256: str, size: int) -> Received:
        """Give a file that is complete its place, or remove it if it is another file."""
        path = self._part(sha256)
        with open_regular(path) as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != sha256:
            path.unlink()
            return Received(0, "incomplete", "the file has another SHA-256 than was announced")
        make_private(self._whole)
        path.replace(self.path(sha256))
        sync_folder(self._whole)
        return Received(size)

    def _too_much(self, sha256: str, more: int, reported: Collection[str]) -> str:
        """Why so many bytes more are too much now; empty if they are not.

        Of too many files that are not complete the one that was longest left alone is forgotten:
        its sender begins it again, if it still has it.
        """
        parts = list(self._parts.glob("*.part")) if self._parts.is_dir() else []
        others = sorted(
            (path for path in parts if path != self._part(sha256)),
            key=lambda path: path.stat().st_mtime,
        )
        if len(others) >= MOST_UNFINISHED:
            others[0].unlink()
            parts.remove(others[0])
        whole = list(self._whole.glob("*.zip")) if self._whole.is_dir() else []
        counted = [*parts, *(path for path in whole if path.stem not in reported)]
        if sum(path.stat().st_size for path in counted) + more > MOST_UNREPORTED:
            return "too much was sent without a report of a run; send the reports first"
        return ""

    def _part(self, sha256: str) -> Path:
        return self._parts / f"{_checked(sha256)}.part"


def _checked(name: str) -> str:
    """A name in hexadecimal digits. Raises ValueError for any other, which could leave a folder."""
    if not _NAME.fullmatch(name):
        msg = f"{name[:80]!r} is no name of a file or sender here"
        raise ValueError(msg)
    return name
