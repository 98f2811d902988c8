"""Sign documents, and verify signatures.

The payload of a DSSE envelope (https://github.com/secure-systems-lab/dsse) is the canonical form of
a JSON document (RFC 8785), signed with Ed25519 (RFC 8032). Keys are PEM files; error messages never
quote their content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from harness.errors import UsageError
from harness.model.signature import Signed
from harness.untrusted.regular_file import read_bounded

_KEY_BYTES = 64 * 1024

Trusted = dict[str, Ed25519PublicKey]
"""Trusted public keys by id (see ``key_id``)."""


class Signature(msgspec.Struct, frozen=True):
    """One signature of an envelope; base64 in JSON."""

    keyid: str
    sig: bytes


class Envelope(msgspec.Struct, frozen=True, rename={"payload_type": "payloadType"}):
    """A DSSE envelope; ``payload`` is base64 in JSON."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def encoded(self) -> bytes:
        """Return the envelope as a line of JSON."""
        return msgspec.json.encode(self) + b"\n"


_ENVELOPES = msgspec.json.Decoder(Envelope)


def canonical(document: Any, where: object) -> bytes:
    """Return the canonical form of a document. Raises UsageError with ``where`` if it has none."""
    import rfc8785  # noqa: PLC0415 - only those who sign and verify need it

    try:
        return bytes(rfc8785.dumps(document))
    except rfc8785.CanonicalizationError as error:
        msg = f"{where}: has no canonical form: {error}"
        raise UsageError(msg) from None


def sign(payload_type: str, payload: bytes, key: Path) -> Envelope:
    """Sign ``payload`` with the private key in a file. Raises UsageError if there is no key."""
    return sign_with(payload_type, payload, private_key_in(key))


def sign_with(payload_type: str, payload: bytes, private: Ed25519PrivateKey) -> Envelope:
    """Sign ``payload`` with a private key."""
    signature = private.sign(_to_be_signed(payload_type, payload))
    signed = Signature(key_id(private.public_key()), signature)
    return Envelope(payload=payload, payload_type=payload_type, signatures=(signed,))


def sign_text(payload: bytes, key: Path) -> tuple[str, str]:
    """Sign bytes with the private key in a file; return the public key and signature as hex.

    Raises UsageError if there is no key.
    """
    private = private_key_in(key)
    return _raw(private.public_key()).hex(), private.sign(payload).hex()


def public_key_of(key: Path) -> str:
    """Return the public key of a private one in a file, as hex. Raises UsageError without one."""
    return _raw(private_key_in(key).public_key()).hex()


def is_signed_by(key: str, signature: str, payload: bytes) -> bool:
    """Whether a signature of bytes by a public key is valid; both in hexadecimal."""
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), payload)
    except (InvalidSignature, ValueError):
        return False
    return True


SIGNED = "accredit/signed/1"
"""Stands before what a person signs, so that a signature of something else is none of it."""


class Signable(Protocol):
    """A statement or an event that a person may sign; ``signed`` is unset without a signature."""

    @property
    def signed(self) -> Signed | msgspec.UnsetType:
        """The signature beside what is said."""


def signature_of(said: Signable, about: Sequence[str], key: Path) -> Signed:
    """Sign all that is said, for what it is ``about``, with the private key in a file.

    Raises UsageError if there is no key.
    """
    public, signature = sign_text(_text_of(said, about), key)
    return Signed(key=public, signature=signature)


def is_signature_of(said: Signable, about: Sequence[str]) -> bool:
    """Whether the signature is one of what is said, for what it is ``about``; none is not."""
    if isinstance(said.signed, msgspec.UnsetType):
        return False
    return is_signed_by(said.signed.key, said.signed.signature, _text_of(said, about))


def _text_of(said: Signable, about: Sequence[str]) -> bytes:
    """The bytes that are signed: the canonical form of what is said, and what it is about."""
    document = msgspec.json.decode(msgspec.json.encode(said), type=dict[str, Any])
    document.pop("signed", None)
    return canonical({"signed": SIGNED, "about": list(about), "said": document}, "what is signed")


