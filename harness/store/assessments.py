"""Write an assessment as JSON, and read it back unchanged.

Other programs read this JSON too: ``format`` names its shape, and derived values (``conformity``,
``exit_code``, each outcome's ``id``) are written beside the values they derive from. Reading
ignores the derived keys, so editing them changes no outcome.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel, ValidationError

from harness.errors import UsageError
from harness.model.declared import tupled
from harness.model.outcome import Assessment
from harness.store.atomic_write import PRIVATE, write_document

FORMAT = "accredit-assessment/1"
"""The name of the format; its number changes when the meaning does."""


def assessment_document(assessment: Assessment) -> dict[str, Any]:
    """The assessment as plain values, ready for JSON: what ``--json`` prints."""
    plain = msgspec.to_builtins(assessment, enc_hook=_plain)
    for outcome, original in zip(plain["outcomes"], assessment.outcomes, strict=True):
        outcome["id"] = original.id
    derived = {
        "conformity": assessment.conformity.value,
        "qualifier": assessment.qualifier,
        "exit_code": assessment.exit_code,
    }
    limit = {"limited_to": assessment.limit} if assessment.limit else {}
    return {**limit, "format": FORMAT, **derived, **plain}


def encode_assessment(assessment: Assessment) -> bytes:
    """The assessment as indented JSON; if it is limited, the first line says so."""
    text = msgspec.json.format(msgspec.json.encode(assessment_document(assessment)), indent=2)
    return text.replace(b"{\n  ", b"{", 1) if assessment.limit else text


def write_assessment(assessment: Assessment, path: Path) -> Path:
    """Write the assessment as indented JSON, atomically; only the user can read it.

    Raises InstrumentError.
    """
    return write_document(path, encode_assessment(assessment) + b"\n", PRIVATE)


def digest_of(assessment: Assessment) -> str:
    """The SHA-256 of the file that ``write_assessment`` writes: what a report names."""
    return hashlib.sha256(encode_assessment(assessment) + b"\n").hexdigest()


def read_assessment(path: Path) -> Assessment:
    """Read an assessment. Raises UsageError if the file is missing or not an assessment."""
    try:
        return decode_assessment(path.read_bytes(), path)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None


def decode_assessment(text: bytes, where: Path) -> Assessment:
    """Read an assessment from JSON. Raises UsageError, naming ``where``, if it is none."""
    try:
        document = msgspec.json.decode(text)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            msg = f"{where}: not an assessment; its key 'format' must be {FORMAT!r}"
            raise UsageError(msg)
        return msgspec.convert(document, Assessment, dec_hook=_declared)
    except (msgspec.MsgspecError, ValidationError, UnicodeDecodeError) as error:
        msg = f"{where}: not a readable assessment: {' '.join(str(error).split())}"
        raise UsageError(msg) from None


def _plain(value: Any) -> Any:
    """Convert a pydantic value to plain values, with defaults written out."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    msg = f"no JSON shape for {type(value).__name__}"
    raise NotImplementedError(msg)


def _declared(kind: type, value: Any) -> Any:
    """Convert plain values to the pydantic value of that type."""
    if issubclass(kind, BaseModel):
        return kind.model_validate(tupled(value))
    msg = f"no reader for {kind.__name__}"
    raise NotImplementedError(msg)


msgspec.json.Decoder(Assessment, dec_hook=_declared)
"""Made once, for threads: see test_suites/house/test_decoders.py."""
