"""A run that waits to be sent to the hub: a folder with its report, and its bundle if it has one.

The folder is named for the due time and the run's key, so that names sort by due time and the same
run never waits twice. A folder without ``entry.json`` is not an entry.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from pathlib import Path
from typing import Annotated

import msgspec

from harness.fleet.identity import Hex32
from harness.fleet.messages import Count, RunReport, Time
from harness.untrusted.regular_file import open_regular, read_bounded

RECORD = "entry.json"
BUNDLE = "bundle"
MOST_RECORD = 16 * 1024 * 1024


class SpoolRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What ``entry.json`` holds: the run's event as JSON, and its bundle's SHA-256 and size."""

    key: Annotated[str, msgspec.Meta(min_length=1)]
    due: Time
    run: str
    sha256: Hex32 | None = None
    size: Count = 0

    @property
    def name(self) -> str:
        """The name of the folder."""
        digest = hashlib.sha256(self.key.encode()).hexdigest()[:16]
        return f"{self.due.astimezone(UTC):%Y%m%dT%H%M%S}-{digest}"

    @property
    def report(self) -> RunReport:
        """The report for the hub."""
        return RunReport(run=self.run, bundle=self.sha256 or "")


_RECORDS = msgspec.json.Decoder(SpoolRecord)


class DamagedEntryError(Exception):
    """A folder whose record or bundle is not as it was written."""


def read_record(folder: Path) -> SpoolRecord:
    """Read the record of an entry. Raises DamagedEntryError; FileNotFoundError if it is gone."""
    try:
        record = _RECORDS.decode(read_bounded(folder / RECORD, MOST_RECORD))
        if record.sha256 is not None and (folder / BUNDLE).stat().st_size != record.size:
            msg = "its bundle has another size than when it was written"
            raise DamagedEntryError(msg)
    except FileNotFoundError:
        if not folder.is_dir():
            raise
        msg = "a file of it is missing"
        raise DamagedEntryError(msg) from None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"its record cannot be read: {error}"
        raise DamagedEntryError(msg) from None
    return record


def read_part(folder: Path, offset: int, size: int) -> bytes:
    """Read bytes of an entry's bundle. Raises DamagedEntryError."""
    try:
        with open_regular(folder / BUNDLE) as stream:
            stream.seek(offset)
            return stream.read(size)
    except OSError as error:
        msg = f"its bundle cannot be read: {error.strerror or error}"
        raise DamagedEntryError(msg) from None


def digest_of(path: Path) -> tuple[str, int]:
    """The SHA-256 and size of a file. Raises OSError."""
    with open_regular(path) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return digest, stream.tell()
