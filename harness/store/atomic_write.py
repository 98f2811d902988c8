"""Writes files so that a crash leaves the old bytes or the new ones, never half of each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harness.errors import InstrumentError


def write_all(descriptor: int, text: bytes) -> None:
    """Write every byte and wait until the disk has them. Raises OSError (a full disk)."""
    view = memoryview(text)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


def write_whole(path: Path, text: bytes, mode: int = 0o644) -> None:
    """Put ``text`` at ``path`` by writing beside it and renaming. Raises OSError.

    Returns when the disk has both the bytes and the name.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        write_all(descriptor, text)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Wait until the disk has the bytes of a file that another library wrote."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(directory: Path) -> None:
    """Wait until the disk has the names in ``directory``; a rename is not durable before."""
    sync_file(directory)


def swap_in(path: Path, text: bytes) -> None:
    """Like ``write_whole``, but without waiting for the disk. Raises OSError.

    Survives our death, and may be lost with the power: for what can be checked and made again.
    Only the user can read it.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(text)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_document(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path``; whatever stood there stays if the disk refuses.

    Raises InstrumentError with the disk's own reason.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from None
    return path


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write ``lines`` as they come; what stood there stays until the last one is written.

    Gives their number. Raises InstrumentError with the disk's own reason.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    written = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            for line in lines:
                file.write(line + b"\n")
                written += 1
        sync_file(beside)
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from None
    finally:
        beside.unlink(missing_ok=True)
    return written
