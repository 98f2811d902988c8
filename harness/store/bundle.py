"""A bundle: everything of a campaign that an assessor hands over, in one signed file.

A ZIP archive of plain files and ``statement.dsse.json``: an in-toto statement (v1) whose
subjects are those files with their SHA-256 and whose predicate is a test result (v0.1), in a
DSSE envelope. Whoever has the public key verifies it offline, down to the journal's own chain.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import HarnessError, InstrumentError, UsageError
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.signing import canonical, read_envelope, read_keys, require_signature, sign
from harness.store.assessments import read_assessment
from harness.store.head import HEAD
from harness.store.journal import SegmentJournal, open_journal
from harness.store.stops import STOPS

STATEMENT = "statement.dsse.json"
ASSESSMENT, SCHEME, REGISTRY = "assessment.json", "scheme.json", "registry.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_LIMIT_BYTES = 64 * 1024 * 1024
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)
"""What the library raises of an archive that was changed, encrypted or cut short."""
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The archive's own times say nothing: what was made when stands in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that holds: who signed it, what it says, and what stood in the registry then.

    ``head`` is the hash that stands for the journal.
    """

    signed_by: str
    assessment: Assessment
    files: int
    observations: int
    head: str
    registry: dict[str, Any]


def journal_files(folder: Path) -> dict[str, Path]:
    """The journal's files by their names in a bundle. Raises UsageError if one is still open.

    An open segment is one that a campaign left behind when it was stopped.
    """
    opened = [path for path in folder.glob("segment-*.jsonl") if path.stat().st_size]
    if opened:
        msg = f"{opened[0]}: the campaign was stopped here; 'accredit measure' goes on with it"
        raise UsageError(msg)
    segments = (path.name for path in folder.glob("segment-*.parquet"))
    names = ("header.json", HEAD, "manifest.jsonl", STOPS, *segments)
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
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            digests = {name: _add(archive, name, files[name]) for name in sorted(files)}
            payload = canonical(statement(digests, assessment), path)
            envelope = sign(PAYLOAD_TYPE, payload, key)
            _add(archive, STATEMENT, envelope.encoded())
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


def verify_bundle(path: Path, keys: Sequence[Path]) -> Bundle:
    """Verify a bundle: signature, every file, the journal's chain, and that they agree.

    Needs no network. Raises UsageError with a line for each thing that does not hold.
    """
    trusted = read_keys(keys)
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            envelope = read_envelope(_statement_in(archive, path), f"{path}: {STATEMENT}")
            signed_by = require_signature(envelope, trusted, path)
            stated, files = _stated(envelope.payload_type, envelope.payload, path)
            _tell(path, list(_unpacked(archive, files, Path(folder))))
            return _agreeing(path, Path(folder), stated, files, signed_by)
    except (OSError, *_DAMAGE) as error:
        reason = getattr(error, "strerror", None) or "not a bundle, or cut short"
        msg = f"{path}: {reason}"
        raise UsageError(msg) from None


def _unwritten(path: Path, error: OSError) -> str:
    return f"{path}: cannot be written: {error.strerror or error}"


def _counts(outcome: Outcome) -> bool:
    """Whether a test result lists an outcome: what binds nobody can only pass."""
    return outcome.requirement.binding or outcome.conformity is Conformity.CONFORMS


