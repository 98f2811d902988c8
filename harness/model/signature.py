"""Signatures of people: by which key somebody signed a statement or an event."""

from __future__ import annotations

from typing import Annotated

import msgspec

from harness.model.person_names import person_in

Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A public Ed25519 key: 32 bytes in hexadecimal."""

BY_NAME_ONLY = "identities by name only"
"""What every output says of statements and acts that neither a key nor an account shows."""

SHOWN_KEY = 16
"""How many digits of a key people are shown."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """The signature (Ed25519, RFC 8032) of all that is said beside it, in hexadecimal.

    ``key`` is the public key. Whose it is, the record of the identity says.
    """

    key: Key
    signature: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]


def is_by_name_only(actor: str, key: str) -> bool:
    """Whether neither a signature (``key``) nor an account of a hub shows who acted."""
    return not key and not person_in(actor).account


def shown_identity(actor: str, key: str) -> str:
    """How it is shown who acted, in words: a key, an account of a hub, or the name only."""
    if key:
        return f"signed with key {key[:SHOWN_KEY]}"
    return BY_NAME_ONLY if is_by_name_only(actor, key) else "under an account of a hub"
