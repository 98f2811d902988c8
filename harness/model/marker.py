"""A marker ties one attempt to one answer of our own origin.

The client sends the nonce; the origin answers with the token. Both derive from a key that
only the origin and the assessor hold, so nothing between them can make up a token, and
*allowed* can mean "the token arrived" (BLAKE2 keyed hashing, RFC 7693).
"""

from __future__ import annotations

import hashlib

import msgspec

from harness.model.observation import AttemptKey

HEADER = "X-Accredit-Attempt"
"""The request header that carries the nonce."""

TOKEN_PREFIX = "ACCREDIT-TOKEN-"  # noqa: S105 - a marker in a page, no secret
"""How a token starts in a page."""


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """The nonce that goes out, and the token that must come back."""

    nonce: str
    token: str


def nonce_for(key: bytes, attempt: AttemptKey, tries: int = 1) -> str:
    """The nonce of one attempt: 32 hexadecimal digits, unguessable without the key."""
    text = "\x1f".join(
        (
            "nonce",
            attempt.campaign,
            attempt.item,
            attempt.probe,
            attempt.line,
            attempt.profile,
            str(attempt.round),
            str(tries),
        )
    )
    return hashlib.blake2b(text.encode(), key=key[:64], digest_size=16).hexdigest()


def token_for(key: bytes, host: str, nonce: str) -> str:
    """The token that the origin shows for ``nonce`` at ``host``."""
    text = f"token\x1f{host.lower().rstrip('.')}\x1f{nonce}"
    digest = hashlib.blake2b(text.encode(), key=key[:64], digest_size=16).hexdigest()
    return TOKEN_PREFIX + digest.upper()


def mark(key: bytes, attempt: AttemptKey, host: str, tries: int = 1) -> Marker:
    """The marker of one attempt against ``host``."""
    nonce = nonce_for(key, attempt, tries)
    return Marker(nonce=nonce, token=token_for(key, host, nonce))
