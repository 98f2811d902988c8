"""Nonces tell the origin which attempt asks, and nobody else that a test asks at all.

A nonce is 32 hexadecimal digits: the first half derives from the attempt and from a random id of
the campaign's run, the second is a keyed check of the first. The origin can so find a nonce in any
request header by its key alone, whatever the header is called (``harness.model.carrier``).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable

from harness.model.observation import AttemptKey

HALF = 8
"""Bytes of each half: 64 bits of check are not met by accident."""

DIGITS = 4 * HALF

SHAPE = re.compile(r"\b[0-9a-f]{8}(?:[0-9a-f]{24}|(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
"""What may be a nonce: 32 digits, or the same written as a UUID."""


def new_run() -> str:
    """A random id for one run of a campaign, kept in its journal: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def nonce_for(key: bytes, attempt: AttemptKey, tries: int = 1, run: str = "") -> str:
    """The nonce of one attempt in one run: 32 hexadecimal digits, unguessable without the key."""
    text = "\x1f".join(
        (
            "nonce",
            run,
            attempt.campaign,
            attempt.item,
            attempt.probe,
            attempt.line,
            attempt.profile,
            str(attempt.round),
            str(tries),
        )
    )
    first = hashlib.blake2b(text.encode(), key=key[:64], digest_size=HALF).hexdigest()
    return first + _check(key, first)


def find_nonce(key: bytes, values: Iterable[str]) -> str:
    """The first nonce made with ``key`` in some texts, such as header values; empty if none."""
    for value in values:
        for found in SHAPE.finditer(value) if len(value) >= DIGITS else ():
            digits = found[0].replace("-", "")
            if _check(key, digits[: 2 * HALF]) == digits[2 * HALF :]:
                return digits
    return ""


def _check(key: bytes, first: str) -> str:
    text = f"check\x1f{first}"
    return hashlib.blake2b(text.encode(), key=key[:64], digest_size=HALF).hexdigest()
