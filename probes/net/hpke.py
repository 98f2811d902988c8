"""HPKE (RFC 9180) in mode base for one message: X25519, HKDF-SHA256, and an AEAD.

``cryptography`` has it without additional authenticated data, which ECH needs.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from probes.net import hkdf

X25519_SHA256, HKDF_SHA256 = 0x0020, 0x0001
"""The KEM and the KDF (sections 7.1 and 7.2)."""

AEADS: dict[int, tuple[type[AESGCM | ChaCha20Poly1305], int]] = {
    0x0001: (AESGCM, 16),
    0x0002: (AESGCM, 32),
    0x0003: (ChaCha20Poly1305, 32),
}
"""The AEADs by number (section 7.3), with the bytes of their keys."""

TAG_BYTES = 16
KEY_BYTES = 32
NONCE_BYTES = 12
DIGEST = "sha256"
_BASE = b"\0"


def seal(
    to: bytes,
    info: bytes,
    data: bytes,
    authenticated: bytes,
    aead: int = 1,
    sender: X25519PrivateKey | None = None,
) -> tuple[bytes, bytes]:
    """Encrypt for a public key; return the encapsulated key and the ciphertext.

    ``sender`` is the ephemeral key, by default a new one. Raises ValueError for an invalid key.
    """
    ephemeral = sender or X25519PrivateKey.generate()
    encapsulated = ephemeral.public_key().public_bytes_raw()
    exchanged = ephemeral.exchange(X25519PublicKey.from_public_bytes(to))
    key, nonce = _keys(_shared_secret(exchanged, encapsulated, to), info, aead)
    return encapsulated, AEADS[aead][0](key).encrypt(nonce, data, authenticated)


def open_sealed(
    key: X25519PrivateKey,
    encapsulated: bytes,
    info: bytes,
    sealed: bytes,
    authenticated: bytes,
    aead: int = 1,
) -> bytes | None:
    """Decrypt what was sealed for a key; None if it was not, or was changed."""
    if aead not in AEADS:
        return None
    try:
        exchanged = key.exchange(X25519PublicKey.from_public_bytes(encapsulated))
        own = key.public_key().public_bytes_raw()
        secret, nonce = _keys(_shared_secret(exchanged, encapsulated, own), info, aead)
        return AEADS[aead][0](secret).decrypt(nonce, sealed, authenticated)
    except (ValueError, InvalidTag):
        return None


def _shared_secret(exchanged: bytes, encapsulated: bytes, receiver: bytes) -> bytes:
    """Return the shared secret of DHKEM (section 4.1)."""
    suite = b"KEM" + X25519_SHA256.to_bytes(2)
    key = _extract(suite, b"", b"eae_prk", exchanged)
    return _expand(suite, key, b"shared_secret", encapsulated + receiver, KEY_BYTES)


def _keys(shared: bytes, info: bytes, aead: int) -> tuple[bytes, bytes]:
    """Return the key and the first nonce (section 5.1)."""
    suite = b"HPKE" + b"".join(number.to_bytes(2) for number in (X25519_SHA256, HKDF_SHA256, aead))
    digests = _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    secret = _extract(suite, shared, b"secret", b"")
    key = _expand(suite, secret, b"key", _BASE + digests, AEADS[aead][1])
    return key, _expand(suite, secret, b"base_nonce", _BASE + digests, NONCE_BYTES)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hkdf.extract(DIGEST, salt, b"HPKE-v1" + suite + label + material)


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2) + b"HPKE-v1" + suite + label + info
    return hkdf.expand(DIGEST, key, labelled, length)
