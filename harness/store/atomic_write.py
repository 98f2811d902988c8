"""Write files atomically: a crash leaves the old content or the new, never a mixture."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harness.errors import InstrumentError


def write_all(descriptor: int, text: bytes) -> None:
    """Write every byte and wait until they are on the disk. Raises OSError (a full disk)."""
    view = memoryview(text)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


def write_whole(path: Path, text: bytes, mode: int = 0o644) -> None:
    """Write ``text`` to ``path`` through a temporary file and a rename. Raises OSError.

    Returns when both the bytes and the name are on the disk.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        write_all(descriptor, text)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Wait until a file that another library wrote is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(directory: Path) -> None:
    """Wait until the names in ``directory`` are on the disk; only then is a rename durable."""
    sync_file(directory)


def write_whole_unsynced(path: Path, text: bytes) -> None:
    """Like ``write_whole``, but without waiting for the disk. Raises OSError.

    The file survives the end of the process but not a power cut: for data that can be checked and
    made again. Only the user can read it.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(text)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_document(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path``; an existing file stays if writing fails.

    Raises InstrumentError with the system's reason.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from None
    return path


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write ``lines`` one by one; an existing file stays until the last one is written.

    Returns their number. Raises InstrumentError with the system's reason.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    written = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            for line in lines:
                file.write(line + b"\n")
                written += 1
        sync_file(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from None
    finally:
        temporary.unlink(missing_ok=True)
    return written
