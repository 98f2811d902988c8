"""Passwords, kept as Argon2id hashes (RFC 9106).

A hash takes about 19 MiB and 20 ms, and at most ``AT_ONCE`` are made at one time, so that many
sign-ins cannot exhaust the memory of a hub.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
"""The parameters that OWASP recommends for Argon2id."""

SHORTEST, LONGEST = 12, 200
"""The least and the most characters of a password."""

LEAST_DIFFERENT = 5
"""How many different characters a password has at least."""

AT_ONCE = 2

_turns = threading.Semaphore(AT_ONCE)


def require_password(password: str, *names: str) -> None:
    """Raise UsageError for a password that is too short, too long, or one of the names."""
    if not SHORTEST <= len(password) <= LONGEST:
        msg = f"a password has {SHORTEST} to {LONGEST} characters"
        raise UsageError(msg)
    folded = password.casefold()
    is_name = any(name and folded in name.casefold() for name in names)
    if is_name or len(set(folded)) < LEAST_DIFFERENT:
        msg = "this password is easy to guess: use several words, and not your name or address"
        raise UsageError(msg)


def hash_password(password: str) -> str:
    """Return the hash of a password with its parameters and a new salt, as one text."""
    with _turns:
        return _hasher().hash(_composed(password))


def is_password(hashed: str, password: str) -> bool:
    """Whether a password has that hash. It takes as long where there is no hash."""
    from argon2.exceptions import (  # noqa: PLC0415 - an extra
        InvalidHashError,
        VerificationError,
    )

    is_known = bool(hashed)
    with _turns:
        try:
            _hasher().verify(hashed or _dummy(), _composed(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
    return is_known and len(password) <= LONGEST


def needs_new_hash(hashed: str) -> bool:
    """Whether a hash was made with other parameters than those of today."""
    return _hasher().check_needs_rehash(hashed)


def _composed(password: str) -> bytes:
    """The bytes of a password, the same however a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 - an extra

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _dummy() -> str:
    """The hash of a password that nobody has."""
    return _hasher().hash("no account has this password")
