"""The scheme that a campaign declared when it was measured, kept beside the journal's header.

The header holds the SHA-256 of the scheme and of its policy (``measured_with``), so that the file
cannot be changed. It is written with the journal, and is the same text for the same scheme.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from harness.errors import InstrumentError
from harness.model.content_identity import Parts, scheme_document, scheme_parts
from harness.model.declared import tupled
from harness.model.scheme import Scheme
from harness.store.atomic_write import write_whole
from harness.untrusted.regular_file import read_bounded

FILE = "scheme.json"
MOST_BYTES = 16 * 1024**2


def keep_scheme(directory: Path, scheme: Scheme) -> None:
    """Write the scheme beside a journal's header, unless it is there. Raises InstrumentError."""
    path = directory / FILE
    if path.exists():
        return
    text = msgspec.json.format(msgspec.json.encode(scheme_document(scheme)), indent=2) + b"\n"
    try:
        write_whole(path, text, mode=0o600)
    except OSError as error:
        raise InstrumentError(f"{path}: cannot be written: {error.strerror or error}") from None


def kept_scheme(directory: Path, measured_with: Parts) -> Scheme | None:
    """The scheme that was declared; ``None`` for a journal without one, as of earlier versions.

    Raises InstrumentError if the file cannot be read, or is not the one that the header names.
    """
    path = directory / FILE
    if not measured_with or not path.exists():
        return None
    try:
        document = msgspec.json.decode(read_bounded(path, MOST_BYTES), type=dict[str, Any])
        is_same = scheme_parts(document).items() <= dict(measured_with).items()
    except (OSError, msgspec.MsgspecError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "not a scheme"
        raise InstrumentError(f"{path}: the scheme of this journal: {reason}") from None
    if not is_same:
        msg = f"{path}: its SHA-256 does not match the journal's header: the scheme was changed"
        raise InstrumentError(msg)
    try:
        return Scheme.model_validate(tupled(document))
    except ValidationError as error:
        reason = " ".join(str(error).split())[:200]
        msg = f"{path}: the scheme of this journal is not understood by this version: {reason}"
        raise InstrumentError(msg) from None
