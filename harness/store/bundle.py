"""A bundle: everything of a campaign that an assessor hands over, in one signed file.

A ZIP archive of plain files and ``statement.dsse.json``: an in-toto statement (v1) whose
subjects are those files with their SHA-256 and whose predicate is a test result (v0.1), in a
DSSE envelope. Whoever has the public key verifies it offline, down to the journal's own chain:
see ``harness.store.bundle_reading``.

Files are stored, not deflated, in the order of their names with the statement last, and nothing
of an archive's framing is left to chance: so the same files give the same archive, byte for
byte, and a reader makes it again to see whether the framing was changed.
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
from harness.store.head import HEAD
from harness.store.journal.side_records import INSTRUMENT, STOPS

STATEMENT = "statement.dsse.json"
ASSESSMENT, SCHEME, REGISTRY = "assessment.json", "scheme.json", "registry.json"
APPEALS = "appeals.json"
"""The appeals whose corrections the assessment rests on."""

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The archive's own times say nothing: what was made when stands in the journal."""
_UNIX, _MODE = 3, 0o600
"""Of which system the archive is said to be (APPNOTE 4.4.2), and who may read what is unpacked."""


def journal_files(folder: Path) -> dict[str, Path]:
    """The journal's files by their names in a bundle. Raises UsageError if one is still open.

    An open segment is one that a campaign left behind when it was stopped.
    """
    opened = [path for path in folder.glob("segment-*.jsonl") if path.stat().st_size]
    if opened:
        msg = f"{opened[0]}: the campaign was stopped here; 'accredit measure' goes on with it"
        raise UsageError(msg)
    segments = (path.name for path in folder.glob("segment-*.parquet"))
    names = ("header.json", HEAD, "manifest.jsonl", STOPS, INSTRUMENT, *segments)
    return {f"journal/{name}": folder / name for name in names if (folder / name).exists()}


def write_bundle(
    path: Path, files: Mapping[str, bytes | Path], assessment: Assessment, key: Path
) -> str:
    """Write and sign a bundle, whole or not at all; gives the id of the key.

    Raises UsageError if the key is none or the bundle is there already, InstrumentError if the
    disk does not take it.
    """
    if path.exists():
        msg = f"{path}: there is something here already; choose another --out"
        raise UsageError(msg)
    beside = path.with_name(f".{path.name}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstrumentError(_unwritten(path, error)) from None
    try:
        digests = {name: _digest_of(files[name]) for name in files}
        payload = canonical(statement(digests, assessment), path)
        envelope = sign(PAYLOAD_TYPE, payload, key)
        write_archive(beside, {**files, STATEMENT: envelope.encoded()})
        beside.replace(path)
    except OSError as error:
        raise InstrumentError(_unwritten(path, error)) from None
    finally:
        beside.unlink(missing_ok=True)
    return envelope.signatures[0].keyid


def statement(digests: Mapping[str, str], assessment: Assessment) -> dict[str, Any]:
    """The in-toto statement over files, given by name with their SHA-256.

    What is insufficient passes nowhere: it stands among the failed tests, and by itself.
    """
    subjects = [{"name": name, "digest": {"sha256": one}} for name, one in digests.items()]
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
    """Whether a test result lists an outcome: what binds nobody can only pass."""
    return outcome.requirement.binding or outcome.conformity is Conformity.CONFORMS


def write_archive(path: Path, files: Mapping[str, bytes | Path]) -> None:
    """Write files into an archive, the same bytes for the same files. Raises OSError.

    The statement, if it is among them, goes last.
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