def new_key() -> tuple[bytes, bytes]:
    """Make a signing key; return the private and the public one as PEM files hold them."""
    private = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    return (
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


def public_key_in(path: Path) -> str:
    """Return the public key in a file, 32 bytes in hexadecimal. Raises UsageError."""
    return _raw(_public_key(path)).hex()


def read_envelope(raw: bytes, where: object) -> Envelope:
    """Parse an envelope without verifying it. Raises UsageError if it is malformed."""
    try:
        return _ENVELOPES.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{where}: not a DSSE envelope: {error}"
        raise UsageError(msg) from None


def read_keys(paths: Sequence[Path]) -> Trusted:
    """Read public keys by id. Raises UsageError for a file without one."""
    return {key_id(key): key for key in map(_public_key, paths)}


def trusted_key(public: str) -> Trusted:
    """Return a public key, 32 bytes in hexadecimal, by its id. Raises ValueError for no key."""
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return {key_id(key): key}


def keys_of(public_keys: Iterable[str]) -> Trusted:
    """Return public keys by id, given as 32 bytes in hexadecimal; those that are none are left out.

    Keys of the registry were checked when they were recorded.
    """
    found: Trusted = {}
    for each in public_keys:
        with suppress(ValueError):
            found |= trusted_key(each)
    return found


def require_signature(envelope: Envelope, trusted: Trusted, where: object) -> str:
    """Return the id of the first trusted key that signed. Raises UsageError if none did."""
    for signature in envelope.signatures:
        if _is_valid(trusted.get(signature.keyid), signature, envelope):
            return signature.keyid
    signers = ", ".join(one.keyid[:16] for one in envelope.signatures) or "nobody"
    msg = f"{where}: no signature by a key that was given (signed by {signers})"
    raise UsageError(msg)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of the 32 bytes of a public key, in hexadecimal."""
    return hashlib.sha256(_raw(key)).hexdigest()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _to_be_signed(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding of DSSE v1."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _is_valid(key: Ed25519PublicKey | None, signature: Signature, envelope: Envelope) -> bool:
    if key is None:
        return False
    try:
        key.verify(signature.sig, _to_be_signed(envelope.payload_type, envelope.payload))
    except InvalidSignature:
        return False
    return True


def private_key_in(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a file. Raises UsageError without one."""
    try:
        key = serialization.load_pem_private_key(read_bounded(path, _KEY_BYTES), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "private", error) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private", None)
    return key


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(read_bounded(path, _KEY_BYTES))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "public", error) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public", None)
    return key


def _no_key(path: Path, kind: str, error: Exception | None) -> UsageError:
    """Return the error for a file without a key; it quotes no content, which may be secret."""
    reason = error.strerror if isinstance(error, OSError) else "not in PEM, or locked"
    description = reason if error is not None else "of another kind"
    remedy = "openssl genpkey -algorithm ed25519 -out key.pem"
    if kind == "public":
        remedy = "openssl pkey -in key.pem -pubout -out key.pub.pem"
    return UsageError(f"{path}: no {kind} Ed25519 key ({description}); make one with: {remedy}")


def signed_document(name: str, payload_type: str, document: Any, key: Path) -> bytes:
    """Return a signed document that people can read: ``{name: document, "signature": {...}}``.

    The signature is that of a DSSE envelope around the canonical form of the document. The whole
    is canonical too, so that no byte of the file can be another. Raises UsageError without a key.
    """
    signature = sign(payload_type, canonical(document, name), key).signatures[0]
    held = {name: document, "signature": msgspec.to_builtins(signature)}
    return canonical(held, name) + b"\n"


def read_signed_document(
    raw: bytes, name: str, payload_type: str, trusted: Trusted, where: object
) -> tuple[bytes, str]:
    """Return the canonical form of a signed document, and the id of the trusted key that signed.

    Raises UsageError for anything but the exact bytes that ``signed_document`` made with a key
    that is trusted: other JSON, spaces or members that were added, a name that is there twice.
    """
    try:
        held = msgspec.json.decode(raw, type=dict[str, Any])
        signature = msgspec.convert(held.get("signature"), Signature)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{where}: not a signed {name.replace('_', ' ')}: {error}"
        raise UsageError(msg) from None
    if set(held) != {name, "signature"} or canonical(held, where) + b"\n" != raw:
        msg = f"{where}: not in the form in which a {name.replace('_', ' ')} is signed (RFC 8785)"
        raise UsageError(msg)
    envelope = Envelope(canonical(held[name], where), payload_type, (signature,))
    return envelope.payload, require_signature(envelope, trusted, where)
