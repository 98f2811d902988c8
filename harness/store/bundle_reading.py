"""Read and verify a bundle offline; nothing in it is trusted that was not signed.

Checked are the signature, every byte of the archive, the journal's hash chain, and that all files
belong to one campaign.
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
_APPEALS = msgspec.json.Decoder(tuple[Appeal, ...])
SHOWN, LENGTH = 20, 300
"""How many faults are reported, and how many characters of each."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)
"""What the library raises for an archive that was changed, encrypted or truncated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A verified bundle: its signer, its contents, and the head of the registry at that time.

    ``scheme`` is the scheme's document, and ``appeals`` are those whose corrected labels the
    assessment uses. The journal is in a temporary folder that is removed when the bundle is closed.
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
    """Open a bundle and verify its signature, files, framing and journal.

    ``campaign`` is the expected campaign, if known: a bundle of another one is refused. Needs no
    network. Raises UsageError with a line for each fault.
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
                raise_faults(path, list(_unpacked(archive, files, folder / "files")))
            (folder / "files" / STATEMENT).write_bytes(envelope.encoded())
            _require_framing(path, folder, [*files, STATEMENT])
        except (OSError, *_DAMAGE) as error:
            reason = getattr(error, "strerror", None) or "not a bundle, or truncated"
            msg = f"{path}: {reason}"
            raise UsageError(msg) from None
        bundle = _agreeing(path, folder / "files", stated, files, signed_by)
        if campaign and bundle.assessment.campaign != campaign:
            actual = bundle.assessment.campaign
            raise_faults(path, [f"is a bundle of campaign {actual!r}; expected was {campaign!r}"])
        yield bundle


def raise_faults(path: Path, faults: Sequence[str]) -> None:
    """Raise UsageError with a line for each fault, up to ``SHOWN``; do nothing without faults."""
    if not faults:
        return
    lines = [f"{path}: {fault[:LENGTH]}" for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        lines.append(f"{path}: and {len(faults) - SHOWN} more faults")
    raise UsageError(*lines)


def _require_bounded(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse an archive that would unpack to more than its own size, before unpacking it."""
    infos = archive.infolist()
    if len(infos) > _LIMIT_FILES:
        raise_faults(path, [f"holds {len(infos)} files; a bundle has at most {_LIMIT_FILES}"])
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED:
            raise_faults(
                path, [f"{info.filename[:80]!r} is compressed; a bundle's files are stored as is"]
            )
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise_faults(path, ["its files overlap: they are larger than the bundle"])


def _require_framing(path: Path, folder: Path, names: Sequence[str]) -> None:
    """Rebuild the archive from its files, and compare every byte."""
    again = folder / "again.zip"
    write_archive(again, {name: folder / "files" / name for name in names})
    at = 0
    with path.open("rb") as original, again.open("rb") as rebuilt:
        while True:
            chunk, rebuilt_chunk = original.read(1 << 20), rebuilt.read(1 << 20)
            if chunk != rebuilt_chunk:
                pairs = enumerate(zip(chunk, rebuilt_chunk, strict=False))
                first = next(
                    (n for n, (x, y) in pairs if x != y), min(len(chunk), len(rebuilt_chunk))
                )
                where = _region(again, at + first)
                raise_faults(path, [f"byte {at + first:,} of the bundle, {where}, was changed"])
            if not chunk:
                return
            at += len(chunk)


def _region(archive: Path, at: int) -> str:
    """The part of our archive that a byte belongs to, in words."""
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
        msg = f"{path}: not a bundle: {STATEMENT} is missing"
        raise UsageError(msg) from None
    if info.file_size > _LIMIT_BYTES:
        msg = f"{path}: {STATEMENT} is too large for a statement"
        raise UsageError(msg)
    return archive.read(info)


def _stated(payload_type: str, payload: bytes, path: Path) -> tuple[Any, dict[str, str]]:
    """The signed statement, and the digests of its files by name. Raises UsageError."""
    try:
        document: Any = msgspec.json.decode(payload)
        files = {each["name"]: each["digest"]["sha256"] for each in document["subject"]}
        kinds = (payload_type, document["_type"], document["predicateType"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        kinds, files = ("", "", ""), {}
    if kinds != (PAYLOAD_TYPE, STATEMENT_TYPE, PREDICATE_TYPE):
        msg = f"{path}: the signed statement is not a test result"
        raise UsageError(msg)
    return document, files


def _unpacked(archive: zipfile.ZipFile, files: dict[str, str], folder: Path) -> Iterator[str]:
    """Write the signed files below ``folder``, and yield a sentence for each fault."""
    there = Counter(info.filename for info in archive.infolist())
    for name in sorted({*there} - {*files, STATEMENT}):
        yield f"{name[:80]!r} was added after signing"
    for name in sorted(each for each, number in there.items() if number > 1):
        yield f"{name[:80]!r} is in it twice"
    for name, signed in files.items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            yield f"{name[:80]!r} would be unpacked outside the bundle"
        elif name not in there:
            yield f"{name[:80]} was signed but is missing"
        elif _unpack(archive, name, target) != signed:
            at = archive.getinfo(name).header_offset
            yield f"{name[:80]} (at byte {at:,} of the bundle) was changed after signing"


def _unpack(archive: zipfile.ZipFile, name: str, target: Path) -> str:
    """Write one file to ``target`` and return its SHA-256; empty if it cannot be unpacked."""
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
    """The verified bundle. Raises UsageError if its files disagree or the journal is damaged."""
    missing = {ASSESSMENT, SCHEME, REGISTRY, APPEALS, "journal/header.json"} - set(files)
    raise_faults(path, [f"{name} is missing; every bundle has it" for name in sorted(missing)])
    try:
        journal = open_journal(folder / "journal")
        journal.verify()
        assessment = read_assessment(folder / ASSESSMENT)
        faults = [*_disagreements(folder, journal, assessment)]
        registry, scheme = (
            msgspec.json.decode((folder / name).read_bytes(), type=dict[str, Any])
            for name in (REGISTRY, SCHEME)
        )
        appeals = _APPEALS.decode((folder / APPEALS).read_bytes())
    except HarnessError as error:
        raise UsageError(f"{path}: {error}".replace(f"{folder}/", "")) from None
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        msg = f"{path}: a file in the bundle cannot be read: {error}"
        raise UsageError(msg) from None
    if stated != statement(files, assessment):
        faults.append("the signed test result does not match the assessment")
    raise_faults(path, faults)
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
    """Sentences on where the assessment, journal, scheme and corpora do not match."""
    if assessment.campaign != journal.header.campaign.campaign:
        yield "the assessment and the journal belong to different campaigns"
    if assessment.observations != journal.rows:
        yield (
            f"the assessment was made from {assessment.observations} observations, "
            f"but the journal holds {journal.rows}"
        )
    scheme = msgspec.json.decode((folder / SCHEME).read_bytes())
    if (assessment.scheme, assessment.scheme_version) != (scheme["id"], scheme["version"]):
        yield f"the assessment was not made with the scheme in {SCHEME}"
    for path in sorted(folder.glob("corpora/*/datapackage.json")):
        manifest = msgspec.json.decode(path.read_bytes())
        hashes = (str(each["hash"]).removeprefix("sha256:") for each in manifest["resources"])
        known = {f"{manifest['name']} {manifest['version']} {each}" for each in hashes}
        if not known & set(journal.header.corpora):
            yield f"corpora/{path.parent.name} is not a corpus that the journal was measured with"
