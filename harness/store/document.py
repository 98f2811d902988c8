"""Writes a document for people or programs: whole or not at all, its folder made if need be."""

from __future__ import annotations

from pathlib import Path

from harness.errors import InstrumentError
from harness.store.durable import write_whole


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