def _add(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> str:
    """Write one file of the archive; gives its SHA-256."""
    info = zipfile.ZipInfo(name, _WHEN)
    info.compress_type = zipfile.ZIP_DEFLATED
    digest = hashlib.sha256()
    with archive.open(info, "w", force_zip64=True) as target:
        for chunk in _chunks(content):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            yield chunk


def _statement_in(archive: zipfile.ZipFile, path: Path) -> bytes:
    try:
        info = archive.getinfo(STATEMENT)
    except KeyError:
        msg = f"{path}: not a bundle: it holds no {STATEMENT}"
        raise UsageError(msg) from None
    if info.file_size > _LIMIT_BYTES:
        msg = f"{path}: {STATEMENT} is too large for a statement"
        raise UsageError(msg)
    return archive.read(info)


def _stated(payload_type: str, payload: bytes, path: Path) -> tuple[Any, dict[str, str]]:
    """The statement that was signed, and its files' digests by name. Raises UsageError."""
    try:
        found: Any = msgspec.json.decode(payload)
        files = {each["name"]: each["digest"]["sha256"] for each in found["subject"]}
        kinds = (payload_type, found["_type"], found["predicateType"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        kinds, files = ("", "", ""), {}
    if kinds != (PAYLOAD_TYPE, STATEMENT_TYPE, PREDICATE_TYPE):
        msg = f"{path}: what is signed here is not a test result"
        raise UsageError(msg)
    return found, files


def _unpacked(archive: zipfile.ZipFile, files: dict[str, str], folder: Path) -> Iterator[str]:
    """Write the files that were signed below ``folder``, and tell which are not as they were."""
    there = [info.filename for info in archive.infolist()]
    for name in sorted({*there} - {*files, STATEMENT}):
        yield f"{name[:80]!r} was added after it was signed"
    for name in sorted({each for each in there if there.count(each) > 1}):
        yield f"{name[:80]!r} is in it twice"
    for name, signed in files.items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            yield f"{name[:80]!r} would stand outside the bundle"
        elif name not in there:
            yield f"{name} was signed, but is missing"
        elif _unpack(archive, name, target) != signed:
            at = archive.getinfo(name).header_offset
            yield f"{name} (at byte {at} of the bundle) is not as it was signed"


def _unpack(archive: zipfile.ZipFile, name: str, target: Path) -> str:
    """Write one file to ``target``; gives its SHA-256, or nothing if it cannot be unpacked."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with archive.open(name) as source, target.open("wb") as written:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                written.write(chunk)
    except _DAMAGE:
        return ""
    return digest.hexdigest()


def _tell(path: Path, faults: Sequence[str]) -> None:
    if faults:
        raise UsageError(*(f"{path}: {fault}" for fault in faults))


def _agreeing(
    path: Path, folder: Path, stated: Any, files: dict[str, str], signed_by: str
) -> Bundle:
    """What the files say, if they all speak of one campaign and the journal is whole."""
    missing = {ASSESSMENT, SCHEME, REGISTRY, "journal/header.json"} - set(files)
    _tell(path, [f"{name} belongs to a bundle, but is missing" for name in sorted(missing)])
    try:
        journal = open_journal(folder / "journal")
        journal.verify()
        assessment = read_assessment(folder / ASSESSMENT)
        faults = [*_disagreements(folder, journal, assessment)]
        registry = msgspec.json.decode((folder / REGISTRY).read_bytes(), type=dict[str, Any])
    except HarnessError as error:
        raise UsageError(f"{path}: {error}".replace(f"{folder}/", "")) from None
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        msg = f"{path}: a file in it is not what a bundle holds: {error}"
        raise UsageError(msg) from None
    if stated != statement(files, assessment):
        faults.append("the signed test result is not that of the assessment")
    _tell(path, faults)
    return Bundle(
        signed_by=signed_by,
        assessment=assessment,
        files=len(files),
        observations=journal.rows,
        head=journal.head.hash,
        registry=registry,
    )


def _disagreements(folder: Path, journal: SegmentJournal, assessment: Assessment) -> Iterator[str]:
    """Where the assessment, the journal, the scheme and the corpora do not speak of the same."""
    if assessment.campaign != msgspec.json.decode(journal.header["campaign"])["campaign"]:
        yield "the assessment is of another campaign than the journal"
    if assessment.observations != journal.rows:
        held = f"{assessment.observations} observations, and the journal holds {journal.rows}"
        yield f"the assessment rests on {held}"
    scheme = msgspec.json.decode((folder / SCHEME).read_bytes())
    if (assessment.scheme, assessment.scheme_version) != (scheme["id"], scheme["version"]):
        yield f"the assessment was not made by the scheme in {SCHEME}"
    for path in sorted(folder.glob("corpora/*/datapackage.json")):
        manifest = msgspec.json.decode(path.read_bytes())
        hashes = (str(each["hash"]).removeprefix("sha256:") for each in manifest["resources"])
        known = {f"{manifest['name']} {manifest['version']} {each}" for each in hashes}
        if not known & set(journal.header["corpora"]):
            yield f"corpora/{path.parent.name} is not what the journal was measured with"
