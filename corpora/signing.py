"""Sign packs, and verify their signatures.

The manifest holds the digest of every file, so a signature over it covers the pack; see
``harness.signing`` for the form of envelope and keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import msgspec

from corpora.manifest import FILE, read_json
from corpora.pack_reader import Pack, open_pack
from harness.errors import UsageError
from harness.signing import Envelope, canonical, read_envelope, read_keys, require_signature, sign
from harness.untrusted.regular_file import read_bounded

ENVELOPE = "datapackage.dsse.json"
PAYLOAD_TYPE = "application/vnd.accredit.corpus+json"
_LIMIT_BYTES = 4 * 1024 * 1024


def sign_pack(pack: Pack, key: Path) -> str:
    """Sign a checked pack with a private key and return the id of the key.

    Writes the envelope next to the manifest. Raises UsageError if the key cannot be used.
    """
    envelope = sign(PAYLOAD_TYPE, _canonical(pack.directory), key)
    try:
        (pack.directory / ENVELOPE).write_bytes(envelope.encoded())
    except OSError as error:
        msg = f"{pack.directory / ENVELOPE}: {error.strerror or error}"
        raise UsageError(msg) from None
    return envelope.signatures[0].keyid


def open_signed(name_or_path: str, keys: Sequence[Path]) -> Pack:
    """Open a pack with a valid signature by one of the public keys.

    Raises UsageError if the signature is missing or wrong, and whatever ``open_pack`` raises.
    """
    trusted = read_keys(keys)
    pack = open_pack(name_or_path)
    where = pack.directory / ENVELOPE
    envelope = _read(where)
    if envelope.payload_type != PAYLOAD_TYPE:
        msg = f"{where}: signs a {envelope.payload_type[:60]!r}, not a corpus"
        raise UsageError(msg)
    if envelope.payload != _canonical(pack.directory):
        msg = f"{where}: the manifest was changed after it was signed"
        raise UsageError(msg)
    require_signature(envelope, trusted, where)
    reference = msgspec.structs.replace(pack.reference, signed=True)
    return dataclasses.replace(pack, reference=reference)


def _canonical(directory: Path) -> bytes:
    return canonical(read_json(directory / FILE), directory / FILE)


def _read(where: Path) -> Envelope:
    try:
        return read_envelope(read_bounded(where, _LIMIT_BYTES), where)
    except FileNotFoundError:
        msg = f"{where.parent}: the pack is not signed; sign it with 'accredit corpus sign'"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{where}: not a DSSE envelope: {error.strerror or error}"
        raise UsageError(msg) from None
