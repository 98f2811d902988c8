"""Keys of an agent or a hub: one to sign with (Ed25519), one to encrypt to (X25519).

Private keys are made on the device that uses them, and never leave it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from harness.errors import UsageError

KEY_BYTES = 32
KEY_FILE_BYTES = 2 * KEY_BYTES
"""A file of private keys: the signing key, then the decryption key."""

Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""32 bytes in hexadecimal."""


class PublicIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The public keys of an agent or a hub, in hexadecimal."""

    signing: Hex32
    sealing: Hex32

    @property
    def id(self) -> str:
        """The id of the keys: the first 32 digits of the SHA-256 of both."""
        both = bytes.fromhex(self.signing) + bytes.fromhex(self.sealing)
        return hashlib.sha256(both).hexdigest()[:32]

    @property
    def verifier(self) -> Ed25519PublicKey:
        """The key that verifies signatures."""
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.signing))

    @property
    def recipient(self) -> X25519PublicKey:
        """The key that messages are encrypted to."""
        return X25519PublicKey.from_public_bytes(bytes.fromhex(self.sealing))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The private keys of an agent or a hub; never printed."""

    signer: Ed25519PrivateKey = field(repr=False)
    opener: X25519PrivateKey = field(repr=False)

    @classmethod
    def new(cls) -> Identity:
        """Make new keys."""
        return cls(signer=Ed25519PrivateKey.generate(), opener=X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, content: bytes, where: object) -> Identity:
        """Read keys. Raises UsageError, naming ``where``, if they are none."""
        if len(content) != KEY_FILE_BYTES:
            msg = f"{where}: not a file of keys; restore it, or enrol this device again"
            raise UsageError(msg)
        return cls(
            signer=Ed25519PrivateKey.from_private_bytes(content[:KEY_BYTES]),
            opener=X25519PrivateKey.from_private_bytes(content[KEY_BYTES:]),
        )

    def to_bytes(self) -> bytes:
        """The private keys, for a file that only the user can read."""
        return self.signer.private_bytes_raw() + self.opener.private_bytes_raw()

    @property
    def public(self) -> PublicIdentity:
        """The public keys."""
        return PublicIdentity(
            signing=self.signer.public_key().public_bytes_raw().hex(),
            sealing=self.opener.public_key().public_bytes_raw().hex(),
        )
