"""The receipts of witnesses in a file: one signed statement a line, only ever added to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harness.errors import InstrumentError, UsageError
from harness.fleet.witness import CheckedReceipt, Receipt, read_receipts
from harness.store.atomic_write import sync_folder, write_all
from harness.untrusted.regular_file import read_bounded

MOST_BYTES = 256 * 1024**2
"""The most bytes of a file of receipts."""


def receipts_in(path: Path, *, must_exist: bool = False) -> tuple[CheckedReceipt, ...]:
    """Read and verify the receipts in a file; none without it, unless it ``must_exist``.

    Raises UsageError if it cannot be read, InstrumentError where a receipt was changed.
    """
    try:
        raw = read_bounded(path, MOST_BYTES)
    except FileNotFoundError:
        if not must_exist:
            return ()
        raise UsageError(f"{path}: no receipts of a witness here; check the path") from None
    except OSError as error:
        msg = f"{path}: the receipts of witnesses cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None
    return read_receipts(raw, path)


def add_receipts(path: Path, receipts: Iterable[Receipt]) -> None:
    """Add receipts to a file, and wait until they are on the disk. Raises InstrumentError."""
    text = b"".join(each.encoded() + b"\n" for each in receipts)
    if not text:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            write_all(descriptor, text)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        msg = f"{path}: the receipt cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from None
