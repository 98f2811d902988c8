"""The seal of cached verdicts: a keyed digest, so that nobody else can write what is believed.

The cache lies in the folder of a campaign, which is handed around; its key lies with the user, and
never in that folder. A cache without the seal of this key is not read.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import InstrumentError
from harness.model.outcome_group import Counts
from harness.model.verdict_basis import VerdictBasis
from harness.store.private_folder import make_private, private_key, state_folder

KEPT = "kept.json"
"""The file that describes the verdicts of a cache, sealed."""

KEY = "verdicts.key"
"""The name of the user's key in the state folder."""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """Cached verdicts: what they were made of, the digest of their rows, and the counts."""

    made_of: str
    sha256: str
    basis: VerdictBasis
    counts: Counts


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A description under a seal; ``key`` identifies the key.

    Earlier versions wrote no seal but a SHA-256, which anybody can make.
    """

    kept: msgspec.Raw
    key: str = ""
    seal: str = ""


Decoded = TypeVar("Decoded")

_DESCRIPTIONS = msgspec.json.Decoder(Description)
_SEALED = msgspec.json.Decoder(Sealed)


def own_key() -> bytes | None:
    """The key of this user's caches, made on first use with mode 0600 in the state folder.

    ``None`` if it cannot be made or read, or if others can read it: then nothing is cached.
    """
    try:
        folder = state_folder()
        make_private(folder)
        key = private_key(folder / KEY)
        is_private = os.name == "nt" or not (folder / KEY).stat().st_mode & 0o077
    except (InstrumentError, OSError, RuntimeError):
        return None
    return key if is_private else None


def id_of(key: bytes) -> str:
    """What identifies a key, and does not give it away."""
    return hashlib.sha256(b"accredit verdicts\0" + key).hexdigest()[:16]


def sealed(kept: Description, key: bytes) -> bytes:
    """The text of the file that describes a cache."""
    text = msgspec.json.encode(kept)
    return msgspec.json.encode(
        Sealed(kept=msgspec.Raw(text), key=id_of(key), seal=_seal(text, key))
    )


def read_sealed(path: Path) -> Sealed:
    """Read a description with its seal, unchecked. Raises OSError, ValueError."""
    return _decoded(_SEALED, path.read_bytes())


def has_seal_of(text: Sealed, key: bytes) -> bool:
    """Whether a description has the seal of a key."""
    return hmac.compare_digest(text.seal.encode(), _seal(bytes(text.kept), key).encode())


def described(text: Sealed) -> Description:
    """The description without its seal. Raises ValueError."""
    return _decoded(_DESCRIPTIONS, bytes(text.kept))


def _decoded(decoder: msgspec.json.Decoder[Decoded], text: bytes) -> Decoded:
    try:
        return decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise ValueError(*error.args) from None


def _seal(text: bytes, key: bytes) -> str:
    return hmac.new(key, text, hashlib.sha256).hexdigest()
