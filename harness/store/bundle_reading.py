"""Reads a bundle, and believes nothing that was not signed.

Whoever has the public key verifies it offline: the signature, every byte of the archive, the
journal's own chain, and that the files speak of one campaign.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import HarnessError, UsageError
from harness.model.corpus import Appeal
from harness.model.outcome import Assessment
from harness.signing import read_envelope, read_keys, require_signature
from harness.store.assessments import read_assessment
from harness.store.bundle import (
    APPEALS,
    ASSESSMENT,
    PAYLOAD_TYPE,
    PREDICATE_TYPE,
    REGISTRY,
    SCHEME,
    STATEMENT,
    STATEMENT_TYPE,
    statement,
    write_archive,
)
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.untrusted.regular_file import open_regular

_LIMIT_BYTES = 64 * 1024 * 1024
_LIMIT_FILES = 10_000
SHOWN, LENGTH = 20, 300
"""How many faults are told, and how many characters of each."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)
"""What the library raises of an archive that was changed, encrypted or cut short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that holds: who signed it, what it says, and what stood in the registry then.

    ``scheme`` is the scheme's document, and ``appeals`` are those whose corrections the assessment
    rests on. The journal lies in a folder that goes when the bundle is closed.
    """

    signed_by: str
    assessment: Assessment
    files: int
    journal: SegmentJournal
    registry: dict[str, Any]
    scheme: dict[str, Any]
    appeals: tuple[Appeal, ...]


@contextmanager
def opened_bundle(path: Path, keys: Sequence[Path], campaign: str = "") -> Iterator[Bundle]:
    """Open a bundle whose signature, files, framing and journal hold; all of one campaign.

    ``campaign`` is the one that is expected, if that is known: an old bundle of another is
    refused. Needs no network. Raises UsageError with a line for each thing that does not hold.
    """
    trusted = read_keys(keys)
    with tempfile.TemporaryDirectory(prefix="accredit-bundle-") as name:
        folder = Path(name)
        try:
            with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
                _require_bounded(archive, path)
                envelope = read_envelope(_statement_in(archive, path), f"{path}: {STATEMENT}")
                signed_by = require_signature(envelope, trusted, path)
                stated, files = _stated(envelope.payload_type, envelope.payload, path)
                tell(path, list(_unpacked(archive, files, folder / "files")))
            (folder / "files" / STATEMENT).write_bytes(envelope.encoded())
            _require_framing(path, folder, [*files, STATEMENT])
        except (OSError, *_DAMAGE) as error:
            reason = getattr(error, "strerror", None) or "not a bundle, or cut short"
            msg = f"{path}: {reason}"
            raise UsageError(msg) from None
        bundle = _agreeing(path, folder / "files", stated, files, signed_by)
        if campaign and bundle.assessment.campaign != campaign:
            found = bundle.assessment.campaign
            tell(path, [f"is of campaign {found!r}, not of {campaign!r}, which was expected"])
        yield bundle


def tell(path: Path, faults: Sequence[str]) -> None:
    """Raise UsageError with a line for each fault, as far as a person reads; nothing for none."""
    if not faults:
        return
    lines = [f"{path}: {fault[:LENGTH]}" for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        lines.append(f"{path}: and {len(faults) - SHOWN} more faults")
    raise UsageError(*lines)


def _require_bounded(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse what would unpack to more than its own size, before anything is unpacked."""
    found = archive.infolist()
    if len(found) > _LIMIT_FILES:
        tell(path, [f"holds {len(found)} files; a bundle has at most {_LIMIT_FILES}"])
    for each in found:
        if each.compress_type != zipfile.ZIP_STORED:
            tell(path, [f"{each.filename[:80]!r} is compressed; a bundle's files are stored as is"])
    if sum(each.file_size for each in found) > path.stat().st_size:
        tell(path, ["its files overlap: they are larger than the bundle"])


def _require_framing(path: Path, folder: Path, names: Sequence[str]) -> None:
    """Make the archive again of its files, and compare every byte."""
    again = folder / "again.zip"
    write_archive(again, {name: folder / "files" / name for name in names})
    at = 0
    with path.open("rb") as one, again.open("rb") as other:
        while True:
            found, made = one.read(1 << 20), other.read(1 << 20)
            if found != made:
                pairs = enumerate(zip(found, made, strict=False))
                first = next((n for n, (x, y) in pairs if x != y), min(len(found), len(made)))
                where = _region(again, at + first)
                tell(path, [f"byte {at + first} of the bundle, {where}, is not as it was written"])
            if not found:
                return
            at += len(found)


def _region(archive: Path, at: int) -> str:
    """What lies at a byte of an archive as we write them."""
    with zipfile.ZipFile(archive) as opened:
        infos, directory = opened.infolist(), opened.start_dir
    if at >= directory:
        return "in the archive's directory"
    before = [info for info in infos if info.header_offset <= at]
    return f"in the header of {before[-1].filename[:80]}"


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
    there = Counter(info.filename for info in archive.infolist())
    for name in sorted({*there} - {*files, STATEMENT}):
        yield f"{name[:80]!r} was added after it was signed"
    for name in sorted(each for each, number in there.items() if number > 1):
        yield f"{name[:80]!r} is in it twice"
    for name, signed in files.items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            yield f"{name[:80]!r} would stand outside the bundle"
        elif name not in there:
            yield f"{name[:80]} was signed, but is missing"
        elif _unpack(archive, name, target) != signed:
            at = archive.getinfo(name).header_offset
            yield f"{name[:80]} (at byte {at} of the bundle) is not as it was signed"


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


def _agreeing(
    path: Path, folder: Path, stated: Any, files: dict[str, str], signed_by: str
) -> Bundle:
    """What the files say, if they all speak of one campaign and the journal is whole."""
    missing = {ASSESSMENT, SCHEME, REGISTRY, APPEALS, "journal/header.json"} - set(files)
    tell(path, [f"{name} belongs to a bundle, but is missing" for name in sorted(missing)])
    try:
        journal = open_journal(folder / "journal")
        journal.verify()
        assessment = read_assessment(folder / ASSESSMENT)
        faults = [*_disagreements(folder, journal, assessment)]
        registry, scheme = (
            msgspec.json.decode((folder / name).read_bytes(), type=dict[str, Any])
            for name in (REGISTRY, SCHEME)
        )
        appeals = msgspec.json.decode((folder / APPEALS).read_bytes(), type=tuple[Appeal, ...])
    except HarnessError as error:
        raise UsageError(f"{path}: {error}".replace(f"{folder}/", "")) from None
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        msg = f"{path}: a file in it is not what a bundle holds: {error}"
        raise UsageError(msg) from None
    if stated != statement(files, assessment):
        faults.append("the signed test result is not that of the assessment")
    tell(path, faults)
    return Bundle(
        signed_by=signed_by,
        assessment=assessment,
        files=len(files),
        journal=journal,
        registry=registry,
        scheme=scheme,
        appeals=appeals,
    )


def _disagreements(folder: Path, journal: SegmentJournal, assessment: Assessment) -> Iterator[str]:
    """Where the assessment, the journal, the scheme and the corpora do not speak of the same."""
    if assessment.campaign != journal.header.campaign.campaign:
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
        if not known & set(journal.header.corpora):
            yield f"corpora/{path.parent.name} is not what the journal was measured with"
