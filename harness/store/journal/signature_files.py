"""Signatures of the scheme and the packs of a campaign, kept beside its journal.

Each file is a DSSE envelope with the signed text in it, so it needs no place in a hash chain: it
proves itself by the key that signed, or shows nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from harness.errors import InstrumentError, UsageError
from harness.signing import Envelope, read_envelope
from harness.store.atomic_write import write_whole
from harness.untrusted.regular_file import read_bounded

PATTERN = "signed-*.dsse.json"
MOST_BYTES, MOST_FILES = 4 * 1024**2, 100


def keep_signature(directory: Path, envelope: bytes) -> None:
    """Keep an envelope beside a journal, unless it is there. Raises InstrumentError."""
    name = hashlib.sha256(envelope).hexdigest()[:16]
    path = directory / PATTERN.replace("*", name)
    if path.exists():
        return
    try:
        write_whole(path, envelope, mode=0o600)
    except OSError as error:
        raise InstrumentError(f"{path}: cannot be written: {error.strerror or error}") from None


def kept_signatures(directory: Path) -> Iterator[Envelope]:
    """The envelopes beside a journal, not verified yet; files that are none are left out."""
    for path in sorted(directory.glob(PATTERN))[:MOST_FILES]:
        try:
            yield read_envelope(read_bounded(path, MOST_BYTES), path)
        except (OSError, UsageError):
            continue
