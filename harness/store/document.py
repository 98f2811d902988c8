"""Writes a document for people or programs: whole or not at all, its folder made if need be."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harness.errors import InstrumentError
from harness.store.atomic_write import sync_file, sync_folder, write_whole


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
