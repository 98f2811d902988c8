"""Write a bundle: one signed file with everything of a campaign that an assessor hands over.

A ZIP archive of plain files and ``statement.dsse.json``: an in-toto statement (v1) whose
subjects are those files with their SHA-256 and whose predicate is a test result (v0.1), in a
DSSE envelope. Anybody with the public key verifies it offline, including the journal's hash chain:
see ``harness.store.bundle_reading``.

The archive is deterministic: files are stored uncompressed in the order of their names, the
statement last, with fixed metadata. The same files give the same archive byte for byte, so a reader
can rebuild it to check that the framing was not changed.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import InstrumentError, UsageError
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.signing import canonical, sign
from harness.store.journal.hash_chains import INSTRUMENT, STOPS
from harness.store.journal.journal_state import HEAD
from harness.store.journal.sealed_segment import sealed_in
from harness.store.journal.signature_files import PATTERN as SIGNATURES

STATEMENT = "statement.dsse.json"
ASSESSMENT, SCHEME, REGISTRY = "assessment.json", "scheme.json", "registry.json"
APPEALS = "appeals.json"
"""The file of the appeals whose corrected labels the assessment uses."""

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""A fixed time for all files of the archive; the journal has the real times."""
_UNIX, _MODE = 3, 0o600
"""The host system of the archive (APPNOTE 4.4.2), and the mode of unpacked files."""


def journal_files(folder: Path) -> dict[str, Path]:
    """The journal's files by their names in a bundle.

    Raises UsageError if a segment is open, because the campaign was stopped before its end.
    """
    opened = [path for path in folder.glob("segment-*.jsonl") if path.stat().st_size]
    if opened:
        msg = f"{opened[0]}: the campaign was stopped here; 'accredit measure' resumes it"
        raise UsageError(msg)
    segments = (path.name for path in sealed_in(folder))
    names = ("header.json", SCHEME, HEAD, "manifest.jsonl", STOPS, INSTRUMENT, *segments)
    names += tuple(path.name for path in folder.glob(SIGNATURES))
    return {f"journal/{name}": folder / name for name in names if (folder / name).exists()}


def write_bundle(
    path: Path, files: Mapping[str, bytes | Path], assessment: Assessment, key: Path
) -> str:
    """Write and sign a bundle atomically; return the id of the key.

    Raises UsageError if the key cannot be used or the bundle exists already, InstrumentError if
    the bundle cannot be written.
    """
    if path.exists():
        msg = f"{path} exists already; choose another --out"
        raise UsageError(msg)
    unfinished = path.with_name(f".{path.name}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstrumentError(_unwritten(path, error)) from None
    try:
        digests = {name: _digest_of(files[name]) for name in files}
        payload = canonical(statement(digests, assessment), path)
        envelope = sign(PAYLOAD_TYPE, payload, key)
        write_archive(unfinished, {**files, STATEMENT: envelope.encoded()})
        unfinished.replace(path)
    except OSError as error:
        raise InstrumentError(_unwritten(path, error)) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return envelope.signatures[0].keyid


def statement(digests: Mapping[str, str], assessment: Assessment) -> dict[str, Any]:
    """The in-toto statement over files, given by name with their SHA-256.

    Insufficient outcomes are listed among the failed tests, and in a list of their own.
    """
    subjects = [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()]
    by_conformity: dict[Conformity, list[str]] = {each: [] for each in Conformity}
    for outcome in filter(_counts, assessment.outcomes):
        by_conformity[outcome.conformity].append(outcome.id)
    undecided = by_conformity[Conformity.INSUFFICIENT]
    conforms = assessment.conformity is Conformity.CONFORMS
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": "PASSED" if conforms else "FAILED",
            "configuration": [each for each in subjects if each["name"] == SCHEME],
            "passedTests": by_conformity[Conformity.CONFORMS],
            "warnedTests": [],
            "failedTests": by_conformity[Conformity.DOES_NOT_CONFORM] + undecided,
            "insufficientTests": undecided,
        },
    }


def _unwritten(path: Path, error: OSError) -> str:
    return f"{path}: cannot be written: {error.strerror or error}"


def _counts(outcome: Outcome) -> bool:
    """Whether the test result lists an outcome: one that is not binding only if it conforms."""
    return outcome.requirement.binding or outcome.conformity is Conformity.CONFORMS


def write_archive(path: Path, files: Mapping[str, bytes | Path]) -> None:
    """Write files into a deterministic archive. Raises OSError.

    The statement, if present, comes last.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files, key=lambda one: (one == STATEMENT, one)):
            info = zipfile.ZipInfo(name, _WHEN)
            info.create_system, info.external_attr = _UNIX, _MODE << 16
            with archive.open(info, "w", force_zip64=True) as target:
                for chunk in _chunks(files[name]):
                    target.write(chunk)


def _digest_of(content: bytes | Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(content):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            yield chunk
