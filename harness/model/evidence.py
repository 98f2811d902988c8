"""Evidence is what backs an observation: bytes kept under their SHA-256."""

from __future__ import annotations

import hashlib

import msgspec


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one kind, with the digest that names them."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """``sha256:`` and the hexadecimal digest of the body."""
        return digest_of(self.body)


def digest_of(body: bytes) -> str:
    """The name under which ``body`` is kept."""
    return "sha256:" + hashlib.sha256(body).hexdigest()
