"""Sign schemes: a detached signature of the scheme as it is loaded, with its policy."""

from __future__ import annotations

from pathlib import Path

from harness.cli.paths import journal_folder
from harness.errors import InstrumentError, UsageError
from harness.model.content_identity import scheme_document
from harness.store.atomic_write import write_whole
from harness.untrusted.regular_file import read_bounded

PAYLOAD_TYPE = "application/vnd.accredit.scheme+json"
SUFFIX = ".dsse.json"
"""What the name of a signature's file ends with, after that of the scheme's file."""

MOST_BYTES = 4 * 1024**2


def sign_scheme(path: Path, key: Path, results: Path | None = None) -> tuple[Path, str]:
    """Sign the scheme in a file; return the path of the signature, and the id of the key.

    With ``results`` the signature is kept with that campaign as well. Raises UsageError.
    """
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - keep the start light
    from harness.signing import canonical, sign  # noqa: PLC0415 - cryptography is heavy
    from harness.store.journal.signature_files import keep_signature  # noqa: PLC0415 - the same

    if not path.is_file():
        msg = f"{path}: no such file; a shipped scheme needs no signature"
        raise UsageError(msg)
    scheme = load_scheme(str(path))
    envelope = sign(PAYLOAD_TYPE, canonical(scheme_document(scheme), path), key)
    text, signature = envelope.encoded(), signature_of(path)
    try:
        write_whole(signature, text)
    except OSError as error:
        msg = f"{signature}: cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from None
    if results is not None:
        keep_signature(journal_folder(results), text)
    return signature, envelope.signatures[0].keyid


def signature_of(path: Path) -> Path:
    """The path of the signature of a scheme's file."""
    return path.with_name(path.name + SUFFIX)


def read_signature(path: Path) -> bytes:
    """The bytes of a signature's file; empty if there is none."""
    try:
        return read_bounded(path, MOST_BYTES)
    except OSError:
        return b""
