"""Store evidence by digest: each body once, in a file named after its SHA-256."""

from __future__ import annotations

import re
from pathlib import Path

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Evidence, digest_of
from harness.store.atomic_write import sync_file, sync_folder, write_whole_unsynced
from harness.store.private_folder import make_private

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class EvidenceFolder:
    """A folder of bodies ``ab/cd/<digest>``, each with its media type in ``<digest>.type``.

    ``keep`` stores any body: the caller must check the item's sensitivity. Writing does not wait
    for the disk: after a power cut a body may be missing or truncated; ``read`` detects this, and
    the next ``keep`` writes it again.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def keep(self, evidence: Evidence) -> str:
        """Store a body and return its digest. Raises InstrumentError (a full disk)."""
        digest = evidence.digest
        path = self._path(digest)
        beside = path.with_suffix(".type")
        if beside.exists() and path.exists() and path.stat().st_size == len(evidence.body):
            return digest
        try:
            make_private(self.directory)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole_unsynced(path, evidence.body)
            # the type is written last: if it exists, the body is complete
            write_whole_unsynced(beside, evidence.media_type.encode())
        except OSError as error:
            msg = f"{path}: evidence cannot be stored: {error.strerror or error}"
            raise InstrumentError(msg) from error
        return digest

    def keep_durably(self, evidence: Evidence) -> str:
        """Store a body, also over a damaged copy, and wait for the disk; return its digest."""
        path = self._path(evidence.digest)
        if path.exists() and path.read_bytes() != evidence.body:
            path.unlink()
        digest = self.keep(evidence)
        for written in (path, path.with_suffix(".type")):
            sync_file(written)
        sync_folder(path.parent)
        return digest

    def read(self, digest: str) -> bytes:
        """The body. Raises UsageError if it is missing, InstrumentError if it was changed."""
        path = self._found(digest)
        body = path.read_bytes()
        if digest_of(body) != digest:
            msg = f"{path}: its SHA-256 does not match its name: the evidence was changed"
            raise InstrumentError(msg)
        return body

    def media_type(self, digest: str) -> str:
        """The media type of a body. Raises UsageError if it is missing."""
        return self._found(digest).with_suffix(".type").read_text(encoding="utf-8")

    def about(self, digest: str) -> tuple[int, str] | None:
        """The size in bytes and the media type of a body; ``None`` if it is not here."""
        try:
            path = self._found(digest)
            beside = path.with_suffix(".type")
            return path.stat().st_size, beside.read_text(encoding="utf-8", errors="replace")
        except (OSError, UsageError):
            return None

    def _found(self, digest: str) -> Path:
        path = self._path(digest)
        if not path.with_suffix(".type").exists() or not path.exists():
            msg = f"{self.directory}: no evidence {digest}"
            raise UsageError(msg)
        return path

    def _path(self, digest: str) -> Path:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            msg = f"{digest!r} is not a digest; write sha256: and 64 hexadecimal digits"
            raise UsageError(msg)
        name = match[1]
        return self.directory / name[:2] / name[2:4] / name
