"""Signs packs, and verifies who signed them.

The manifest holds the digest of every file, so a signature over it covers the pack. Its
canonical form (RFC 8785) is the payload of a DSSE envelope with an Ed25519 signature
(RFC 8032, https://github.com/secure-systems-lab/dsse). Keys come from outside, as PEM files.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from corpora.manifest import FILE
from corpora.pack import Pack, open_pack
from harness.errors import UsageError
from harness.plugins import register

ENVELOPE = "datapackage.dsse.json"
PAYLOAD_TYPE = "application/vnd.accredit.corpus+json"
_LIMIT_BYTES = 4 * 1024 * 1024


class Signature(msgspec.Struct, frozen=True):
    """One signature of an envelope, in base64."""

    keyid: str
    sig: str


class Envelope(msgspec.Struct, frozen=True, rename={"payload_type": "payloadType"}):
    """A DSSE envelope; ``payload`` is in base64."""

    payload: str
    payload_type: str
    signatures: tuple[Signature, ...]


@register("corpora", "sign")
def sign_pack(pack: Pack, key: Path) -> str:
    """Sign a checked pack with a private key; gives the id of the key.

    The envelope lies beside the manifest. Raises UsageError if the key is none.
    """
    private = _private_key(key)
    payload = _canonical(pack.directory)
    identity = key_id(private.public_key())
    signature = private.sign(_to_be_signed(PAYLOAD_TYPE, payload))
    envelope = Envelope(
        payload=base64.b64encode(payload).decode(),
        payload_type=PAYLOAD_TYPE,
        signatures=(Signature(identity, base64.b64encode(signature).decode()),),
    )
    try:
        (pack.directory / ENVELOPE).write_bytes(msgspec.json.encode(envelope) + b"\n")
    except OSError as error:
        msg = f"{pack.directory / ENVELOPE}: {error.strerror or error}"
        raise UsageError(msg) from None
    return identity


@register("corpora", "verify")
def open_signed(name_or_path: str, keys: Sequence[Path]) -> Pack:
    """Open a pack that one of the public keys signed; its reference says so.

    Raises UsageError that says what does not hold, and whatever ``open_pack`` raises.
    """
    trusted = {key_id(key): key for key in map(_public_key, keys)}
    pack = open_pack(name_or_path)
    where = pack.directory / ENVELOPE
    envelope, payload = _read(where)
    if envelope.payload_type != PAYLOAD_TYPE:
        msg = f"{where}: signs a {envelope.payload_type[:60]!r}, not a corpus"
        raise UsageError(msg)
    if payload != _canonical(pack.directory):
        msg = f"{where}: the manifest was changed after it was signed"
        raise UsageError(msg)
    if not any(_holds(trusted.get(one.keyid), one, payload) for one in envelope.signatures):
        signers = ", ".join(one.keyid[:16] for one in envelope.signatures) or "nobody"
        msg = f"{where}: no signature by a key that was given (signed by {signers})"
        raise UsageError(msg)
    reference = msgspec.structs.replace(pack.reference, signed=True)
    return dataclasses.replace(pack, reference=reference)


def key_id(key: Ed25519PublicKey) -> str:
    """The SHA-256 of the 32 bytes of a public key."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()


def _canonical(directory: Path) -> bytes:
    import rfc8785  # noqa: PLC0415 - only those who sign and verify need it

    manifest: Any = json.loads((directory / FILE).read_text(encoding="utf-8-sig"))
    try:
        return bytes(rfc8785.dumps(manifest))
    except rfc8785.CanonicalizationError as error:
        msg = f"{directory / FILE}: has no canonical form: {error}"
        raise UsageError(msg) from None


def _to_be_signed(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE v1."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _read(where: Path) -> tuple[Envelope, bytes]:
    try:
        if where.stat().st_size > _LIMIT_BYTES:
            msg = f"{where}: too large for a signature"
            raise UsageError(msg)
        envelope = msgspec.json.decode(where.read_bytes(), type=Envelope)
        return envelope, base64.b64decode(envelope.payload, validate=True)
    except FileNotFoundError:
        msg = f"{where.parent}: is not signed; sign it with 'accredit corpus sign'"
        raise UsageError(msg) from None
    except (OSError, msgspec.DecodeError, binascii.Error) as error:
        msg = f"{where}: not a DSSE envelope: {error}"
        raise UsageError(msg) from None


def _holds(key: Ed25519PublicKey | None, signature: Signature, payload: bytes) -> bool:
    if key is None:
        return False
    try:
        raw = base64.b64decode(signature.sig, validate=True)
        key.verify(raw, _to_be_signed(PAYLOAD_TYPE, payload))
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "private", error) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private", None)
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "public", error) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public", None)
    return key


def _no_key(path: Path, kind: str, error: Exception | None) -> UsageError:
    """Nothing of what the file holds is said: it may be a secret."""
    reason = error.strerror if isinstance(error, OSError) else "not in PEM, or locked"
    told = reason if error is not None else "of another kind"
    remedy = "make one with: openssl genpkey -algorithm ed25519 -out key.pem"
    return UsageError(f"{path}: no {kind} Ed25519 key ({told}); {remedy}")
